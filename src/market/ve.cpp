// SPDX-License-Identifier: Apache-2.0
#include "market/ve.hpp"

#include "base/check.hpp"

namespace vcity::market {
namespace {

U128 fitting(const Uint256& value) {
    return to_u128(value).value();
}

}  // namespace

U128 lock_strength(Vcai amount, Vcai linear_below) {
    CHECK(linear_below.wei > 0);
    if (amount.wei >= linear_below.wei) return fitting(isqrt(Uint256{amount.wei} * Uint256{kWeiPerVcai}));
    const Uint256 root = isqrt(Uint256{linear_below.wei} * Uint256{kWeiPerVcai});
    return fitting(Uint256{amount.wei} * root / Uint256{linear_below.wei});
}

U128 weight_at(U128 strength, std::uint64_t end_week, std::uint64_t now_seconds) {
    const std::uint64_t end = end_week * kWeekSeconds;
    if (now_seconds >= end) return 0;
    return fitting(Uint256{strength} * Uint256{end - now_seconds} / Uint256{kLockSecondsMax});
}

Uint256 total_weight_at(const LockTotals& totals, std::uint64_t now_seconds) {
    const Uint256 at_origin = totals.strength_weeks * Uint256{kWeekSeconds};
    const Uint256 decayed = totals.strength * Uint256{now_seconds};
    CHECK(at_origin >= decayed);
    return (at_origin - decayed) / Uint256{kLockSecondsMax};
}

}  // namespace vcity::market
