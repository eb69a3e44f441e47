// SPDX-License-Identifier: Apache-2.0
#include "market/pricing.hpp"

#include <algorithm>
#include <limits>

namespace vcity::market {
namespace {

constexpr std::uint64_t kTokensPerPrice = 1'000'000;
constexpr std::uint64_t kTemplateTokens = 16;
constexpr std::uint32_t kBasisPoints = 10'000;

}  // namespace

std::uint64_t input_tokens_bound(const ModelRequest& request) {
    std::uint64_t bound = request.prompt.size();
    for (const ChatMessage& message : request.messages) bound += message.content.size();
    return bound + kTemplateTokens * std::max<std::uint64_t>(request.messages.size(), 1);
}

Result<Usd> price_of(const TokenUsage& usage, const TokenPrices& prices) {
    const U128 input = U128{usage.input} * prices.input;
    const U128 output = U128{usage.output} * prices.output;
    if (input > ~U128{0} - output) return make_error(Errc::kInvalid, "price does not fit 128 bits");
    const U128 sum = input + output;
    const U128 micro = sum / kTokensPerPrice + (sum % kTokensPerPrice != 0 ? 1U : 0U);
    if (micro > std::numeric_limits<std::uint64_t>::max()) {
        return make_error(Errc::kInvalid, "price does not fit 64 bits");
    }
    return Usd{static_cast<std::uint64_t>(micro)};
}

Result<Usd> quote_of(const ModelRequest& request, const TokenPrices& prices) {
    return price_of({.input = input_tokens_bound(request), .output = request.output_tokens_max}, prices);
}

Result<Usd> charge_of(const TokenUsage& usage, const TokenPrices& prices, Usd quote) {
    TRY(const Usd price, price_of(usage, prices));
    return std::min(price, quote);
}

Result<Usd> fee_of(Usd amount, std::uint32_t fee_bps) {
    if (fee_bps > kBasisPoints) return make_error(Errc::kInvalid, "fee is above 10,000 basis points");
    TRY(const std::uint64_t fee, mul_div_ceil(amount.micro, fee_bps, kBasisPoints));
    return Usd{fee};
}

}  // namespace vcity::market
