// SPDX-License-Identifier: Apache-2.0
#include "placement/share_values.hpp"

#include <random>

#include <gtest/gtest.h>

namespace vcity::placement {
namespace {

constexpr double kTau = 4;
constexpr double kSmoothing = 20;  // milli: what the soft maximum may add

using Shapes = std::vector<RequestMix::Shape>;

RequestMix::Shape shape(std::uint8_t gpus, std::uint16_t milli, std::uint64_t count) {
    return {{~0ULL, gpus, milli, 1000, 0}, count};
}

ShareValues solved(const Shapes& shapes, std::uint32_t free_gpus, double demand_milli) {
    ShareValues values{kTau};
    values.set_mix(shapes);
    std::array<std::uint32_t, ShareValues::kLevels> gpus_at{};
    gpus_at[100] = free_gpus;
    for (int round = 0; round < 10; ++round) values.solve(gpus_at, demand_milli);
    return values;
}

TEST(ShareValues, WithoutAMixEveryMilliIsWorthItself) {
    const ShareValues values{kTau};
    EXPECT_EQ(values.value(0), 0);
    EXPECT_EQ(values.value(19), 190);
}

TEST(ShareValues, ALeftoverThatNoShareFitsIsWorthNothing) {
    const ShareValues values = solved({shape(1, 500, 1)}, 10, 100'000);
    EXPECT_NEAR(values.value(49), 0, 1e-9);
}

TEST(ShareValues, WhereDemandIsPlentifulALeftoverIsWorthWhatFitsIntoIt) {
    // 10 GPUs and demand for 200 halves: each GPU takes two, each half one.
    const ShareValues values = solved({shape(1, 500, 1)}, 10, 100'000);
    EXPECT_NEAR(values.value(50), 500, kSmoothing);
    EXPECT_NEAR(values.value(99), 500, kSmoothing);
    EXPECT_NEAR(values.value(100), 1000, kSmoothing);
}

TEST(ShareValues, WhereDemandIsScarceCapacityIsWorthNothing) {
    const ShareValues values = solved({shape(1, 500, 1)}, 1000, 5'000);
    EXPECT_LT(values.value(100), 2 * kSmoothing);
}

TEST(ShareValues, ACommonLeftoverThatOnlyRareSharesFillIsWorthLittle) {
    // Every GPU that takes 810 keeps 190; one request in a hundred could use that.
    const ShareValues values = solved({shape(1, 810, 99), shape(1, 160, 1)}, 1000, 1'000'000);
    EXPECT_LT(values.value(19), 40);
    EXPECT_GT(values.value(81), 700);
    // So the rare share loses next to nothing there, and much on a GPU that is still free.
    const double in_leftover = values.value(19) - values.value(3);
    const double on_free = values.value(100) - values.value(84);
    EXPECT_LT(in_leftover + 20, on_free + 160);
}

TEST(ShareValues, NeverFallAndNeverMissAShareThatFits) {
    std::mt19937_64 random{7};
    for (int round = 0; round < 20; ++round) {
        Shapes shapes;
        for (int count = 0; count < 8; ++count) {
            shapes.push_back(shape(1, static_cast<std::uint16_t>(1 + random() % 1000), 1 + random() % 50));
        }
        shapes.push_back(shape(8, 1000, 3));
        shapes.push_back(shape(0, 0, 100));
        ShareValues values{kTau};
        values.set_mix(shapes);
        std::array<std::uint32_t, ShareValues::kLevels> gpus_at{};
        for (std::uint32_t& gpus : gpus_at) gpus = static_cast<std::uint32_t>(random() % 20);
        values.solve(gpus_at, static_cast<double>(random() % 1'000'000));
        EXPECT_GE(values.value(0), 0);
        for (std::size_t level = 1; level < ShareValues::kLevels; ++level) {
            EXPECT_GE(values.value(level), values.value(level - 1) - 1e-9);
            EXPECT_LE(values.value(level), static_cast<double>(10 * level) + 2 * kSmoothing);
        }
    }
}

TEST(ShareValues, EqualInputsGiveEqualValues) {
    const Shapes shapes = {shape(1, 470, 7), shape(1, 320, 3), shape(1, 1000, 20)};
    EXPECT_EQ(solved(shapes, 50, 60'000).values(), solved(shapes, 50, 60'000).values());
}

}  // namespace
}  // namespace vcity::placement
