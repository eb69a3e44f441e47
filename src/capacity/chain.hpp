// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/result.hpp"
#include "crypto/merkle.hpp"
#include "model/capacity.hpp"

namespace vcity::capacity {

// The chain. A is [rows, rows] and a state C is [columns, rows] (column after column), entries in [-8, 8], all drawn
// from the seed. A segment starts with X_0 = C + C' + C_0, where C' is C with its blocks rotated (see partner_block)
// and C_0 is state 0, and runs `steps` times
//     P = A X,   X = ((P mod 17)^3 mod 17) - 8
// The last X is the next state. |P| <= 8 * 24 * rows < 2^20, so 32-bit integers, and fp32 sums of bf16 entries, hold
// every partial sum exactly in any order. The cube makes a step non-linear over the field of 17 elements (where P mod
// 17 alone would be linear and many steps one matrix), the rotation makes every column depend on all others, so neither
// steps nor columns can be computed apart. C_0 keeps the columns different: without it one made-up state with equal
// columns would make all later work that of a single column, and rightly so.

inline constexpr std::int32_t kModulus = 17;
inline constexpr std::int32_t kShift = 8;                            // entries are in [-kShift, kShift]
inline constexpr std::int32_t kProductPerRow = kShift * 3 * kShift;  // a product's size is at most this times the rows
inline constexpr std::size_t kChunkBytes = 1024;

// kInvalid unless every size is within its bounds: rows 16..4096 and columns 1..8192, each a multiple of 16, blocks
// that divide the columns, 1..256 segments, 1..64 steps, states of 2 GiB together at most.
Result<void> check_shape(const CapacityChainShape& shape);

// [rows, rows], row after row.
std::vector<std::int8_t> chain_matrix(const CapacityChainShape& shape, const Hash& seed);
// [columns, rows], column after column: state 0.
std::vector<std::int8_t> chain_start(const CapacityChainShape& shape, const Hash& seed);

// The block that is added to `block` at the start of a segment: at distance 2^(segment mod the blocks' bits).
std::uint32_t partner_block(const CapacityChainShape& shape, std::uint32_t segment, std::uint32_t block);

// Three blocks of the same place: what a segment starts with.
std::vector<std::int8_t> mixed_block(std::span<const std::int8_t> block,
                                     std::span<const std::int8_t> partner,
                                     std::span<const std::int8_t> first);

// The entry that a product becomes.
std::int8_t chain_entry(std::int32_t product);

// keccak-256 of each kChunkBytes of a block, the last one may be shorter. So many threads can hash one block.
std::vector<Hash> chunk_digests(std::span<const std::int8_t> block);
// A leaf of the tree: bound to session, card and place.
Hash chain_leaf(const CapacityChainChallenge& challenge,
                std::uint32_t state,
                std::uint32_t block,
                std::span<const Hash> digests);
// Index in the tree of a block of state 1..segments.
std::size_t leaf_index(const CapacityChainShape& shape, std::uint32_t state, std::uint32_t block);

// Length of the path of leaf index < size in crypto::MerkleTree, where an odd last node is promoted.
std::size_t proof_length(std::size_t index, std::size_t size);

}  // namespace vcity::capacity
