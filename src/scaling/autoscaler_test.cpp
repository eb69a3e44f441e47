// SPDX-License-Identifier: Apache-2.0
#include "scaling/autoscaler.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <random>

#include <gtest/gtest.h>

namespace vcity::scaling {
namespace {

TEST(Forecaster, SaysTheLastValueOfASteadySeries) {
    Forecaster forecaster{{.lead = 3}};
    EXPECT_EQ(forecaster.forecast().demand, 0);
    forecaster.observe(10);
    EXPECT_DOUBLE_EQ(forecaster.forecast().demand, 10);
    EXPECT_DOUBLE_EQ(forecaster.forecast().error, 10);  // nothing is known of its errors
    for (int i = 0; i < 50; ++i) forecaster.observe(10);
    EXPECT_NEAR(forecaster.forecast().demand, 10, 1e-9);
    EXPECT_NEAR(forecaster.forecast().error, 0, 1e-9);
}

TEST(Forecaster, LearnsALine) {
    Forecaster forecaster{{.lead = 4}};
    for (int i = 0; i < 100; ++i) forecaster.observe(5.0 * i);
    EXPECT_NEAR(forecaster.forecast().demand, 5.0 * 103, 1e-6);
}

TEST(Forecaster, LearnsADay) {
    constexpr std::size_t kDay = 48;
    Forecaster forecaster{{.lead = 6, .day = kDay}};
    const auto demand = [](std::size_t step) { return step % kDay < kDay / 2 ? 10.0 : 100.0; };
    double worst = 0;
    for (std::size_t step = 0; step < 10 * kDay; ++step) {
        if (step > 5 * kDay) worst = std::max(worst, std::abs(forecaster.forecast().demand - demand(step + 5)));
        forecaster.observe(demand(step));
    }
    EXPECT_LT(worst, 60);  // the three-step means smear the edges; the last value is off by 90 for six steps
}

TEST(Forecaster, TakesNonsenseForZero) {
    Forecaster forecaster{{.lead = 1, .day = 10}};
    for (const double value : {-5.0, std::nan(""), std::numeric_limits<double>::infinity()}) forecaster.observe(value);
    EXPECT_EQ(forecaster.forecast().demand, 0);
    for (int i = 0; i < 200; ++i) forecaster.observe(i % 3 == 0 ? 1e300 : 0);
    EXPECT_TRUE(std::isfinite(forecaster.forecast().demand));
}

TEST(Autoscaler, FollowsDemandWithinItsBounds) {
    Autoscaler scaler{{.replicas_min = 1, .replicas_max = 5, .per_replica = 10, .safety = 0}, {.lead = 1}};
    EXPECT_EQ(scaler.step(0, 0).replicas, 1U);
    EXPECT_EQ(scaler.step(35, 0).replicas, 4U);
    for (int i = 0; i < 20; ++i) scaler.step(1000, 0);
    EXPECT_EQ(scaler.step(1000, 0).replicas, 5U);
}

TEST(Autoscaler, ShrinksOnlyWhenLessWasWantedForAWhile) {
    Autoscaler scaler{{.replicas_max = 10, .per_replica = 10, .safety = 0, .shrink_steps = 3}, {.lead = 1}};
    for (int i = 0; i < 30; ++i) scaler.step(95, 0);
    ASSERT_EQ(scaler.step(95, 0).replicas, 10U);
    EXPECT_EQ(scaler.step(15, 0).replicas, 10U);
    std::uint32_t last = 10;
    for (int i = 0; i < 30; ++i) last = scaler.step(15, 0).replicas;
    EXPECT_EQ(last, 2U);
}

TEST(Autoscaler, GoesToZeroAndComesBackForWhoWaits) {
    Autoscaler scaler{{.replicas_max = 4, .per_replica = 10, .idle_steps = 3}, {.lead = 1}};
    EXPECT_EQ(scaler.step(0, 0).replicas, 0U);
    EXPECT_EQ(scaler.step(0, 1).replicas, 1U);
    EXPECT_EQ(scaler.step(0.5, 0).replicas, 1U);
    ScalingDecision decision;
    for (int i = 0; i < 40; ++i) decision = scaler.step(0, 0);
    EXPECT_EQ(decision.replicas, 0U);
    EXPECT_EQ(scaler.step(0, 0).reason, "no demand");
}

TEST(Autoscaler, WarmsUpBeforeTheDayBegins) {
    constexpr std::size_t kDay = 24;
    Autoscaler scaler{{.replicas_max = 4, .per_replica = 10, .idle_steps = 2}, {.lead = 2, .day = kDay}};
    const auto demand = [](std::size_t step) { return step % kDay >= 12 ? 30.0 : 0.0; };
    std::uint32_t before_the_day = 0;
    for (std::size_t step = 0; step < 14 * kDay; ++step) {
        const ScalingDecision decision = scaler.step(demand(step), 0);
        if (step == 13 * kDay + 5) {
            EXPECT_EQ(decision.replicas, 0U);
        }
        if (step == 13 * kDay + 11) before_the_day = decision.replicas;
    }
    EXPECT_GE(before_the_day, 3U);
}

TEST(Autoscaler, KeepsWarmWhatItWarmedUpUntilTheDemandIsThere) {
    // Steps of ten seconds, a minute ahead, seventeen minutes of demand a day.
    constexpr std::size_t kDay = 8'640;
    constexpr std::size_t kPeak = 4'320;
    Autoscaler scaler{{.replicas_max = 2, .per_replica = 2, .safety = 1, .idle_steps = 60}, {.lead = 6, .day = kDay}};
    for (std::size_t step = 0; step < 3 * kDay; ++step) {
        const std::size_t hour = step % kDay;
        const std::uint32_t replicas = scaler.step(hour >= kPeak && hour < kPeak + 104 ? 4 : 0, 0).replicas;
        if (step < kDay) continue;
        if (hour == kPeak - 60) {
            EXPECT_EQ(replicas, 0U) << "nobody pays for the night";
        }
        if (hour >= kPeak - 6 && hour < kPeak) {
            EXPECT_GE(replicas, 1U) << (kPeak - hour) << " steps before the peak";
        }
    }
}

TEST(Spread, KeepsRegionsAndOwnersEven) {
    std::vector<Site> sites;
    for (std::uint64_t i = 0; i < 12; ++i) {
        sites.push_back({.key = i, .owner = i % 4, .region = static_cast<std::uint32_t>(i % 3), .price = i, .free = 2});
    }
    std::map<std::uint32_t, int> regions;
    std::map<std::uint64_t, int> owners;
    for (const std::size_t at : spread(sites, 12)) {
        ++regions[sites[at].region];
        ++owners[sites[at].owner];
    }
    for (const auto& [region, count] : regions) EXPECT_NEAR(count, 4, 1);
    for (const auto& [owner, count] : owners) EXPECT_NEAR(count, 3, 1);
    EXPECT_EQ(spread(sites, 1), (std::vector<std::size_t>{0}));  // the cheapest
    EXPECT_EQ(spread(sites, 100).size(), 24U);
    EXPECT_TRUE(spread({}, 3).empty());
}

TEST(ThinOut, TakesFromTheFullestPlacesFirst) {
    const std::vector<Site> sites{{.key = 1, .owner = 1, .region = 0, .price = 5, .running = 3},
                                  {.key = 2, .owner = 2, .region = 1, .price = 1, .running = 1}};
    EXPECT_EQ(thin_out(sites, 3), (std::vector<std::size_t>{0, 0, 0}));
    EXPECT_EQ(thin_out(sites, 9).size(), 4U);
}

TEST(Spread, NeverUsesMoreRoomThanThereIs) {
    std::mt19937_64 random{3};
    for (int round = 0; round < 200; ++round) {
        std::vector<Site> sites(random() % 8);
        std::uint64_t room = 0;
        for (std::size_t i = 0; i < sites.size(); ++i) {
            sites[i] = {.key = i,
                        .owner = random() % 3,
                        .region = static_cast<std::uint32_t>(random() % 3),
                        .price = random() % 5,
                        .running = static_cast<std::uint32_t>(random() % 3),
                        .free = static_cast<std::uint32_t>(random() % 4)};
            room += sites[i].free;
        }
        const auto count = static_cast<std::uint32_t>(random() % 12);
        std::map<std::size_t, std::uint32_t> used;
        const std::vector<std::size_t> picked = spread(sites, count);
        EXPECT_EQ(picked.size(), std::min<std::uint64_t>(count, room));
        for (const std::size_t at : picked) EXPECT_LE(++used[at], sites[at].free);
    }
}

}  // namespace
}  // namespace vcity::scaling
