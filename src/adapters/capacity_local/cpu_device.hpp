// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <vector>

#include "capacity/device.hpp"

namespace vcity::adapters {

// What the processor calls itself.
inline constexpr const char* kProcessorName = "processor";

// The processor as a card, for machines without one and for tests: 16-bit multiply-and-add instructions, threads, AVX2
// where the processor has it.
class CpuDevice final : public capacity::Device {
  public:
    // memory_bytes_max 0: what the system has. Threads in 1..256.
    explicit CpuDevice(unsigned threads, std::uint64_t memory_bytes_max = 0);

    CapacityCard card() override;
    Result<void> chain_begin(const CapacityChainShape& shape,
                             std::span<const std::int8_t> matrix,
                             std::span<const std::int8_t> state) override;
    Result<std::vector<Hash>> chain_advance() override;
    Result<std::vector<std::int8_t>> chain_block(std::uint32_t state, std::uint32_t block) override;
    Result<std::vector<std::int32_t>> chain_multiply(std::span<const std::int8_t> columns) override;
    void chain_end() override;
    Result<void> store_begin(const CapacityStoreShape& shape) override;
    Result<void> store_write(std::uint64_t offset, ByteView data) override;
    Result<std::vector<std::int64_t>> store_sweep(std::uint32_t first_row, std::span<const std::int8_t> x) override;
    void store_end() override;

  private:
    std::span<const std::int8_t> block_of(std::size_t state, std::uint32_t block) const;
    // Columns [first, last) through a whole segment, from states_[segment] into `out`.
    void run_columns(std::uint32_t segment, std::size_t first, std::size_t last, std::int8_t* out) const;

    unsigned threads_;
    std::uint64_t memory_bytes_max_;
    CapacityChainShape shape_;
    std::vector<std::int16_t> matrix_;
    std::vector<std::int8_t> entry_of_;  // chain_entry() by product, shifted to start at 0
    std::vector<std::vector<std::int8_t>> states_;
    CapacityStoreShape store_shape_;
    std::unique_ptr<std::int8_t[]> store_;
};

}  // namespace vcity::adapters
