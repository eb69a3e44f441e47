// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/amount.hpp"
#include "base/result.hpp"
#include "model/unit.hpp"

// Why work on a unit costs what it costs, for people. The arithmetic is that of work/pricing.hpp.
namespace vcity::work {

struct PriceQuestion {
    UnitAsk ask;
    Usd offered;                      // an hour of one GPU, or of one core of a unit without GPUs
    std::optional<Usd> spot_offered;  // the same, the floor for best-effort work; none: not offered
    std::uint32_t seconds_max = 3600;
};

struct PriceExplanation {
    Usd hourly;
    Usd quote;                       // the most that an attempt of seconds_max can cost
    std::optional<Usd> spot_floor;   // an hour's least bid
    std::vector<std::string> lines;  // one sentence each

    bool operator==(const PriceExplanation&) const = default;
};

// kInvalid: an amount over 64 bits, a question of no time, or an ask for nothing that is paid for.
Result<PriceExplanation> explain_price(const PriceQuestion& question);

}  // namespace vcity::work
