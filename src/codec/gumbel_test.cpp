// SPDX-License-Identifier: Apache-2.0
#include "codec/gumbel.hpp"

#include <cmath>
#include <random>

#include <gtest/gtest.h>

namespace vcity::codec {
namespace {

double uniform_of(std::uint64_t bits) {
    return (static_cast<double>(bits >> 11U) + 0.5) * 0x1p-53;
}

TEST(Gumbel, IsMinusTheLogarithmOfMinusTheLogarithm) {
    std::mt19937_64 random{1};
    for (int i = 0; i < 20000; ++i) {
        const std::uint64_t bits = random() << (random() % 8);
        const double exact = -std::log(-std::log(uniform_of(bits)));
        EXPECT_NEAR(gumbel_noise(bits), exact, 1e-12 * (1 + std::abs(exact))) << bits;
    }
}

TEST(Gumbel, IsFiniteAtBothEnds) {
    EXPECT_NEAR(gumbel_noise(0), -std::log(54 * std::log(2.0)), 1e-12);
    EXPECT_NEAR(gumbel_noise(~0ULL), 54 * std::log(2.0), 1e-9);
}

TEST(Gumbel, GrowsWithItsBits) {
    std::mt19937_64 random{2};
    for (int i = 0; i < 5000; ++i) {
        const std::uint64_t a = random();
        const std::uint64_t b = random();
        if (a >> 11U == b >> 11U) continue;
        EXPECT_EQ(a < b, gumbel_noise(a) < gumbel_noise(b));
    }
}

TEST(Gumbel, HasACheapBoundAboveIt) {
    std::mt19937_64 random{3};
    for (int i = 0; i < 20000; ++i) {
        const std::uint64_t bits = ~(random() >> (random() % 50));
        const double noise = gumbel_noise(bits);
        EXPECT_GE(gumbel_noise_above(bits), noise - 1e-12);
        if (noise > 2) EXPECT_LE(gumbel_noise_above(bits), noise + 0.8);
    }
    EXPECT_LT(gumbel_noise_above(~0ULL), 37.5);
}

TEST(Gumbel, HasTheMeanAndSpreadOfItsDistribution) {
    double sum = 0;
    double squares = 0;
    constexpr int kCount = 100000;
    for (std::uint32_t token = 0; token < kCount; ++token) {
        const double noise = gumbel_noise(gumbel_bits(7, 3, token));
        sum += noise;
        squares += noise * noise;
    }
    const double mean = sum / kCount;
    EXPECT_NEAR(mean, 0.5772, 0.02);
    EXPECT_NEAR(squares / kCount - mean * mean, 1.6449, 0.04);
}

// Other implementations compare with these.
TEST(Gumbel, GivesKnownBits) {
    EXPECT_EQ(gumbel_bits(0, 0, 0), 0x238275bc38fcbe91ULL);
    EXPECT_NE(gumbel_bits(0, 0, 1), gumbel_bits(0, 1, 0));
    EXPECT_NE(gumbel_bits(0, 0, 1), gumbel_bits(1, 0, 0));
    EXPECT_EQ(gumbel_bits(42, 7, 11), 0xbfe116a6901cf5c3ULL);
}

}  // namespace
}  // namespace vcity::codec
