// SPDX-License-Identifier: Apache-2.0
#include "market/emission.hpp"

#include <algorithm>

#include "base/uint256.hpp"
#include "market/ve.hpp"

namespace vcity::market {
namespace {

U128 fraction_of(U128 amount, U128 numerator, U128 denominator) {
    return to_u128(Uint256{amount} * Uint256{numerator} / Uint256{denominator}).value();
}

}  // namespace

Vcai incentive_released_max(std::uint64_t tge, std::uint64_t now) {
    if (now < tge) return {};
    const std::uint64_t weeks = (now - tge) / kWeekSeconds + 1;
    if (weeks >= kReleaseWeeks) return kIncentivePool;
    return {kWeeklyRelease.wei * weeks};
}

Vcai incentive_freed_by(std::uint64_t elapsed_seconds) {
    if (elapsed_seconds >= kReleaseWeeks * kWeekSeconds) return kIncentivePool;
    return {fraction_of(kWeeklyRelease.wei, elapsed_seconds, kWeekSeconds)};
}

std::optional<U128> utilization(U128 consumed, U128 available) {
    if (available == 0) return std::nullopt;
    if (consumed >= available) return kWadOne;
    return fraction_of(consumed, kWadOne, available);
}

U128 next_supply_share(U128 previous, U128 utilization, const SupplyController& controller) {
    const bool rises = utilization >= controller.target;
    const U128 distance = rises ? utilization - controller.target : controller.target - utilization;
    const U128 step = fraction_of(controller.gain, distance, kWadOne);
    if (rises) return std::min(previous + step, kWadOne);
    return previous > step ? previous - step : 0;
}

Result<PeriodAmounts> period_amounts(const PeriodTerms& terms) {
    if (terms.release_share > kWadOne || terms.supply_share > kWadOne || terms.capacity_share > kWadOne) {
        return make_error(Errc::kInvalid, "a share is above one");
    }
    if (terms.ends < terms.starts) return make_error(Errc::kInvalid, "period ends before it starts");
    const U128 freed = incentive_freed_by(terms.ends).wei - incentive_freed_by(terms.starts).wei;
    const U128 rewards = fraction_of(freed, terms.release_share, kWadOne);
    const U128 supply = fraction_of(rewards, terms.supply_share, kWadOne);
    const U128 capacity = fraction_of(supply, terms.capacity_share, kWadOne);
    return PeriodAmounts{.capacity = {capacity},
                         .delivery = {supply - capacity},
                         .demand_rebate = {rewards - supply},
                         .withheld = {freed - rewards}};
}

}  // namespace vcity::market
