// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "model/capacity.hpp"

namespace vcity::capacity {

inline constexpr std::size_t kDrawnCellsMax = 1024;
// Of the opened numbers, in memory.
inline constexpr std::uint64_t kOpeningBytesMax = std::uint64_t{256} << 20U;

// What is wrong with an answer. kNone: nothing.
enum class ChainFault : unsigned char {
    kNone,
    kMalformed,     // a size, an order or a proof length is not what was asked for
    kWrongRoot,     // an opened block is not under the root
    kWrongProduct,  // an opened product is not A X
};
std::string_view to_string(ChainFault fault);

// kInvalid unless there are 1..kDrawnCellsMax distinct cells of the chain and their opening is within bounds.
Result<void> check_draw(const CapacityChainShape& shape, const std::vector<CapacityCell>& cells);

// `count` distinct cells (fewer when the chain has fewer), uniform. The key must be unknown to the prover before it
// committed.
std::vector<CapacityCell> draw_cells(const CapacityChainShape& shape, std::size_t count, const Hash& key);

// Judges an opening against the commitment: the blocks lead to the root, and over all opened columns
// A sum(c_i x_i) = sum(c_i p_i) mod 2^61 - 1 for secret c_i. An opening with any wrong product passes with probability
// 2^-61 at most. `rows` random rows are computed outright besides. Costs rows^2 small multiplications, not
// rows^2 * columns. The key is fresh and never sent. The draw is a checked one.
ChainFault check_opening(const CapacityChainChallenge& challenge,
                         const CapacityChainCommitment& commitment,
                         const CapacityDraw& draw,
                         const CapacityOpening& opening,
                         const Hash& key,
                         std::uint32_t rows);

}  // namespace vcity::capacity
