// SPDX-License-Identifier: Apache-2.0
#include "checkpoint/sampler.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include <gtest/gtest.h>

namespace vcity::checkpoint {
namespace {

TEST(Sampler, IsGreedyAtTemperatureZero) {
    const std::vector<float> logits{0.5F, 2.0F, 2.0F, -1.0F};

    EXPECT_EQ(choose_token(logits, {.temperature = 0, .top_p = 1, .seed = 9}, 3), 1U) << "ties go to the lower id";
}

TEST(Sampler, IsAFunctionOfSeedAndStep) {
    const std::vector<float> logits(100, 1.0F);
    const Sampling sampling{.temperature = 1, .top_p = 1, .seed = 42};

    EXPECT_EQ(choose_token(logits, sampling, 0), choose_token(logits, sampling, 0));
    std::vector<int> counts(100);
    for (std::uint64_t step = 0; step < 1000; ++step) ++counts[choose_token(logits, sampling, step)];
    EXPECT_GT(std::ranges::count_if(counts, [](int count) { return count > 0; }), 90);
}

// Fixed for ever: a verifier of another version must repeat the choices of today.
TEST(Sampler, KeepsItsChoices) {
    std::vector<float> logits;
    for (int i = 0; i < 50; ++i) logits.push_back(static_cast<float>((i * 37) % 50) / 10.0F);
    std::vector<std::uint32_t> chosen;
    for (std::uint64_t step = 0; step < 8; ++step) {
        chosen.push_back(choose_token(logits, {.temperature = 0.8, .top_p = 0.9, .seed = 7}, step));
    }
    EXPECT_EQ(chosen, (std::vector<std::uint32_t>{43, 16, 12, 39, 8, 4, 5, 28}));
}

TEST(Sampler, FollowsTheProbabilities) {
    const std::vector<float> logits{std::log(0.7F), std::log(0.2F), std::log(0.1F)};
    std::vector<double> counts(3);
    constexpr int kDraws = 5000;
    for (std::uint64_t step = 0; step < kDraws; ++step) ++counts[choose_token(logits, {.seed = 5}, step)];

    EXPECT_NEAR(counts[0] / kDraws, 0.7, 0.03);
    EXPECT_NEAR(counts[1] / kDraws, 0.2, 0.03);
    EXPECT_NEAR(counts[2] / kDraws, 0.1, 0.03);
}

TEST(Sampler, KeepsTheSmallestSetThatReachesTopP) {
    const std::vector<float> logits{std::log(0.2F), std::log(0.7F), std::log(0.1F)};

    for (std::uint64_t step = 0; step < 500; ++step) {
        EXPECT_EQ(choose_token(logits, {.temperature = 1, .top_p = 0.6, .seed = 1}, step), 1U);
        EXPECT_NE(choose_token(logits, {.temperature = 1, .top_p = 0.85, .seed = 1}, step), 2U);
    }
}

TEST(Sampler, SurvivesExtremeLogits) {
    const std::vector<float> logits{-3e38F, 3e38F, 0.0F};

    EXPECT_EQ(choose_token(logits, {.temperature = 1e-9, .top_p = 1, .seed = 1}, 0), 1U);
    EXPECT_EQ(choose_token(std::vector<float>{1.0F}, {.seed = 1}, 0), 0U);
}

TEST(Sampler, ChecksItsOptions) {
    EXPECT_TRUE(check_sampling({.temperature = 0, .top_p = 1}));
    EXPECT_TRUE(check_sampling({.temperature = 2, .top_p = 0.01}));
    const double nan = std::numeric_limits<double>::quiet_NaN();
    for (const double bad : {-0.1, 2.1, nan}) EXPECT_FALSE(check_sampling({.temperature = bad, .top_p = 1}));
    for (const double bad : {0.0, -1.0, 1.1, nan}) EXPECT_FALSE(check_sampling({.temperature = 1, .top_p = bad}));
}

}  // namespace
}  // namespace vcity::checkpoint
