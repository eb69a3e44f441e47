// SPDX-License-Identifier: Apache-2.0
// What the white paper promises of supply, locks, stakes and fees. Exact values are in economy_vectors_test.cpp.
#include <random>

#include <gtest/gtest.h>

#include "market/emission.hpp"
#include "market/issuance.hpp"
#include "market/network_fee.hpp"
#include "market/staking.hpp"
#include "market/ve.hpp"
#include "market/ve_stream.hpp"
#include "market/vesting.hpp"

namespace vcity::market {
namespace {

constexpr U128 percent(unsigned value) {
    return kWadOne * value / 100;
}
constexpr Vcai tokens(std::uint64_t value) {
    return {kWeiPerVcai * value};
}

TEST(Allocation, AddsUpToTheSupplyAndFloatsAsPromised) {
    Vcai sum;
    for (const Allocation& allocation : genesis_allocations()) sum.wei += allocation.amount.wei;

    EXPECT_EQ(sum, kGenesisSupply);
    // 7.85 % as printed, to two decimals: 784.89 million.
    EXPECT_EQ(tge_float(), tokens(784'890'000));
    EXPECT_EQ((tge_float().wei * 10'000 + kGenesisSupply.wei / 2) / kGenesisSupply.wei, 785U);
}

TEST(Vesting, NeverFallsAndEndsExactly) {
    for (VestingSchedule schedule :
         {team_schedule(tokens(7), 1'000), advisor_schedule(tokens(3), 1'000), genesis_nft_schedule(1'000)}) {
        Vcai before;
        for (std::uint64_t now = 0; now < 62 * kMonthSeconds; now += 1'234'567) {
            const Vcai vested = vested_at(schedule, schedule.allocation, now);
            EXPECT_GE(vested, before);
            before = vested;
        }
        EXPECT_EQ(before, schedule.allocation);
    }
}

TEST(Vesting, StepsByTheMonthForGenesisNfts) {
    const VestingSchedule schedule = genesis_nft_schedule(0);

    EXPECT_EQ(vested_at(schedule, schedule.allocation, 0), tokens(2'500));
    EXPECT_EQ(vested_at(schedule, schedule.allocation, kMonthSeconds - 1), tokens(2'500));
    EXPECT_EQ(vested_at(schedule, schedule.allocation, kMonthSeconds), tokens(3'750));
    EXPECT_EQ(vested_at(schedule, schedule.allocation, 6 * kMonthSeconds), tokens(10'000));
}

TEST(Emission, MovesAsTheWhitePaperSays) {
    EXPECT_EQ(next_supply_share(percent(50), percent(60), {}), percent(48));
    EXPECT_EQ(next_supply_share(percent(50), percent(95), {}), kWadOne * 515 / 1'000);
    EXPECT_EQ(next_supply_share(percent(1), 0, {}), 0U);
    EXPECT_EQ(next_supply_share(kWadOne, kWadOne, {}), kWadOne);
    EXPECT_EQ(utilization(1, 0), std::nullopt);
}

TEST(Emission, SetsTwoBillionFreeInTenYearsWhateverThePeriods) {
    std::mt19937_64 random{5};
    std::uint64_t now = 0;
    Vcai sum;
    while (now < 523 * kWeekSeconds) {
        const std::uint64_t next = now + 1 + random() % (3 * kWeekSeconds);
        PeriodTerms terms{.starts = now, .ends = next};
        terms.supply_share = random() % kWadOne;
        terms.release_share = random() % kWadOne;
        const PeriodAmounts amounts = period_amounts(terms).value();
        sum.wei += amounts.capacity.wei + amounts.delivery.wei + amounts.demand_rebate.wei + amounts.withheld.wei;
        EXPECT_LE(sum, incentive_released_max(0, next));
        now = next;
    }
    EXPECT_EQ(sum, kIncentivePool);
}

TEST(Emission, RefusesSharesAboveOne) {
    EXPECT_FALSE(period_amounts({.starts = 2, .ends = 1}));
    EXPECT_FALSE(period_amounts({.starts = 0, .ends = 1, .release_share = kWadOne + 1}));
    EXPECT_FALSE(period_amounts({.starts = 0, .ends = 1, .supply_share = kWadOne + 1}));
    EXPECT_FALSE(period_amounts({.starts = 0, .ends = 1, .capacity_share = kWadOne + 1}));
}

TEST(Lock, GainsNothingFromSplittingBelowTheThreshold) {
    const Vcai threshold = tokens(10'000);
    const U128 whole = lock_strength(tokens(8'000), threshold);
    const U128 half = lock_strength(tokens(4'000), threshold);

    EXPECT_EQ(whole, 2 * half);
    EXPECT_EQ(lock_strength(threshold, threshold), to_u128(isqrt(Uint256{threshold.wei} * kWeiPerVcai)).value());
    // Twice the amount is 41 % more weight above it.
    const U128 more = lock_strength(tokens(20'000), threshold);
    EXPECT_EQ(more * 1'000 / lock_strength(threshold, threshold), 1'414U);
}

TEST(Lock, FadesInAStraightLine) {
    const U128 strength = lock_strength(tokens(1'000'000), tokens(10'000));
    EXPECT_EQ(kLockWeeksMax, 208U);
    EXPECT_EQ(weight_at(strength, 208, 104 * kWeekSeconds), weight_at(strength, 104, 0));
    EXPECT_EQ(weight_at(strength, 208, 208 * kWeekSeconds), 0U);

    const U128 other = lock_strength(tokens(77), tokens(10'000));
    const LockTotals totals{.strength_weeks = Uint256{strength} * Uint256{208U} + Uint256{other} * Uint256{9U},
                            .strength = Uint256{strength + other}};
    const Uint256 total = total_weight_at(totals, 4 * kWeekSeconds);
    const U128 sum = weight_at(strength, 208, 4 * kWeekSeconds) + weight_at(other, 9, 4 * kWeekSeconds);
    EXPECT_LE(to_u128(total).value() - sum, 1U);
}

TEST(Stream, NeverPaysMoreThanItGot) {
    std::mt19937_64 random{11};
    for (int round = 0; round < 5'000; ++round) {
        StreamSegment segment;
        segment.decay = Uint256{kWeiPerVcai + random()} << static_cast<unsigned>(random() % 28);
        const std::uint64_t lifetime = 1 + random() % kLockSecondsMax;
        segment.weight_start = segment.decay * Uint256{lifetime};
        segment.weight_end = segment.weight_start - segment.decay * Uint256{random() % (lifetime + 1)};
        segment.emission = Uint256{random()} << static_cast<unsigned>(104 + random() % 30);
        const StreamIncrement increment = stream_increment(segment).value();
        const Uint256 gross = segment.weight_start * increment.i0;
        const Uint256 paid = gross - std::min(gross, segment.decay * increment.j);
        ASSERT_LE(paid, segment.emission);
        ASSERT_GE(increment.i0, segment.emission / segment.weight_start);
    }
}

TEST(Stream, RefusesSegmentsOutOfBounds) {
    const StreamSegment good{
        .weight_start = Uint256{9U}, .weight_end = Uint256{3U}, .decay = Uint256{1U}, .emission = {}};
    ASSERT_TRUE(stream_increment(good));
    StreamSegment bad = good;
    bad.weight_start = {};
    EXPECT_FALSE(stream_increment(bad));
    bad = good;
    bad.weight_end = Uint256{10U};
    EXPECT_FALSE(stream_increment(bad));
    bad = good;
    bad.decay = {};
    EXPECT_FALSE(stream_increment(bad));
    bad = good;
    bad.emission = Uint256::power_of_two(199);
    EXPECT_FALSE(stream_increment(bad));
    EXPECT_FALSE(ln_wad(Uint256{kWeiPerVcai - 1}));
    EXPECT_FALSE(ln_wad(Uint256::power_of_two(255)));
}

TEST(Stream, CountsFromMarkToMarkAcrossTheModulus) {
    const Uint256 early = stream_mark(Uint256{}, Uint256{7U}, 1'000);
    const Uint256 late = stream_mark(Uint256::power_of_two(104), Uint256{7U}, 1'000);

    EXPECT_EQ(early, Uint256::power_of_two(160) - Uint256{7U});
    EXPECT_EQ(stream_earned(3, early, late), Uint256{3'000U});
    EXPECT_EQ(stream_earned(3, late, late), Uint256{});
}

TEST(Issuance, NeedsBothKindsOfGrowth) {
    const Usd fees{5 * kRevenueStep.micro};
    EXPECT_EQ(issuance_quota({.net_fees = fees, .locked = {kLockedStep.wei * 2}, .executed = 1}), 1U);
    EXPECT_EQ(issuance_quota({.net_fees = fees, .locked = {kLockedStep.wei - 1}, .executed = 0}), 0U);
    EXPECT_EQ(yearly_issuance_left(kGenesisSupply, {}), tokens(500'000'000));
}

TEST(NetworkFee, FollowsUse) {
    EXPECT_EQ(next_fee_ppm(50'000, 80, 100, {}), 50'000U);
    EXPECT_EQ(next_fee_ppm(50'000, 100, 100, {}), 51'562U);
    EXPECT_EQ(next_fee_ppm(50'000, 0, 100, {}), 43'750U);
    EXPECT_EQ(next_fee_ppm(10'000, 0, 100, {}), 10'000U);
    EXPECT_EQ(next_fee_ppm(100'000, 100, 100, {}), 100'000U);
}

TEST(Stake, FollowsThePriceByAQuarterAtMost) {
    RateTerms terms{.per_dollar = tokens(20),
                    .utilization = percent(50),
                    .factor_floor = percent(50),
                    .factor_slope = kWadOne,
                    .move_max_bps = 2'500};
    EXPECT_EQ(next_stake_rate(tokens(20), terms).value(), tokens(20));
    EXPECT_EQ(next_stake_rate(tokens(8), terms).value(), tokens(10));
    EXPECT_EQ(next_stake_rate(tokens(80), terms).value(), tokens(60));
    terms.utilization = 5 * kWadOne;
    EXPECT_EQ(next_stake_rate(tokens(29), terms).value(), tokens(30));
    terms.factor_slope = 3 * kWadOne;
    EXPECT_FALSE(next_stake_rate(tokens(29), terms));
    EXPECT_EQ(stake_required(Usd{100'000'000}, tokens(20), 0).value(), tokens(2'000));
    EXPECT_EQ(stake_required(Usd{100'000'000}, tokens(20), 1).value(), tokens(2'000));
    EXPECT_EQ(stake_required(Usd{1}, {1}, 1).value(), Vcai{1});
}

TEST(Slash, PaysTheVictimBeforeAnybodyElse) {
    const SlashTerms terms{.seized = tokens(100),
                           .loss = Usd{5'000'000},
                           .treasury = Usd{1'000'000},
                           .price = Usd{30'000},
                           .bounty_bps = 5'000,
                           .bounty_cap = tokens(1'000)};
    // Four dollars are missing, worth 133 tokens: everything goes to the victim.
    const SlashSplit all = split_slash(terms).value();
    EXPECT_EQ(all.victim, tokens(100));
    EXPECT_EQ(all.shortfall, Usd{1'000'000});
    EXPECT_EQ(all.accuser, Vcai{});

    SlashTerms richer = terms;
    richer.treasury = Usd{5'000'000};
    const SlashSplit none = split_slash(richer).value();
    EXPECT_EQ(none.paid_by_treasury, Usd{5'000'000});
    EXPECT_EQ(none.victim, Vcai{});
    EXPECT_EQ(none.accuser, tokens(50));
    EXPECT_EQ(none.treasury, tokens(50));
    EXPECT_EQ(slash_range(SlashTier::kMinor).most_bps, slash_range(SlashTier::kMedium).least_bps);
    EXPECT_EQ(slash_range(SlashTier::kSevere).least_bps, 10'000U);
}

}  // namespace
}  // namespace vcity::market
