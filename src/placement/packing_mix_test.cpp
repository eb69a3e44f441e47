// SPDX-License-Identifier: Apache-2.0
#include "placement/packing_mix.hpp"

#include <gtest/gtest.h>

namespace vcity::placement {
namespace {

GpuRequest share_of(std::uint16_t milli, std::uint32_t memory_mib = 0) {
    return {~0ULL, 1, milli, 1000, memory_mib};
}

TEST(RequestMix, CountsEqualShapesTogetherWhateverTheirMemory) {
    RequestMix mix;
    mix.add(share_of(470, 1024));
    mix.add(share_of(470, 2048));
    mix.add(share_of(810));
    EXPECT_EQ(mix.total(), 3U);
    const auto typical = mix.typical(1);
    ASSERT_EQ(typical.size(), 2U);
    EXPECT_EQ(typical[0].request.gpu_milli, 470);
    EXPECT_EQ(typical[0].count, 2U);
}

TEST(RequestMix, TypicalIsTheShortestPrefixThatCoversTheShare) {
    RequestMix mix;
    for (int count = 0; count < 6; ++count) mix.add(share_of(100));
    for (int count = 0; count < 3; ++count) mix.add(share_of(200));
    mix.add(share_of(300));
    EXPECT_EQ(mix.typical(0.6).size(), 1U);
    EXPECT_EQ(mix.typical(0.61).size(), 2U);
    EXPECT_EQ(mix.typical(1).size(), 3U);
    EXPECT_TRUE(RequestMix{}.typical(1).empty());
}

TEST(RequestMix, TypicalDoesNotDependOnTheOrderOfArrivals) {
    RequestMix forth;
    RequestMix back;
    for (std::uint16_t milli = 1; milli <= 50; ++milli) {
        forth.add(share_of(milli));
        back.add(share_of(static_cast<std::uint16_t>(51 - milli)));
    }
    const auto left = forth.typical(0.5);
    const auto right = back.typical(0.5);
    ASSERT_EQ(left.size(), right.size());
    for (std::size_t at = 0; at < left.size(); ++at) EXPECT_EQ(left[at].request, right[at].request);
}

TEST(RequestMix, AFullMixKeepsTheFrequentShapes) {
    RequestMix mix;
    for (std::uint32_t round = 0; round < 4 * RequestMix::kShapesMax; ++round) {
        mix.add(share_of(500));
        GpuRequest rare = share_of(100);
        rare.cpu_milli = round;
        mix.add(rare);
    }
    EXPECT_EQ(mix.shapes().size(), RequestMix::kShapesMax);
    EXPECT_EQ(mix.total(), 8 * RequestMix::kShapesMax);
    EXPECT_EQ(mix.typical(0.1).front().request, share_of(500));
}

TEST(RequestMix, HalvingForgetsWhatWasSeenOnce) {
    RequestMix mix;
    mix.add(share_of(100));
    mix.add(share_of(200));
    mix.add(share_of(200));
    mix.halve();
    EXPECT_EQ(mix.total(), 1U);
    ASSERT_EQ(mix.shapes().size(), 1U);
    EXPECT_EQ(mix.shapes()[0].request.gpu_milli, 200);
}

TEST(PackingSupply, AddsUpWhatIsFree) {
    PackingSupply supply;
    supply.add(GpuState{2, 2, {1000, 195}, 4000, 0}, 64'000);
    supply.add(GpuState{5, 0, {}, 1000, 0}, 8'000);
    EXPECT_EQ(supply.gpu_milli, 2000U);
    EXPECT_EQ(supply.cpu_milli, 72'000U);
    EXPECT_EQ(supply.models, 0b100U) << "a unit without a GPU is of no model";
    EXPECT_EQ(supply.free_gpu_milli[2], 1195U);
    EXPECT_EQ(supply.free_gpu_milli_total(), 1195U);
    EXPECT_EQ(supply.gpus_at[100], 1U);
    EXPECT_EQ(supply.gpus_at[19], 1U);
}

}  // namespace
}  // namespace vcity::placement
