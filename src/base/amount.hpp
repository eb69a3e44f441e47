// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace vcity {

__extension__ typedef unsigned __int128 U128;

// Stablecoin base units (6 decimals, micro-dollars). Never negative; arithmetic is checked: an overflow or a negative
// result is kInvalid, never a wrap.
struct Usd {
    std::uint64_t micro = 0;

    auto operator<=>(const Usd&) const = default;
};

Result<Usd> add(Usd a, Usd b);
Result<Usd> subtract(Usd a, Usd b);
// ceil(a * numerator / denominator) in 128 bits; denominator > 0.
Result<std::uint64_t> mul_div_ceil(std::uint64_t a, std::uint64_t numerator, std::uint64_t denominator);
Result<std::uint64_t> mul_div_floor(std::uint64_t a, std::uint64_t numerator, std::uint64_t denominator);

// "12.345678": always six decimals.
std::string to_string(Usd amount);
// Decimal dollars with at most six decimals, no sign, no exponent: "0.5", "12", "3.000001".
Result<Usd> parse_usd(std::string_view text);

}  // namespace vcity
