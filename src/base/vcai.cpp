// SPDX-License-Identifier: Apache-2.0
#include "base/vcai.hpp"

#include "base/uint256.hpp"

namespace vcity {
namespace {

constexpr std::size_t kFractionDigits = 18;

}  // namespace

Result<Vcai> add(Vcai a, Vcai b) {
    if (a.wei > ~U128{0} - b.wei) return make_error(Errc::kInvalid, "sum of amounts does not fit 128 bits");
    return Vcai{a.wei + b.wei};
}

Result<Vcai> subtract(Vcai a, Vcai b) {
    if (a.wei < b.wei) return make_error(Errc::kInvalid, "difference of amounts is negative");
    return Vcai{a.wei - b.wei};
}

std::string to_string(Vcai amount) {
    std::string text = to_decimal(Uint256{amount.wei / kWeiPerVcai});
    std::string fraction = to_decimal(Uint256{amount.wei % kWeiPerVcai});
    if (fraction == "0") return text;
    fraction.insert(0, kFractionDigits - fraction.size(), '0');
    fraction.erase(fraction.find_last_not_of('0') + 1);
    return text + "." + fraction;
}

Result<Vcai> parse_vcai(std::string_view text) {
    const std::size_t point = text.find('.');
    const std::string_view whole = text.substr(0, point);
    std::string fraction{point == std::string_view::npos ? std::string_view{} : text.substr(point + 1)};
    if (whole.empty() || (point != std::string_view::npos && fraction.empty())) {
        return make_error(Errc::kInvalid, "amount needs digits on both sides of the point");
    }
    if (whole.size() > 1 && whole.front() == '0') return make_error(Errc::kInvalid, "amount has a leading zero");
    if (fraction.size() > kFractionDigits) return make_error(Errc::kInvalid, "amount has more than 18 decimals");
    fraction.resize(kFractionDigits, '0');
    std::string digits = std::string{whole} + fraction;
    digits.erase(0, std::min(digits.find_first_not_of('0'), digits.size() - 1));
    TRY(const Uint256 wei, parse_uint256(digits));
    TRY(const U128 fits, to_u128(wei));
    return Vcai{fits};
}

}  // namespace vcity
