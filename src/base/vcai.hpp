// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <compare>
#include <string>
#include <string_view>

#include "base/amount.hpp"

namespace vcity {

// Token base units (18 decimals). The whole supply is below 2^94, so sums of a few amounts always fit; arithmetic is
// checked all the same.
struct Vcai {
    U128 wei = 0;

    auto operator<=>(const Vcai&) const = default;
};

inline constexpr U128 kWeiPerVcai = 1'000'000'000'000'000'000ULL;

Result<Vcai> add(Vcai a, Vcai b);
Result<Vcai> subtract(Vcai a, Vcai b);

// "12.5", "0.000000000000000001": no trailing zeros, no point for whole amounts.
std::string to_string(Vcai amount);
// Decimal VCAI with at most 18 decimals, no sign, no exponent.
Result<Vcai> parse_vcai(std::string_view text);

}  // namespace vcity
