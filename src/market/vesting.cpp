// SPDX-License-Identifier: Apache-2.0
#include "market/vesting.hpp"

#include "base/check.hpp"
#include "base/uint256.hpp"

namespace vcity::market {
namespace {

constexpr std::uint32_t kBasisPoints = 10'000;
constexpr Vcai kGenesisNftAmount{10'000 * kWeiPerVcai};

constexpr Vcai million(std::uint64_t count) {
    return {U128{count} * 1'000'000 * kWeiPerVcai};
}

U128 fraction_of(U128 amount, U128 numerator, U128 denominator) {
    return to_u128(Uint256{amount} * Uint256{numerator} / Uint256{denominator}).value();
}

}  // namespace

const std::array<Allocation, 7>& genesis_allocations() {
    static constexpr std::array<Allocation, 7> kAllocations{{
        {"private", million(2'350), 2'191},
        {"public", million(550), 3'091},
        {"team", million(2'000), 0},
        {"reserve", million(2'000), 0},
        {"advisors", million(1'000), 0},
        {"liquidity", million(100), 10'000},
        {"incentives", million(2'000), 0},
    }};
    return kAllocations;
}

Vcai tge_float() {
    Vcai sum;
    for (const Allocation& allocation : genesis_allocations()) {
        sum.wei += allocation.amount.wei / kBasisPoints * allocation.tge_bps;
    }
    return sum;
}

Vcai vested_at(const VestingSchedule& schedule, Vcai amount, std::uint64_t now) {
    CHECK(schedule.allocation.wei > 0 && schedule.upfront <= schedule.allocation);
    if (now < schedule.start) return {};
    const U128 upfront = fraction_of(amount.wei, schedule.upfront.wei, schedule.allocation.wei);
    const std::uint64_t cliff = schedule.cliff_months * kMonthSeconds;
    const std::uint64_t duration = schedule.release_months * kMonthSeconds;
    const std::uint64_t elapsed = now - schedule.start;
    if (elapsed < cliff) return {upfront};
    std::uint64_t counted = elapsed - cliff;
    if (counted >= duration) return amount;
    if (schedule.is_monthly) counted -= counted % kMonthSeconds;
    return {upfront + fraction_of(amount.wei - upfront, counted, duration)};
}

VestingSchedule team_schedule(Vcai allocation, std::uint64_t tge) {
    return {.allocation = allocation, .upfront = {}, .start = tge, .cliff_months = 18, .release_months = 42};
}

VestingSchedule advisor_schedule(Vcai allocation, std::uint64_t tge) {
    return {.allocation = allocation, .upfront = {}, .start = tge, .release_months = 18};
}

VestingSchedule genesis_nft_schedule(std::uint64_t tge) {
    return {.allocation = kGenesisNftAmount,
            .upfront = {kGenesisNftAmount.wei / 4},
            .start = tge,
            .release_months = 6,
            .is_monthly = true};
}

}  // namespace vcity::market
