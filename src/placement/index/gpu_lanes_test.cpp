// SPDX-License-Identifier: Apache-2.0
#include "placement/index/gpu_lanes.hpp"

#include <algorithm>
#include <functional>
#include <random>

#include <gtest/gtest.h>

namespace vcity::placement {
namespace {

TEST(GpuLanesTest, SaysOfAllGpusAtOnceWhatOneByOneWouldSay) {
    std::mt19937_64 random{11};
    for (int round = 0; round < 5000; ++round) {
        const std::uint64_t below = round % 2 == 0 ? 4 : kWholeGpuMilli + 1;  // many equal ones, and few
        GpuMilli milli;
        for (std::uint16_t& one : milli) one = static_cast<std::uint16_t>(random() % below);
        GpuMilli sorted = milli;
        std::ranges::sort(sorted, std::greater{});
        const auto least = static_cast<std::uint16_t>(random() % below);
        const GpuLanes lanes = lanes_of(milli);
        EXPECT_EQ(milli_of(descending(lanes)), sorted);
        EXPECT_EQ(greatest(lanes), sorted.front());
        EXPECT_EQ(count_from(lanes, least), std::ranges::count_if(milli, [&](auto one) { return one >= least; }));
        EXPECT_EQ(has_any(lanes), sorted.front() > 0);
    }
}

TEST(GpuLanesTest, FillsTheLanesOfAMask) {
    for (unsigned mask = 0; mask <= UINT8_MAX; ++mask) {
        const GpuMilli milli = milli_of(lanes_in(static_cast<std::uint8_t>(mask), kWholeGpuMilli));
        for (std::size_t gpu = 0; gpu < kGpusMax; ++gpu) {
            EXPECT_EQ(milli[gpu], (mask >> gpu & 1U) != 0 ? kWholeGpuMilli : 0);
        }
    }
}

}  // namespace
}  // namespace vcity::placement
