// SPDX-License-Identifier: Apache-2.0
#include "verify/blackbox/evidence.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

#include <gtest/gtest.h>

namespace vcity::verify {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

BlackboxToken token(double claimed, double reference, double margin = 0) {
    return {{claimed, reference}, margin, {}};
}
double uniform(std::mt19937_64* random) {
    return static_cast<double>((*random)() >> 11U) * 0x1p-53;
}
// Heavy-tailed, as differences of log probabilities are.
BlackboxScore honest_score(std::mt19937_64* random, double scale = 0.01) {
    const double difference = scale * -std::log(1 - uniform(random)) * (0.2 + uniform(random));
    const bool is_tie = uniform(random) < 0.9;
    return {std::min(difference, 20.0), is_tie ? 0 : difference / 10, 32};
}
std::vector<BlackboxScore> honest_sample(std::mt19937_64* random, std::size_t count) {
    std::vector<BlackboxScore> sample;
    for (std::size_t i = 0; i < count; ++i) sample.push_back(honest_score(random));
    return sample;
}
BlackboxDecision feed(BlackboxTest* test, std::mt19937_64* random, double scale, int requests) {
    for (int i = 0; i < requests; ++i) {
        const std::array<double, 2> ties{uniform(random), uniform(random)};
        test->update(honest_score(random, scale), ties);
    }
    return test->decision();
}

TEST(ScoreRequest, IsTheMeanOverTokensAndTheirAlternatives) {
    BlackboxToken second = token(-2, -2.5, 0.3);
    second.alternatives = {{-1, -1}, {-3, -4}};
    const BlackboxScore score = score_request(std::vector{token(-1, -1.25), second}).value();
    EXPECT_DOUBLE_EQ(score.difference, (0.25 + 0.5) / 2);
    EXPECT_DOUBLE_EQ(score.margin, 0.15);
    EXPECT_EQ(score.tokens, 2U);
}

TEST(ScoreRequest, ClampsWhatServersWriteForImpossible) {
    EXPECT_EQ(score_request(std::vector{token(-9999, -kInfinity)}).value().difference, 0);
    EXPECT_EQ(score_request(std::vector{token(1e-4, 0)}).value().difference, 0);
    EXPECT_EQ(score_request(std::vector{token(0, -kInfinity, kInfinity)}).value(), (BlackboxScore{20, 20, 1}));
}

TEST(ScoreRequest, RefusesWhatIsNoLogProbability) {
    EXPECT_FALSE(score_request({}));
    EXPECT_FALSE(score_request(std::vector{token(kNan, 0)}));
    EXPECT_FALSE(score_request(std::vector{token(0, kNan)}));
    EXPECT_FALSE(score_request(std::vector{token(0.5, 0)}));
    EXPECT_FALSE(score_request(std::vector{token(-1, kInfinity)}));
    EXPECT_FALSE(score_request(std::vector{token(-1, -1, -0.1)}));
    EXPECT_FALSE(score_request(std::vector{token(-1, -1, kNan)}));
    BlackboxToken many = token(-1, -1);
    many.alternatives.resize(kAlternativesMax + 1);
    EXPECT_FALSE(score_request(std::vector{many}));
    many.alternatives = {{-1, kNan}};
    EXPECT_FALSE(score_request(std::vector{many}));
}

// Over all orders of the scores and a grid of tie breakers. The grid misses the peak at zero, so the sum stays below.
TEST(ConformalProcess, IsWorthOneOnAverageOverAllOrders) {
    constexpr int kGrid = 24;
    std::vector<double> scores{1, 2, 2, 5};
    double sum = 0;
    int cases = 0;
    std::array<std::size_t, 4> order{0, 1, 2, 3};
    do {
        for (int i = 0; i < kGrid * kGrid; ++i) {
            ConformalProcess process{{scores[order[0]], scores[order[1]]}};
            process.update(scores[order[2]], (i % kGrid + 0.5) / kGrid);
            process.update(scores[order[3]], (std::floor(i / kGrid) + 0.5) / kGrid);
            sum += std::exp(process.log_value());
            ++cases;
        }
    } while (std::ranges::next_permutation(order).found);
    EXPECT_LT(sum / cases, 1);
    EXPECT_GT(sum / cases, 0.7);
}

TEST(MeanProcess, IsWorthOneOnAverageWhenTheMeanIsTheBound) {
    // Zero or three with mean one, eight times, all 256 outcomes.
    for (const auto hypothesis : {MeanProcess::Hypothesis::kAtMost, MeanProcess::Hypothesis::kAtLeast}) {
        double sum = 0;
        for (unsigned outcome = 0; outcome < 256; ++outcome) {
            MeanProcess process{hypothesis, 1, 3};
            double probability = 1;
            for (unsigned bit = 0; bit < 8; ++bit) {
                const bool is_high = (outcome >> bit & 1U) != 0;
                probability *= is_high ? 1.0 / 3 : 2.0 / 3;
                process.update(is_high ? 3 : 0);
            }
            sum += probability * std::exp(process.log_value());
        }
        EXPECT_NEAR(sum, 1, 1e-12);
    }
}

TEST(BlackboxTest, SuspectsAnHonestEndpointNoMoreOftenThanAlpha) {
    std::mt19937_64 random{1};
    BlackboxOptions options;
    options.alpha = 0.05;
    int suspected = 0;
    constexpr int kEndpoints = 300;
    for (int endpoint = 0; endpoint < kEndpoints; ++endpoint) {
        options.calibration = honest_sample(&random, kCalibrationMin);
        BlackboxTest test = BlackboxTest::make(options).value();
        suspected += feed(&test, &random, 0.01, 40) == BlackboxDecision::kSuspicious ? 1 : 0;
    }
    // Binomial with at most 5 %: more than 30 of 300 has a probability below 1e-4.
    EXPECT_LE(suspected, 30);
}

TEST(BlackboxTest, SuspectsACheatAfterAFewRequests) {
    std::mt19937_64 random{2};
    BlackboxOptions options;
    options.calibration = honest_sample(&random, 200);
    BlackboxTest calibrated = BlackboxTest::make(options).value();
    EXPECT_EQ(feed(&calibrated, &random, 0.5, 8), BlackboxDecision::kSuspicious);
    EXPECT_GE(calibrated.log_evidence(), std::log(1e4));

    options.calibration.clear();
    BlackboxTest declared = BlackboxTest::make(options).value();
    EXPECT_EQ(feed(&declared, &random, 1, 12), BlackboxDecision::kSuspicious);
}

TEST(BlackboxTest, CallsAnEndpointConsistentOnlyWhenBothMeansAreBelowTheEffect) {
    std::mt19937_64 random{3};
    BlackboxOptions options;
    options.calibration = honest_sample(&random, 100);
    BlackboxTest honest = BlackboxTest::make(options).value();
    EXPECT_EQ(honest.decision(), BlackboxDecision::kUndecided);
    EXPECT_EQ(feed(&honest, &random, 0.01, 400), BlackboxDecision::kConsistent);

    BlackboxTest beyond = BlackboxTest::make(options).value();
    EXPECT_NE(feed(&beyond, &random, 0.03, 400), BlackboxDecision::kConsistent);
}

TEST(BlackboxTest, StaysSuspiciousWhateverFollows) {
    std::mt19937_64 random{4};
    BlackboxTest test = BlackboxTest::make({}).value();
    EXPECT_EQ(feed(&test, &random, 5, 20), BlackboxDecision::kSuspicious);
    EXPECT_EQ(feed(&test, &random, 0.0001, 2'000), BlackboxDecision::kSuspicious);
    EXPECT_EQ(test.requests(), 2'020U);
    EXPECT_EQ(test.tokens(), 2'020U * 32);
    EXPECT_GT(test.mean().difference, 0);
}

TEST(BlackboxTest, SeesTokensThatTheReferenceWouldNotChooseWhateverIsClaimed) {
    // Log probabilities copied from the right model, tokens from another one.
    BlackboxTest test = BlackboxTest::make({}).value();
    for (int i = 0; i < 12; ++i) test.update({0, 0.4, 32}, {0.5, 0.5});
    EXPECT_EQ(test.decision(), BlackboxDecision::kSuspicious);
}

TEST(BlackboxTest, RefusesOptionsOutOfRange) {
    const auto refuses = [](auto change) {
        BlackboxOptions options;
        change(&options);
        return !BlackboxTest::make(options).has_value();
    };
    EXPECT_TRUE(refuses([](BlackboxOptions* o) { o->alpha = 0; }));
    EXPECT_TRUE(refuses([](BlackboxOptions* o) { o->alpha = kNan; }));
    EXPECT_TRUE(refuses([](BlackboxOptions* o) { o->beta = 1; }));
    EXPECT_TRUE(refuses([](BlackboxOptions* o) { o->effect = 1; }));
    EXPECT_TRUE(refuses([](BlackboxOptions* o) { o->effect = kInfinity; }));
    EXPECT_TRUE(refuses([](BlackboxOptions* o) { o->tolerance.margin = 0; }));
    EXPECT_TRUE(refuses([](BlackboxOptions* o) { o->tolerance.difference = kNan; }));
    EXPECT_TRUE(refuses([](BlackboxOptions* o) { o->calibration.resize(kCalibrationMin - 1); }));
    EXPECT_TRUE(refuses([](BlackboxOptions* o) { o->calibration.resize(kCalibrationMin, {kNan, 0, 1}); }));
    EXPECT_TRUE(refuses([](BlackboxOptions* o) { o->calibration.resize(kCalibrationMin, {0, -1, 1}); }));
    EXPECT_FALSE(refuses([](BlackboxOptions* o) { o->calibration.resize(kCalibrationMin, {0, 0, 1}); }));
}

}  // namespace
}  // namespace vcity::verify
