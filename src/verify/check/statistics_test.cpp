// SPDX-License-Identifier: Apache-2.0
#include "verify/check/statistics.hpp"

#include <cmath>

#include <gtest/gtest.h>

#include "codec/gumbel.hpp"
#include "verify/check/numeric.hpp"
#include "verify/check/sampler_check.hpp"

namespace vcity::verify {
namespace {

TEST(Statistics, GivesTheThresholdsThatTheFormulasSay) {
    const double q = square_sum_bound(100, 1e-10) / 100;
    EXPECT_NEAR(std::exp(-50 * (q - 1 - std::log(q))), 1e-10, 1e-13);
    const double t = maximum_bound(50, 1e-10);
    EXPECT_NEAR(100 * std::exp(-t * t / 2), 1e-10, 1e-13);
    const double sum = bounded_sum_bound(1000, 16, 1e-10) - 1000;
    EXPECT_NEAR(std::exp(-sum * sum / (32 * (1000 + sum / 3))), 1e-10, 1e-13);
}

TEST(Statistics, AcceptsFewerEventsThanAreLikelyByChance) {
    for (const double mu : {0.0, 0.001, 0.5, 3.0, 200.0}) {
        const auto most = static_cast<double>(event_bound(mu, 1e-10));
        const auto tail = [&](double m) { return mu > 0 ? std::exp(-(m * std::log(m / mu) - m + mu)) : 0.0; };
        EXPECT_LE(tail(most + 1), 1e-10) << mu;
        if (most > mu && most >= 1) EXPECT_GT(tail(most), 1e-10) << mu;
    }
    EXPECT_EQ(event_bound(0, 1e-10), 0U);
}

TEST(Statistics, ExpectsNothingOfNothing) {
    EXPECT_EQ(square_sum_bound(0, 1e-10), 0);
    EXPECT_EQ(maximum_bound(0, 1e-10), 0);
}

TEST(Numeric, HasAnExponentialAndALogisticOfItsOwn) {
    std::vector<double> values;
    for (double x = -690; x <= 0; x += 0.37) values.push_back(x);
    std::vector<double> computed = values;
    exponentials(computed);
    for (std::size_t i = 0; i < values.size(); ++i) {
        EXPECT_NEAR(computed[i] / std::exp(values[i]), 1, 1e-12) << values[i];
    }
    const std::vector<float> x{-200.0F, -88.8F, -3.0F, 0.0F, 2.5F, 88.8F, 3e38F};
    std::vector<double> sigmoid(x.size());
    logistic(x, sigmoid);
    for (std::size_t i = 0; i < x.size(); ++i) {
        EXPECT_NEAR(sigmoid[i], 1 / (1 + std::exp(-double{x[i]})), 1e-12) << x[i];
    }
}

TEST(Numeric, SumsLikeThePlainLoop) {
    for (const std::size_t count : {1U, 7U, 8U, 37U}) {
        std::vector<float> a(count);
        std::vector<float> b(count);
        std::vector<std::int8_t> r(count);
        double dots = 0;
        double signs = 0;
        for (std::size_t i = 0; i < count; ++i) {
            a[i] = static_cast<float>(i) - 3.5F;
            b[i] = 1.0F / static_cast<float>(i + 1);
            r[i] = i % 3 == 0 ? -1 : 1;
            dots += double{a[i]} * double{b[i]};
            signs += r[i] * double{a[i]};
        }
        EXPECT_NEAR(dot(a, b), dots, 1e-12);
        EXPECT_NEAR(signed_sum(r, a), signs, 1e-12);
        EXPECT_NEAR(row_product(a, b).value, dots, 1e-12);
    }
    EXPECT_EQ(ulp_of(ComputeType::kBfloat16, 1.5F), 0x1p-7);
    EXPECT_EQ(ulp_of(ComputeType::kFloat32, -2.0F), 0x1p-22);
    EXPECT_GT(ulp_of(ComputeType::kBfloat16, 0.0F), 0.0);
}

class Sampler : public ::testing::Test {
  protected:
    // The score of a token at temperature one.
    double score(std::uint32_t token) const {
        return view_.logits[token].logit + codec::gumbel_noise(codec::gumbel_bits(7, 3, token));
    }
    Sampler() {
        view_.vocab = 40;
        view_.step = 3;
        for (std::uint32_t token = 0; token < 40; ++token) view_.logits.push_back({token, 0.1 * (token % 9), 1e-3});
        for (std::uint32_t token = 0; token < 40; ++token) winner_ = score(token) > score(winner_) ? token : winner_;
    }
    bool accepts(std::uint32_t emitted, const Sampling& sampling) {
        view_.emitted = emitted;
        return check_sampler(sampling, view_).has_value();
    }

    SamplerView view_;
    std::uint32_t winner_ = 0;
};

TEST_F(Sampler, AcceptsTheWinnerAlone) {
    for (std::uint32_t token = 0; token < 40; ++token) {
        EXPECT_EQ(accepts(token, {.temperature = 1, .top_p = 1, .seed = 7}), token == winner_) << token;
    }
}

TEST_F(Sampler, IsGreedyAtTemperatureZeroAndNeutralAtATie) {
    EXPECT_TRUE(accepts(8, {.temperature = 0, .top_p = 1, .seed = 7}));
    EXPECT_TRUE(accepts(17, {.temperature = 0, .top_p = 1, .seed = 7}));
    EXPECT_FALSE(accepts(7, {.temperature = 0, .top_p = 1, .seed = 7}));
    for (KnownLogit& known : view_.logits) known.slack = 0.06;
    EXPECT_TRUE(accepts(7, {.temperature = 0, .top_p = 1, .seed = 7}));
}

TEST_F(Sampler, RejectsATokenOutsideTheSetThatTopPLeaves) {
    view_.logits[5].logit = 20;
    EXPECT_FALSE(accepts(winner_ == 5 ? 6 : winner_, {.temperature = 1, .top_p = 0.5, .seed = 7}));
    EXPECT_TRUE(accepts(5, {.temperature = 1, .top_p = 0.5, .seed = 7}));
}

TEST_F(Sampler, FindsTheLargestNoises) {
    const auto tokens = largest_noises(7, 3, 40, 5);
    ASSERT_EQ(tokens.size(), 5U);
    for (std::size_t i = 1; i < tokens.size(); ++i) {
        EXPECT_GE(codec::gumbel_bits(7, 3, tokens[i - 1]) >> 11U, codec::gumbel_bits(7, 3, tokens[i]) >> 11U);
    }
    EXPECT_EQ(largest_noises(7, 3, 3, 5).size(), 3U);
}

}  // namespace
}  // namespace vcity::verify
