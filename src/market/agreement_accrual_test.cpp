// SPDX-License-Identifier: Apache-2.0
#include "market/agreement_accrual.hpp"

#include <random>

#include <gtest/gtest.h>

namespace vcity::market {
namespace {

TEST(TermAccrued, GrowsFromBeginToEnd) {
    EXPECT_EQ(term_accrued(Usd{100}, 1000, 1010, 999).value(), Usd{0});
    EXPECT_EQ(term_accrued(Usd{100}, 1000, 1010, 1000).value(), Usd{0});
    EXPECT_EQ(term_accrued(Usd{99}, 1000, 1010, 1001).value(), Usd{9});
    EXPECT_EQ(term_accrued(Usd{99}, 1000, 1010, 1010).value(), Usd{99});
    EXPECT_EQ(term_accrued(Usd{99}, 1000, 1010, ~0ULL).value(), Usd{99});
    EXPECT_FALSE(term_accrued(Usd{99}, 1000, 1000, 1000));
}

TEST(SpotAccrued, FollowsTheRateWithinTheBudget) {
    SpotMeter meter{.budget = {1000}, .rate = {3600}, .rate_since = 100, .end = 10'000};
    EXPECT_EQ(spot_accrued(meter, 50), Usd{0});
    EXPECT_EQ(spot_accrued(meter, 110), Usd{10});
    meter = with_rate(meter, Usd{7200}, 110);
    EXPECT_EQ(spot_accrued(meter, 115), Usd{20});
    EXPECT_EQ(spot_accrued(meter, 100'000), Usd{1000});
    EXPECT_EQ(spot_accrued({.budget = {~0ULL}, .rate = {~0ULL}, .end = ~0ULL}, ~0ULL), Usd{~0ULL});
}

TEST(SpotAccrued, ARateThatChangesBeforeTheBeginCostsNothing) {
    const SpotMeter meter{.budget = {1000}, .rate = {3600}, .rate_since = 100, .end = 10'000};
    const SpotMeter changed = with_rate(meter, Usd{36'000}, 60);
    EXPECT_EQ(spot_accrued(changed, 100), Usd{0});
    EXPECT_EQ(spot_accrued(changed, 101), Usd{10});
}

TEST(SpotAccrued, NeverFallsWhateverTheRatesDo) {
    std::mt19937_64 random{5};
    for (int round = 0; round < 200; ++round) {
        SpotMeter meter{.budget = {random() % 1'000'000}, .rate = {random() % 100'000}, .rate_since = 0, .end = 5000};
        Usd before;
        for (std::uint64_t now = 0; now < 6000; now += 1 + random() % 500) {
            const Usd accrued = spot_accrued(meter, now);
            EXPECT_GE(accrued, before);
            EXPECT_LE(accrued, meter.budget);
            before = accrued;
            meter = with_rate(meter, Usd{random() % 100'000}, now);
            EXPECT_EQ(spot_accrued(meter, now), accrued);
        }
    }
}

TEST(PayeeShare, LeavesTheFeeRoundedUp) {
    EXPECT_EQ(payee_share(Usd{10'001}, 500).value(), Usd{9500});
    EXPECT_EQ(payee_share(Usd{10'001}, 0).value(), Usd{10'001});
    EXPECT_EQ(payee_share(Usd{10'001}, 10'000).value(), Usd{0});
    EXPECT_FALSE(payee_share(Usd{1}, 10'001));
}

}  // namespace
}  // namespace vcity::market
