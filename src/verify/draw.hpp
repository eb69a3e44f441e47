// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "model/audit.hpp"
#include "model/request.hpp"
#include "verify/random.hpp"
#include "verify/shape.hpp"

namespace vcity::verify {

struct DrawOptions {
    std::uint32_t cells = 32;                // asked for, at most kOpenedCellsMax
    std::uint32_t attention_positions = 16;  // longest run of one layer's cells from position 0 on
    std::uint64_t bytes_max = 6ULL << 20U;   // of the opened cells together: an opening must fit into a frame
};

// Which cells of a trace to ask for, given the billed token counts; the seed must be drawn after the worker committed.
// In this order until the count or the byte bound is reached:
// - all cells of an output position, final cell first: whoever splices another computation in, be it a cached one that
//   is right by itself, breaks a connection between two layers of that position, whichever layer it chose;
// - the same of any position, if both take at most half of the cells;
// - a run of one layer's cells from position 0 on, of random length, whose attention can be checked whole;
// - single cells and consecutive pairs of layers at random places, half of them at output tokens.
// Each cell once. All cells when the trace is smaller than the count; none when nothing is billed. Counts that no trace
// can have give one cell, so that the check takes place and fails.
std::vector<Cell> draw_cells(const ModelShape& shape,
                             const TokenUsage& units,
                             const Seed& seed,
                             const DrawOptions& options = {});

}  // namespace vcity::verify
