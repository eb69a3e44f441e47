// SPDX-License-Identifier: Apache-2.0
#include "market/issuance.hpp"

#include <algorithm>

#include "base/uint256.hpp"

namespace vcity::market {
namespace {

constexpr std::uint32_t kBasisPoints = 10'000;
constexpr std::uint64_t kSecondsPerDay = 86'400;
// From 0000-03-01 to 1970-01-01, so that leap days end their year.
constexpr std::uint64_t kDaysToEpoch = 719'468;
constexpr std::uint64_t kDaysPerEra = 146'097;  // 400 years

}  // namespace

std::uint64_t issuance_quota(const IssuanceMilestones& milestones) {
    const U128 revenue_steps = milestones.net_fees.micro / kRevenueStep.micro;
    const U128 locked_steps = milestones.locked.wei / kLockedStep.wei;
    const auto reached = static_cast<std::uint64_t>(std::min(revenue_steps, locked_steps));
    return reached > milestones.executed ? reached - milestones.executed : 0;
}

Vcai yearly_issuance_left(Vcai opening_supply, Vcai minted) {
    const Uint256 limit = Uint256{opening_supply.wei} * Uint256{kYearlyIssuanceBps} / Uint256{kBasisPoints};
    if (limit <= Uint256{minted.wei}) return {};
    return {to_u128(limit - Uint256{minted.wei}).value()};
}

std::uint64_t year_of(std::uint64_t unix_seconds) {
    const std::uint64_t days = unix_seconds / kSecondsPerDay + kDaysToEpoch;
    const std::uint64_t era = days / kDaysPerEra;
    const std::uint64_t day_of_era = days % kDaysPerEra;
    const std::uint64_t year_of_era =
        (day_of_era - day_of_era / 1'460 + day_of_era / 36'524 - day_of_era / 146'096) / 365;
    const std::uint64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    // Days 306 and later of a year that begins in March are January and February of the next.
    return era * 400 + year_of_era + (day_of_year >= 306 ? 1 : 0);
}

}  // namespace vcity::market
