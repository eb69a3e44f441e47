// SPDX-License-Identifier: Apache-2.0
#include "base/amount.hpp"

#include <limits>

#include <fmt/format.h>

#include "base/check.hpp"

namespace vcity {
namespace {

constexpr std::uint64_t kMicroPerDollar = 1'000'000;
constexpr std::size_t kFractionDigits = 6;
constexpr std::uint64_t kMax = std::numeric_limits<std::uint64_t>::max();

Result<std::uint64_t> narrow(U128 value) {
    if (value > kMax) return make_error(Errc::kInvalid, "amount does not fit 64 bits");
    return static_cast<std::uint64_t>(value);
}

// One decimal digit more; kInvalid for another character or when the value does not fit.
Result<std::uint64_t> push_digit(std::uint64_t value, char digit) {
    if (digit < '0' || digit > '9') return make_error(Errc::kInvalid, "amount has a character that is no digit");
    return narrow(U128{value} * 10U + static_cast<unsigned>(digit - '0'));
}

}  // namespace

Result<Usd> add(Usd a, Usd b) {
    if (a.micro > kMax - b.micro) return make_error(Errc::kInvalid, "sum of amounts does not fit 64 bits");
    return Usd{a.micro + b.micro};
}

Result<Usd> subtract(Usd a, Usd b) {
    if (a.micro < b.micro) return make_error(Errc::kInvalid, "difference of amounts is negative");
    return Usd{a.micro - b.micro};
}

Result<std::uint64_t> mul_div_ceil(std::uint64_t a, std::uint64_t numerator, std::uint64_t denominator) {
    CHECK(denominator > 0);
    return narrow((U128{a} * numerator + (denominator - 1)) / denominator);
}

Result<std::uint64_t> mul_div_floor(std::uint64_t a, std::uint64_t numerator, std::uint64_t denominator) {
    CHECK(denominator > 0);
    return narrow(U128{a} * numerator / denominator);
}

std::string to_string(Usd amount) {
    return fmt::format("{}.{:06}", amount.micro / kMicroPerDollar, amount.micro % kMicroPerDollar);
}

Result<Usd> parse_usd(std::string_view text) {
    const std::size_t point = text.find('.');
    const std::string_view whole = text.substr(0, point);
    const std::string_view fraction = point == std::string_view::npos ? std::string_view{} : text.substr(point + 1);
    if (whole.empty() || (point != std::string_view::npos && fraction.empty())) {
        return make_error(Errc::kInvalid, "amount needs digits on both sides of the point");
    }
    if (whole.size() > 1 && whole.front() == '0') return make_error(Errc::kInvalid, "amount has a leading zero");
    if (fraction.size() > kFractionDigits) return make_error(Errc::kInvalid, "amount has more than six decimals");
    std::uint64_t micro = 0;
    for (const char digit : whole) {
        TRY(micro, push_digit(micro, digit));
    }
    for (const char digit : fraction) {
        TRY(micro, push_digit(micro, digit));
    }
    for (std::size_t position = fraction.size(); position < kFractionDigits; ++position) {
        TRY(micro, push_digit(micro, '0'));
    }
    return Usd{micro};
}

}  // namespace vcity
