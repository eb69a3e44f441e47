// SPDX-License-Identifier: Apache-2.0
#include "verify/draw.hpp"

#include <algorithm>
#include <set>

#include <gtest/gtest.h>

#include "verify/commit.hpp"
#include "verify/opening.hpp"
#include "verify/testing/reference_worker.hpp"

namespace vcity::verify {
namespace {

using testing::seed_of;
using testing::small_shape;

TEST(DrawCells, AlwaysTakesAWholeOutputPositionAndTheFirstPosition) {
    const ModelShape shape = small_shape();
    for (std::uint64_t seed = 0; seed < 200; ++seed) {
        const std::vector<Cell> cells = draw_cells(shape, {.input = 20, .output = 10}, seed_of(seed));

        const std::set<Cell> distinct{cells.begin(), cells.end()};
        EXPECT_EQ(cells.size(), 32U);
        EXPECT_EQ(distinct.size(), cells.size());
        for (std::uint32_t layer = 0; layer <= shape.layers; ++layer) {
            EXPECT_TRUE(distinct.contains(Cell{cells[0].position, layer}));
        }
        EXPECT_GE(cells[0].position, 19U);
        EXPECT_TRUE(std::ranges::any_of(cells, [](const Cell& cell) { return cell.position == 0; }));
        for (const Cell& cell : cells) {
            EXPECT_LT(cell.position, 29U);
            EXPECT_LE(cell.layer, shape.layers);
        }
    }
}

TEST(DrawCells, TakesAsMuchOfAPositionAsFits) {
    ModelShape deep = small_shape();
    deep.layers = 80;
    const auto cells = draw_cells(deep, {.input = 20, .output = 10}, seed_of(1), {.cells = 64});
    EXPECT_EQ(cells.size(), 64U);
    EXPECT_EQ(cells[0].layer, deep.layers);
    EXPECT_EQ(cells[63], (Cell{cells[0].position, deep.layers - 63}));
}

TEST(DrawCells, ReachesEveryCell) {
    std::set<Cell> seen;
    for (std::uint64_t seed = 0; seed < 200; ++seed) {
        const auto cells = draw_cells(small_shape(), {.input = 10, .output = 10}, seed_of(seed));
        seen.insert(cells.begin(), cells.end());
    }
    EXPECT_EQ(seen.size(), 19U * small_shape().cells_per_position());
}

TEST(DrawCells, TakesAllOfASmallTraceAndNothingOfNone) {
    EXPECT_EQ(draw_cells(small_shape(), {.input = 1, .output = 1}, seed_of(1)).size(), 4U);
    EXPECT_EQ(draw_cells(small_shape(), {.input = 2, .output = 0}, seed_of(1)).size(), 8U);
    EXPECT_TRUE(draw_cells(small_shape(), {.input = 0, .output = 0}, seed_of(1)).empty());
}

TEST(DrawCells, TakesOneForCountsThatNoTraceCanHave) {
    EXPECT_EQ(draw_cells(small_shape(), {.input = 0, .output = 5}, seed_of(1)).size(), 1U);
    EXPECT_EQ(draw_cells(small_shape(), {.input = ~0ULL, .output = ~0ULL}, seed_of(1)).size(), 1U);
}

TEST(DrawCells, KeepsToTheBounds) {
    const DrawOptions many{.cells = 1000};
    EXPECT_EQ(draw_cells(small_shape(), {.input = 500, .output = 500}, seed_of(1), many).size(), kOpenedCellsMax);
    const DrawOptions small{.bytes_max = 20'000};
    const auto cells = draw_cells(small_shape(), {.input = 500, .output = 500}, seed_of(1), small);
    EXPECT_FALSE(cells.empty());
    EXPECT_LE(opened_bytes(small_shape(), cells), small.bytes_max);
}

TEST(DrawCells, DependsOnTheSeedAlone) {
    const TokenUsage units{.input = 100, .output = 100};
    EXPECT_EQ(draw_cells(small_shape(), units, seed_of(1)), draw_cells(small_shape(), units, seed_of(1)));
    EXPECT_NE(draw_cells(small_shape(), units, seed_of(1)), draw_cells(small_shape(), units, seed_of(2)));
}

TEST(Random, IsUniformBelowABound) {
    Random random{seed_of(3), "test"};
    int counts[3] = {};
    for (int i = 0; i < 3000; ++i) ++counts[random.below(3)];
    for (const int count : counts) EXPECT_NEAR(count, 1000, 150);
    EXPECT_NE(Random(seed_of(3), "a").next(), Random(seed_of(3), "b").next());
}

}  // namespace
}  // namespace vcity::verify
