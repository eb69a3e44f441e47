// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>

#include "base/result.hpp"
#include "base/vcai.hpp"

// The incentive pool and its controller (white paper 3.4; contracts/src/treasury/IncentiveController.sol and
// token/VestingVault.sol). Shares and utilization are wads: 1e18 is 100 %.
namespace vcity::market {

inline constexpr U128 kWadOne = 1'000'000'000'000'000'000ULL;

// 3,831,417 VCAI for each of 522 weeks; the last one brings the 326 VCAI that are missing to two billion.
inline constexpr Vcai kWeeklyRelease{3'831'417 * kWeiPerVcai};
inline constexpr std::uint64_t kReleaseWeeks = 522;
inline constexpr Vcai kIncentivePool{2'000'000'000 * kWeiPerVcai};

// The vault's bound: the most that has left it by then, in all; the week that began counts whole. Nothing before the
// token generation event. Times in unix seconds.
Vcai incentive_released_max(std::uint64_t tge, std::uint64_t now);
// The controller's measure: what has been set free in all that many seconds after its start, by the second;
// floor(weekly * t / 7 days), and everything from the end of the last week.
Vcai incentive_freed_by(std::uint64_t elapsed_seconds);

struct SupplyController {
    U128 gain = kWadOne / 10;        // k
    U128 target = kWadOne * 8 / 10;  // U_target
};

// U_actual = min(consumed / available, 1), rounded down; nullopt when nothing was available, which leaves U and P.
std::optional<U128> utilization(U128 consumed, U128 available);
// P_supply(t) = clamp(P_supply(t-1) + k * (U - U_target), 0, 1), the product truncated toward zero. All wads up to 1.
U128 next_supply_share(U128 previous, U128 utilization, const SupplyController& controller);

// What one period releases and to whom.
struct PeriodTerms {
    std::uint64_t starts = 0;  // seconds after the programme's start
    std::uint64_t ends = 0;
    U128 release_share = kWadOne;
    U128 supply_share = kWadOne / 2;    // P_supply, in force during the period
    U128 capacity_share = kWadOne / 2;  // of the supply side, to PoC
};
struct PeriodAmounts {
    Vcai capacity;       // PoC
    Vcai delivery;       // PoD
    Vcai demand_rebate;  // the demand side
    Vcai withheld;       // for the DAO to grant

    bool operator==(const PeriodAmounts&) const = default;
};
// The four parts add up to what the period sets free, exactly. kInvalid for shares above 1 or a period that ends before
// it starts.
Result<PeriodAmounts> period_amounts(const PeriodTerms& terms);

}  // namespace vcity::market
