// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "base/result.hpp"
#include "base/vcai.hpp"

// Stake requirements and what a slash does with the stake (white paper 2.4.1, 3.6.1;
// contracts/src/network/NodeRegistry.sol and SlashingCourt.sol).
namespace vcity::market {

// How the price of stake follows market and demand (NodeRegistry.Parameters).
struct RateTerms {
    Vcai per_dollar;        // the oracle's price: VCAI wei for one dollar
    U128 utilization = 0;   // wad; above 1 counts as 1
    U128 factor_floor = 0;  // wads: factor = floor + slope * U
    U128 factor_slope = 0;
    std::uint32_t move_max_bps = 2'500;  // of the present rate, either way, in one period
};
// The weekly step of the one rate (VCAI wei of stake for each dollar of base) toward price * factor, within [1,000,
// 2^96 - 1]. rate below 2^96, factors at most 2e18; kInvalid above, or when the target does not fit.
Result<Vcai> next_stake_rate(Vcai rate, const RateTerms& terms);

// What a node has to stake: ceil(base * rate * count / one dollar). No GPU counts as one.
Result<Vcai> stake_required(Usd base, Vcai rate, std::uint32_t gpu_count);

enum class SlashTier : std::uint8_t { kMinor = 0, kMedium = 1, kSevere = 2 };
// The part of the stake that a tier may take, in basis points: 5-10 %, 10-30 %, 100 %.
struct SlashRange {
    std::uint16_t least_bps = 0;
    std::uint16_t most_bps = 0;
};
SlashRange slash_range(SlashTier tier);

struct SlashTerms {
    Vcai seized;
    Usd loss;                      // of the victim, not compensated yet
    Usd treasury;                  // stablecoin that the treasury can pay
    Usd price;                     // of one VCAI, for the rest of the compensation; above zero
    std::uint16_t bounty_bps = 0;  // of what is left after the victim
    Vcai bounty_cap;
};
struct SlashSplit {
    Usd paid_by_treasury;
    Usd shortfall;  // what the victim is still owed
    Vcai victim;    // out of the seized stake
    Vcai accuser;
    Vcai treasury;

    bool operator==(const SlashSplit&) const = default;
};
// The victim first and in full: stablecoin from the treasury while it has any, the rest in VCAI at the oracle's price
// (both directions rounded down) out of the seized stake; then the accuser's bounty; the rest to the treasury. The
// three VCAI parts add up to what was seized.
Result<SlashSplit> split_slash(const SlashTerms& terms);

}  // namespace vcity::market
