// SPDX-License-Identifier: Apache-2.0
#include "checkpoint/sampler.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include <gtest/gtest.h>

#include "codec/gumbel.hpp"

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

// The definition written once more, without heap and shortcuts.
std::uint32_t plain_choice(std::span<const float> logits, const Sampling& sampling, std::uint64_t step) {
    std::vector<std::uint32_t> order(logits.size());
    std::iota(order.begin(), order.end(), 0U);
    std::ranges::sort(order, [&](std::uint32_t a, std::uint32_t b) {
        return logits[a] != logits[b] ? logits[a] > logits[b] : a < b;
    });
    const auto weight = [&](std::uint32_t id) {
        return std::exp((double{logits[id]} - double{logits[order[0]]}) / sampling.temperature);
    };
    double total = 0;
    for (const std::uint32_t id : order) total += weight(id);
    double sum = 0;
    double best = -1e300;
    std::uint32_t chosen = order[0];
    for (const std::uint32_t id : order) {
        if (sum >= sampling.top_p * total && id != order[0]) break;
        sum += weight(id);
        const double score = double{logits[id]} / sampling.temperature +
                             codec::gumbel_noise(codec::gumbel_bits(sampling.seed, step, id));
        if (score <= best) continue;
        best = score;
        chosen = id;
    }
    return chosen;
}

TEST(Sampler, ChoosesWhatTheDefinitionSays) {
    std::vector<float> logits(300);
    for (std::uint64_t step = 0; step < 400; ++step) {
        for (std::size_t i = 0; i < logits.size(); ++i) {
            logits[i] = static_cast<float>((i * 7919 + step * 104729) % 1009) / 97.0F;
        }
        const Sampling sampling{.temperature = 0.05 + 0.004 * static_cast<double>(step),
                                .top_p = step % 3 == 0 ? 1.0 : 0.3 + 0.001 * static_cast<double>(step),
                                .seed = step};
        EXPECT_EQ(choose_token(logits, sampling, step), plain_choice(logits, sampling, step)) << step;
    }
}

// Fixed for ever: a verifier of another version must repeat the choices of today.
TEST(Sampler, KeepsItsChoices) {
    std::vector<float> logits;
    for (int i = 0; i < 50; ++i) logits.push_back(static_cast<float>((i * 37) % 50) / 10.0F);
    std::vector<std::uint32_t> chosen;
    for (std::uint64_t step = 0; step < 8; ++step) {
        chosen.push_back(choose_token(logits, {.temperature = 0.8, .top_p = 0.9, .seed = 7}, step));
    }
    EXPECT_EQ(chosen, (std::vector<std::uint32_t>{16, 8, 31, 24, 1, 12, 16, 20}));
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
