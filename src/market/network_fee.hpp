// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "base/amount.hpp"

// The network fee that moves with supply and demand (white paper 5.1, contracts/src/settlement/NetworkFee.sol).
namespace vcity::market {

struct FeeParameters {
    std::uint32_t min_ppm = 10'000;
    std::uint32_t max_ppm = 100'000;
};

// The fee after a period, in parts per million: u = min(consumed / available, 1); the fee moves by
// fee * (u - 80 %) / 80 % / 8, truncated toward zero, within its bounds. Unchanged when nothing was available.
std::uint32_t next_fee_ppm(std::uint32_t fee_ppm, U128 consumed, U128 available, const FeeParameters& parameters);

}  // namespace vcity::market
