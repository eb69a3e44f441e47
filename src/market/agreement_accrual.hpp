// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "base/amount.hpp"
#include "base/result.hpp"

// What prepaid capacity has cost until a moment, to the base unit as contracts/src/settlement/Agreements.sol books it.
// All times in whole unix seconds, rates in micro-dollars an hour, divisions truncate.
namespace vcity::market {

inline constexpr std::uint64_t kRateSeconds = 3600;

// A term with one price (reserved capacity, one period of a subscription): price * (min(now, end) - begin) / (end -
// begin), nothing before begin. kInvalid unless begin < end.
Result<Usd> term_accrued(Usd price, std::uint64_t begin, std::uint64_t end, std::uint64_t now);

// Spot capacity: the rate may change, the budget is never passed.
struct SpotMeter {
    Usd budget;
    Usd rate{};                    // an hour, since rate_since
    std::uint64_t rate_since = 0;  // at first the begin
    std::uint64_t end = 0;
    Usd accrued_before{};  // what earlier rates came to

    bool operator==(const SpotMeter&) const = default;
};

// min(accrued_before + rate * (min(now, end) - rate_since) / 3600, budget).
Usd spot_accrued(const SpotMeter& meter, std::uint64_t now);
// The meter with another rate from now on. A change before the begin only replaces the rate.
SpotMeter with_rate(const SpotMeter& meter, Usd rate, std::uint64_t now);

// The payee's part of what accrued in all: accrued * (10,000 - fee_bps) / 10,000; the rest is the network's. kInvalid
// above 10,000.
Result<Usd> payee_share(Usd accrued, std::uint32_t fee_bps);

}  // namespace vcity::market
