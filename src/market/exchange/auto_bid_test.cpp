// SPDX-License-Identifier: Apache-2.0
#include "market/exchange/auto_bid.hpp"

#include <algorithm>
#include <random>

#include <gtest/gtest.h>

#include "market/agreement_accrual.hpp"

namespace vcity::market {
namespace {

constexpr UnixMillis kStart{1'795'341'600'000};

UnixMillis after(std::uint64_t seconds) {
    return kStart + UnixMillis{seconds * 1000};
}

BidGoal goal() {
    return {.hourly_max = {4'000'000},
            .budget = {8'000'000},
            .seconds = 3600,
            .deadline = after(2 * 3600),
            .restart_seconds = 60};
}

TEST(NextMove, TakesSpotWhileThereIsTime) {
    const BidDecision decision = next_move(goal(), {}, {.spot = Usd{1'000'000}, .on_demand = Usd{3'000'000}}, kStart);
    EXPECT_EQ(decision.move, BidMove::kSpot);
    EXPECT_EQ(decision.bid, Usd{3'000'000});  // never above the same unit on demand
}

TEST(NextMove, BuysWhenOneMoreInterruptionWouldBeTooMuch) {
    const BidMarket market{.spot = Usd{1'000'000}, .on_demand = Usd{3'000'000}};
    EXPECT_EQ(next_move(goal(), {}, market, after(3600 - 61)).move, BidMove::kSpot);
    EXPECT_EQ(next_move(goal(), {}, market, after(3600 - 60)).move, BidMove::kOnDemand);
    EXPECT_EQ(next_move(goal(), {}, market, after(3600)).move, BidMove::kOnDemand);
    EXPECT_EQ(next_move(goal(), {}, market, after(3601)).move, BidMove::kGiveUp);
}

TEST(NextMove, NeverPaysMoreThanTheMaximumOrTheBudget) {
    EXPECT_EQ(next_move(goal(), {}, {.spot = Usd{4'000'001}, .on_demand = Usd{4'000'001}}, kStart).move,
              BidMove::kWait);
    EXPECT_EQ(next_move(goal(), {}, {.spot = Usd{4'000'001}, .on_demand = {}}, after(3600)).move, BidMove::kGiveUp);
    const BidProgress spent{.seconds_done = 0, .spent = {5'000'001}};
    EXPECT_EQ(next_move(goal(), spent, {.spot = {}, .on_demand = Usd{3'000'000}}, after(3600)).move, BidMove::kGiveUp);
    const BidProgress enough{.seconds_done = 0, .spent = {5'000'000}};
    EXPECT_EQ(next_move(goal(), enough, {.spot = {}, .on_demand = Usd{3'000'000}}, after(3600)).move,
              BidMove::kOnDemand);
    EXPECT_EQ(
        next_move(goal(), {.seconds_done = 0, .spent = {9'000'000}}, {.spot = Usd{0}, .on_demand = Usd{0}}, kStart)
            .move,
        BidMove::kWait);
}

TEST(NextMove, RunsOnSpotTooWhenNothingElseIsToBeHad) {
    EXPECT_EQ(next_move(goal(), {}, {.spot = Usd{1'000'000}, .on_demand = {}}, after(3600)).move, BidMove::kSpot);
    EXPECT_EQ(next_move(goal(), {.seconds_done = 3600, .spent = {}}, {}, kStart).move, BidMove::kDone);
}

// While on-demand capacity can be had within maximum and budget, the work is done in time whatever spot does, and it
// costs no more than on demand alone plus what interruptions lost.
TEST(NextMove, MeetsTheDeadlineUnderAnySpotPrices) {
    for (std::uint64_t seed = 0; seed < 200; ++seed) {
        std::mt19937_64 random{seed};
        const BidGoal wanted = goal();
        const Usd on_demand{3'000'000};
        BidProgress progress;
        SpotMeter meter{.budget = wanted.budget, .rate_since = 0, .end = ~0ULL >> 8U};
        bool on_spot = false;
        std::uint64_t now = 0;
        for (;; now += 30) {
            const Usd spot{random() % 5'000'000};
            progress.spent = spot_accrued(meter, now);
            const BidDecision decision =
                next_move(wanted, progress, {.spot = spot, .on_demand = on_demand}, after(now));
            if (decision.move == BidMove::kDone) break;
            ASSERT_NE(decision.move, BidMove::kGiveUp) << seed << " at " << now << ": " << decision.reason;
            const bool runs = decision.move != BidMove::kWait;
            const bool was_interrupted = on_spot && decision.move != BidMove::kSpot;
            on_spot = decision.move == BidMove::kSpot;
            const Usd rate = decision.move == BidMove::kOnDemand ? on_demand : spot;
            meter = with_rate(meter, runs ? rate : Usd{0}, now);
            if (runs && !was_interrupted) progress.seconds_done += 30;  // an interruption loses a step
        }
        EXPECT_LE(now, 2U * 3600U);
        EXPECT_LE(progress.spent, wanted.budget);
    }
}

}  // namespace
}  // namespace vcity::market
