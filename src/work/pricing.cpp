// SPDX-License-Identifier: Apache-2.0
#include "work/pricing.hpp"

#include <algorithm>
#include <limits>

namespace vcity::work {
namespace {

constexpr std::uint64_t kMilli = 1000;
constexpr std::uint64_t kSecondsPerHour = 3600;
constexpr std::uint64_t kMillisPerHour = kSecondsPerHour * 1000;

std::uint64_t count_of(std::chrono::milliseconds ran) {
    return ran.count() > 0 ? static_cast<std::uint64_t>(ran.count()) : 0;
}

}  // namespace

std::uint64_t share_milli(const UnitAsk& ask) {
    return ask.gpus > 0 ? std::uint64_t{ask.gpus} * ask.gpu_milli : ask.cpu_milli;
}

Result<Usd> hourly_of(const UnitAsk& ask, Usd offered) {
    TRY(const std::uint64_t micro, mul_div_ceil(offered.micro, share_milli(ask), kMilli));
    return Usd{micro};
}

Result<Usd> quote_of(Usd hourly, std::uint32_t seconds_max) {
    TRY(const std::uint64_t micro, mul_div_ceil(hourly.micro, seconds_max, kSecondsPerHour));
    return Usd{micro};
}

Usd amount_of(Usd hourly, std::chrono::milliseconds ran, Usd quote) {
    const auto micro = mul_div_ceil(hourly.micro, count_of(ran), kMillisPerHour);
    return micro ? std::min(quote, Usd{*micro}) : quote;
}

std::uint64_t nominal_units(const UnitAsk& ask, std::chrono::milliseconds ran) {
    // share_milli is at most 2^32 * 2^32, so the product with 20 may need more than 64 bits.
    constexpr U128 kMax = std::numeric_limits<std::uint64_t>::max();
    const U128 per_second = std::min<U128>(U128{share_milli(ask)} * kUnitsPerShareSecond, kMax);
    const U128 units = (per_second * count_of(ran) + (kMilli * kMilli - 1)) / (kMilli * kMilli);
    return static_cast<std::uint64_t>(std::min(units, kMax));
}

}  // namespace vcity::work
