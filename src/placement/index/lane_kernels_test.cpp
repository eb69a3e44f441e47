// SPDX-License-Identifier: Apache-2.0
#include "placement/index/lane_kernels.hpp"

#include <algorithm>
#include <bit>
#include <random>

#include <gtest/gtest.h>

namespace vcity::placement {
namespace {

// Small whole numbers: every sum is exact as a float, so that the variants must agree to the last bit.
class LaneKernelsTest : public testing::TestWithParam<const LaneKernels*> {
  protected:
    std::uint64_t draw(std::uint64_t below) { return random_() % below; }
    float number() { return static_cast<float>(draw(100)); }
    Features features() {
        Features all = 0;
        for (unsigned shift = 0; shift < 64; shift += 8) all |= (draw(3) * 127 + draw(2)) << shift;
        return all;
    }
    std::array<float, kLanesMax> row() {
        std::array<float, kLanesMax> values{};
        for (float& value : values) value = draw(8) == 0 ? kFar : number();
        return values;
    }
    Block block() {
        Block made;
        const std::size_t size = draw(Block::kEntries + 1);
        for (std::size_t entry = 0; entry < size; ++entry) {
            made.prices[entry] = static_cast<std::uint32_t>(draw(100));
            made.features[entry] = features();
            made.flaws_and_kinds[entry] = static_cast<std::uint16_t>(draw(100) | (draw(2) * Block::kKindBit));
        }
        return made;
    }
    BlockFilter filter() {
        BlockFilter made{};
        made.base = number();
        made.price_weight = number();
        made.quality_weight = number();
        made.threshold = number() * 100;
        made.price_max = number();
        made.first = draw(kDirections - 1);
        made.first_weight = number();
        made.second_weight = number();
        made.flaws_max = static_cast<std::uint16_t>(draw(100));
        made.kind_mask = draw(2) == 0 ? 0 : Block::kKindBit;
        made.kind_value = made.kind_mask != 0 && draw(2) == 0 ? Block::kKindBit : 0;
        made.need = draw(2) == 0 ? 0 : features() & features();
        return made;
    }

    std::mt19937_64 random_{7};
    const LaneKernels& plain_ = *runnable_kernels().front();
    const LaneKernels& best_ = *GetParam();
};

INSTANTIATE_TEST_SUITE_P(Variants, LaneKernelsTest, testing::ValuesIn(runnable_kernels()));

TEST_P(LaneKernelsTest, BoundsAreTheSameInEveryVariant) {
    for (int round = 0; round < 200; ++round) {
        alignas(64) const auto first = row();
        alignas(64) const auto second = row();
        alignas(64) const auto third = row();
        const BoundSum sum{first.data(), second.data(), third.data(), second.data(), number(),
                           number(),     number(),      number(),     number()};
        const std::size_t lanes = kLaneStep * (1 + draw(kLanesMax / kLaneStep));
        alignas(64) std::array<float, kLanesMax> plain_values;
        alignas(64) std::array<float, kLanesMax> best_values;
        const float plain = plain_.bounds(sum, lanes, plain_values.data());
        const float best = best_.bounds(sum, lanes, best_values.data());
        EXPECT_FLOAT_EQ(plain, best);
        for (std::size_t lane = 0; lane < lanes; ++lane) EXPECT_FLOAT_EQ(plain_values[lane], best_values[lane]);
        const float threshold = number();
        EXPECT_EQ(plain_.at_most(first.data(), lanes, threshold), best_.at_most(first.data(), lanes, threshold));
        const std::uint64_t mask = draw(8) == 0 ? 0 : random_() & random_();
        const Lowest plain_lowest = plain_.lowest_in(first.data(), mask);
        const Lowest best_lowest = best_.lowest_in(first.data(), mask);
        EXPECT_EQ(plain_lowest.value, best_lowest.value);
        EXPECT_TRUE(plain_lowest.value == kFar || plain_lowest.lane == best_lowest.lane);
        EXPECT_EQ(plain_.least_in(first.data(), lanes, mask), best_.least_in(first.data(), lanes, mask));
    }
}

TEST_P(LaneKernelsTest, TheSameUnitsOfABlockPassInEveryVariant) {
    unsigned passed = 0;
    for (int round = 0; round < 500; ++round) {
        const Block one = block();
        const BlockFilter asked = filter();
        const unsigned plain = plain_.block(one, asked);
        EXPECT_EQ(plain, best_.block(one, asked));
        passed += static_cast<unsigned>(std::popcount(plain));
    }
    EXPECT_GT(passed, 0U);
}

TEST_P(LaneKernelsTest, TheSameBlocksPassInEveryVariant) {
    for (int round = 0; round < 500; ++round) {
        BlockHeads heads;
        const std::size_t level = draw(kLevels);
        for (std::size_t lane = 0; lane < kLaneStep; ++lane) {
            for (std::size_t direction = 0; direction < kDirections; ++direction) {
                heads.least[level].at(direction, lane) = draw(8) == 0 ? kFar : number();
            }
        }
        for (Features& most : heads.most) most = features();
        const BlockFilter asked = filter();
        alignas(64) std::array<float, kLaneStep> plain_values;
        alignas(64) std::array<float, kLaneStep> best_values;
        EXPECT_EQ(plain_.heads(heads, level, asked, plain_values.data()),
                  best_.heads(heads, level, asked, best_values.data()));
        for (std::size_t lane = 0; lane < kLaneStep; ++lane) EXPECT_FLOAT_EQ(plain_values[lane], best_values[lane]);
    }
}

TEST_P(LaneKernelsTest, LeastScoresAreTheSameInEveryVariant) {
    const Directions directions{{1, 1, 1, 0}, {0, 2, 8, 1}};
    for (int round = 0; round < 500; ++round) {
        const Block one = block();
        const Features need = draw(2) == 0 ? 0 : features() & features();
        EXPECT_EQ(plain_.least(one, need, directions), best_.least(one, need, directions));
        EXPECT_EQ(plain_.most(one), best_.most(one));
    }
}

TEST_P(LaneKernelsTest, CoveringAndMergingLookAtEveryByte) {
    for (int round = 0; round < 2000; ++round) {
        const Features has = features();
        const Features need = features();
        bool is_covered = true;
        Features greater = 0;
        for (unsigned shift = 0; shift < 64; shift += 8) {
            const Features ours = has >> shift & 0xffU;
            const Features theirs = need >> shift & 0xffU;
            is_covered = is_covered && ours >= theirs;
            greater |= std::max(ours, theirs) << shift;
        }
        EXPECT_EQ(covers(has, need), is_covered);
        EXPECT_EQ(merged(has, need), greater);
    }
}

}  // namespace
}  // namespace vcity::placement
