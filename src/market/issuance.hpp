// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "base/vcai.hpp"

// Strategic issuance (white paper 3.7, contracts/src/token/StrategicIssuance.sol and VCAIToken.sol).
namespace vcity::market {

inline constexpr Usd kRevenueStep{2'000'000'000'000};          // 2,000,000 dollars of net fees
inline constexpr Vcai kLockedStep{500'000'000 * kWeiPerVcai};  // VCAI locked, not weight
inline constexpr std::uint32_t kYearlyIssuanceBps = 500;       // of the supply that opened the year

struct IssuanceMilestones {
    Usd net_fees;  // since genesis
    Vcai locked;   // principal in the vote escrow
    std::uint64_t executed = 0;
};
// min(whole revenue steps, whole locked steps) - executed; 0 when more were executed than the steps now allow.
std::uint64_t issuance_quota(const IssuanceMilestones& milestones);

// What may still be minted in a calendar year (UTC): floor(5 % of its opening supply) less what was minted in it.
Vcai yearly_issuance_left(Vcai opening_supply, Vcai minted);
// The calendar year of a unix time, in UTC (proleptic Gregorian).
std::uint64_t year_of(std::uint64_t unix_seconds);

}  // namespace vcity::market
