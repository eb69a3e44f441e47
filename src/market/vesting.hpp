// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "base/vcai.hpp"

// The genesis allocation and how it is released (white paper 3.1.2 and 3.1.3; contracts/src/token/VestingVault.sol and
// GenesisNFT.sol).
namespace vcity::market {

// A twelfth of 365.25 days.
inline constexpr std::uint64_t kMonthSeconds = 2'629'800;
inline constexpr Vcai kGenesisSupply{10'000'000'000 * kWeiPerVcai};

struct Allocation {
    std::string_view name;
    Vcai amount;
    std::uint32_t tge_bps = 0;  // liquid at the token generation event
};
// All of the supply, in the white paper's order; the amounts add up to kGenesisSupply.
const std::array<Allocation, 7>& genesis_allocations();
// What is liquid at the token generation event: 7.85 % of the supply.
Vcai tge_float();

// A tranche of grants with one schedule (IVestingVault.Schedule): `upfront` of `allocation` from `start` on, the rest
// over `release_months` after the cliff, linear by the second or in whole months.
struct VestingSchedule {
    Vcai allocation;          // above zero
    Vcai upfront;             // at most allocation
    std::uint64_t start = 0;  // unix seconds
    std::uint8_t cliff_months = 0;
    std::uint8_t release_months = 0;  // 0: the rest is released at the end of the cliff
    bool is_monthly = false;
};
// What is released of a grant of that amount by then, in all: rounded down, never falls, reaches the amount exactly.
// amount at most the allocation, both below 2^96.
Vcai vested_at(const VestingSchedule& schedule, Vcai amount, std::uint64_t now);

// The schedules that the white paper fixes; financing rounds have terms of their own.
VestingSchedule team_schedule(Vcai allocation, std::uint64_t tge);     // 18 months cliff, then 42 months by the second
VestingSchedule advisor_schedule(Vcai allocation, std::uint64_t tge);  // 18 months by the second
VestingSchedule genesis_nft_schedule(std::uint64_t tge);               // 10,000 VCAI: a quarter, then six monthly steps

}  // namespace vcity::market
