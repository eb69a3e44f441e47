// SPDX-License-Identifier: Apache-2.0
#include "diffusion/schedule.hpp"

#include <cmath>
#include <map>

#include <gtest/gtest.h>

namespace vcity::diffusion {
namespace {

double share_at(const ScheduleConfig& config, std::uint32_t time) {
    double share = 1;
    for (std::uint32_t at = 0; at <= time; ++at) {
        const double part = static_cast<double>(at) / (config.train_steps - 1);
        const double root = std::sqrt(config.beta_start) * (1 - part) + std::sqrt(config.beta_end) * part;
        share *= 1 - root * root;
    }
    return share;
}

TEST(DiffusionSteps, AreAtMultiplesFromTheLatest) {
    ScheduleConfig config;
    config.offset = 1;
    const auto steps = make_steps(config, 4).value();
    ASSERT_EQ(steps.size(), 4U);
    EXPECT_EQ(steps[0].time, 751U);
    EXPECT_EQ(steps[3].time, 1U);
    EXPECT_EQ(make_steps(config, 1000).value().front().time, 999U);
    EXPECT_FALSE(make_steps(config, 0));
    EXPECT_FALSE(make_steps(config, 1001));
}

// Whoever knows the noise exactly is led along sqrt(a) x_0 + sqrt(1 - a) noise, whatever the network is asked for.
TEST(DiffusionSteps, LeadANetworkThatKnowsToThePicture) {
    const double origin = 0.7;
    const double noise = -1.3;
    for (const Prediction prediction : {Prediction::kNoise, Prediction::kVelocity, Prediction::kSample}) {
        ScheduleConfig config;
        config.offset = 1;
        config.ends_clean = true;
        config.prediction = prediction;
        const auto steps = make_steps(config, 10).value();
        double x = 0;
        bool is_first = true;
        for (const DiffusionStep& step : steps) {
            const double share = share_at(config, step.time);
            const double wanted = std::sqrt(share) * origin + std::sqrt(1 - share) * noise;
            if (is_first) x = wanted;
            is_first = false;
            EXPECT_NEAR(x, wanted, 1e-9);
            const std::map<Prediction, double> said{
                {Prediction::kNoise, noise},
                {Prediction::kVelocity, std::sqrt(share) * noise - std::sqrt(1 - share) * origin},
                {Prediction::kSample, origin}};
            x = step.keep * x + step.add * said.at(prediction);
        }
        EXPECT_NEAR(x, origin, 1e-9);
    }
}

TEST(NormalNumbers, AreNormalAndThoseOfTheirSeed) {
    const std::vector<float> numbers = normal_numbers(5, 20'001);
    ASSERT_EQ(numbers.size(), 20'001U);
    EXPECT_EQ(numbers, normal_numbers(5, 20'001));
    EXPECT_NE(numbers[0], normal_numbers(6, 1)[0]);
    double sum = 0;
    double squares = 0;
    double fourths = 0;
    for (const float number : numbers) {
        const double square = static_cast<double>(number) * number;
        sum += number;
        squares += square;
        fourths += square * square;
    }
    const auto count = static_cast<double>(numbers.size());
    EXPECT_NEAR(sum / count, 0, 0.03);
    EXPECT_NEAR(squares / count, 1, 0.05);
    EXPECT_NEAR(fourths / count, 3, 0.4);
}

}  // namespace
}  // namespace vcity::diffusion
