// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "base/uint256.hpp"
#include "base/vcai.hpp"

// Vote escrow (white paper 3.2, contracts/src/governance/VeVCAI.sol): w = n^0.5 * (t_unlock - t_now) / T_max. Times are
// seconds since the escrow's origin, which lies on a Unix week; ends of locks are whole weeks since it.
namespace vcity::market {

inline constexpr std::uint64_t kWeekSeconds = 604'800;
// T_max, four years of 365.25 days.
inline constexpr std::uint64_t kLockSecondsMax = 126'230'400;
// The longest lock: the last whole week below T_max.
inline constexpr std::uint64_t kLockWeeksMax = kLockSecondsMax / kWeekSeconds;
// Bounds the contract's accumulators.
inline constexpr Vcai kLockMin{kWeiPerVcai};

// The strength s of a lock: isqrt(amount * 1e18) from `linear_below` (M) on, amount * isqrt(M * 1e18) / M below it, so
// that splitting an amount below M gains nothing. Amounts and M below 2^96 (79 billion VCAI), M > 0.
U128 lock_strength(Vcai amount, Vcai linear_below);

// floor(strength * (end - now) / T_max); 0 from the end on. strength below 2^96.
U128 weight_at(U128 strength, std::uint64_t end_week, std::uint64_t now_seconds);

// All live locks together: sums of strength * end_week and of strength.
struct LockTotals {
    Uint256 strength_weeks;  // aw, below 2^112
    Uint256 strength;        // b, below 2^96
};
// floor((aw * week - b * now) / T_max): what votes are counted against. Every lock in the totals ends after now.
Uint256 total_weight_at(const LockTotals& totals, std::uint64_t now_seconds);

}  // namespace vcity::market
