// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>

#include "base/amount.hpp"
#include "base/result.hpp"
#include "model/unit.hpp"

// Money of steps: integers, rounded up, checked. All of it is pure, so customer, scheduler and node come to the same.
namespace vcity::work {

// What a step costs an hour on a unit that asks `offered` for one GPU (or for one core of a unit without GPUs):
// ceil(offered * gpus * gpu_milli / 1000), without GPUs ceil(offered * cpu_milli / 1000). kInvalid: over 64 bits.
Result<Usd> hourly_of(const UnitAsk& ask, Usd offered);

// ceil(hourly * seconds_max / 3600): the most that an attempt can cost.
Result<Usd> quote_of(Usd hourly, std::uint32_t seconds_max);

// min(quote, ceil(hourly * milliseconds / 3,600,000)).
Usd amount_of(Usd hourly, std::chrono::milliseconds ran, Usd quote);

// How much of a whole unit an ask is: thousandths of a GPU, of a core without GPUs.
std::uint64_t share_milli(const UnitAsk& ask);

// The receipt's output units: ceil(seconds * 20 * share), for statistics and the network fee's utilization; 20 is what
// one slot of a model counts for a second. Saturates at 64 bits.
inline constexpr std::uint64_t kUnitsPerShareSecond = 20;
std::uint64_t nominal_units(const UnitAsk& ask, std::chrono::milliseconds ran);

}  // namespace vcity::work
