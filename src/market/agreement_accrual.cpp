// SPDX-License-Identifier: Apache-2.0
#include "market/agreement_accrual.hpp"

#include <algorithm>

namespace vcity::market {
namespace {

constexpr std::uint32_t kBasisPoints = 10'000;

}  // namespace

Result<Usd> term_accrued(Usd price, std::uint64_t begin, std::uint64_t end, std::uint64_t now) {
    if (begin >= end) return make_error(Errc::kInvalid, "the term ends before it begins");
    const std::uint64_t until = std::min(now, end);
    if (until <= begin) return Usd{};
    TRY(const std::uint64_t micro, mul_div_floor(price.micro, until - begin, end - begin));
    return Usd{micro};
}

Usd spot_accrued(const SpotMeter& meter, std::uint64_t now) {
    const std::uint64_t until = std::min(now, meter.end);
    const std::uint64_t running = until > meter.rate_since ? until - meter.rate_since : 0;
    const U128 total = meter.accrued_before.micro + U128{meter.rate.micro} * running / kRateSeconds;
    return Usd{static_cast<std::uint64_t>(std::min(total, U128{meter.budget.micro}))};
}

SpotMeter with_rate(const SpotMeter& meter, Usd rate, std::uint64_t now) {
    SpotMeter next = meter;
    next.accrued_before = spot_accrued(meter, now);
    next.rate = rate;
    next.rate_since = std::max(now, meter.rate_since);
    return next;
}

Result<Usd> payee_share(Usd accrued, std::uint32_t fee_bps) {
    if (fee_bps > kBasisPoints) return make_error(Errc::kInvalid, "the fee is above 10,000 basis points");
    TRY(const std::uint64_t micro, mul_div_floor(accrued.micro, kBasisPoints - fee_bps, kBasisPoints));
    return Usd{micro};
}

}  // namespace vcity::market
