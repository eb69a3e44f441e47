// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/result.hpp"
#include "model/capacity.hpp"

namespace vcity::capacity {

// One card that computes: what a prover needs of it. Calls block and come from one thread at a time. Errors:
// kExhausted when its memory is too small, kUnavailable when it failed; nothing is kept then.
class Device {
  public:
    virtual ~Device() = default;
    virtual CapacityCard card() = 0;

    // Takes A and state 0 (see chain.hpp) and forgets the chain before. The shape is a checked one.
    virtual Result<void> chain_begin(const CapacityChainShape& shape,
                                     std::span<const std::int8_t> matrix,
                                     std::span<const std::int8_t> state) = 0;
    // Runs the next segment and keeps the state it ends with. The digests of its chunks, block after block.
    virtual Result<std::vector<Hash>> chain_advance() = 0;
    // A block of state 0..segments run so far.
    virtual Result<std::vector<std::int8_t>> chain_block(std::uint32_t state, std::uint32_t block) = 0;
    // A times columns of `rows` entries each: exact products in the same order.
    virtual Result<std::vector<std::int32_t>> chain_multiply(std::span<const std::int8_t> columns) = 0;
    virtual void chain_end() = 0;

    // Reserves the store D, then fills it; offset + data within its bytes.
    virtual Result<void> store_begin(const CapacityStoreShape& shape) = 0;
    virtual Result<void> store_write(std::uint64_t offset, ByteView data) = 0;
    // y = x^T D over the rows [first_row, first_row + x.size()), within the store.
    virtual Result<std::vector<std::int64_t>> store_sweep(std::uint32_t first_row, std::span<const std::int8_t> x) = 0;
    virtual void store_end() = 0;
};

}  // namespace vcity::capacity
