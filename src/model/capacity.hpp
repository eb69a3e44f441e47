// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/bytes.hpp"

namespace vcity {

// Messages of a proof of capacity between a verifier (or the monitor beside the node) and a node; docs/capacity.md has
// the protocol. Each names its session and the card it is about.

// Integer matrices: A is rows x rows, a state is rows x columns, kept as blocks of block_columns columns. The chain has
// `segments` segments of `steps` products; the state after each segment is committed to.
struct CapacityChainShape {
    std::uint32_t rows = 0;
    std::uint32_t columns = 0;
    std::uint32_t block_columns = 0;
    std::uint32_t segments = 0;
    std::uint32_t steps = 0;

    std::uint32_t blocks() const { return columns / block_columns; }
    std::uint64_t block_bytes() const { return std::uint64_t{rows} * block_columns; }
    std::uint64_t state_bytes() const { return std::uint64_t{rows} * columns; }
    std::uint64_t matrix_bytes() const { return std::uint64_t{rows} * rows; }
    // Multiplications and additions of the whole chain.
    double operations() const { return 2.0 * rows * rows * columns * segments * steps; }
    bool operator==(const CapacityChainShape&) const = default;
};

struct CapacityChainChallenge {
    Hash session;
    std::uint32_t card = 0;
    CapacityChainShape shape;
    Hash seed;  // of A and of the first state

    bool operator==(const CapacityChainChallenge&) const = default;
};

struct CapacityChainCommitment {
    Hash session;
    std::uint32_t card = 0;
    Hash root;  // of the states after each segment

    bool operator==(const CapacityChainCommitment&) const = default;
};

// One block of columns through one segment.
struct CapacityCell {
    std::uint32_t segment = 0;
    std::uint32_t block = 0;

    auto operator<=>(const CapacityCell&) const = default;
};

struct CapacityDraw {
    Hash session;
    std::uint32_t card = 0;
    std::vector<CapacityCell> cells;

    bool operator==(const CapacityDraw&) const = default;
};

struct CapacityOpenedCell {
    CapacityCell cell;
    // The block and the partner it is mixed with, in the state before the segment; empty for segment 0, whose state
    // follows from the seed.
    std::vector<std::int8_t> start;
    std::vector<std::int8_t> partner;
    std::vector<Hash> start_proof;
    std::vector<Hash> partner_proof;
    // The exact products A X of every step: steps x block_columns x rows numbers of at most 24 bits.
    std::vector<std::int32_t> products;
    // Of the state after the segment, which follows from the last product.
    std::vector<Hash> end_proof;

    bool operator==(const CapacityOpenedCell&) const = default;
};

struct CapacityOpening {
    Hash session;
    std::uint32_t card = 0;
    std::vector<CapacityOpenedCell> cells;  // in the order drawn

    bool operator==(const CapacityOpening&) const = default;
};

// The secret matrix D that has to stay in the card's memory: rows x columns signed bytes, row after row.
struct CapacityStoreShape {
    std::uint32_t rows = 0;
    std::uint32_t columns = 0;

    std::uint64_t bytes() const { return std::uint64_t{rows} * columns; }
    bool operator==(const CapacityStoreShape&) const = default;
};

// A part of D. The chunks come in order and without gaps.
struct CapacityFill {
    Hash session;
    std::uint32_t card = 0;
    CapacityStoreShape shape;
    std::uint64_t offset = 0;  // bytes
    Bytes data;

    bool operator==(const CapacityFill&) const = default;
};

// Asks for y = x^T D over the rows [first_row, first_row + rows); x follows from the seed.
struct CapacitySweep {
    Hash session;
    std::uint32_t card = 0;
    std::uint32_t round = 0;
    std::uint32_t first_row = 0;
    std::uint32_t rows = 0;
    Hash seed;

    bool operator==(const CapacitySweep&) const = default;
};

struct CapacityAnswer {
    Hash session;
    std::uint32_t card = 0;
    std::uint32_t round = 0;
    std::vector<std::int64_t> sums;  // y, one number a column

    bool operator==(const CapacityAnswer&) const = default;
};

// What a node says about one card. Every field is a claim.
struct CapacityCard {
    std::string name;
    std::uint64_t memory_bytes = 0;
    std::uint64_t memory_bytes_free = 0;

    bool operator==(const CapacityCard&) const = default;
};

}  // namespace vcity
