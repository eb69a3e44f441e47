// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/amount.hpp"
#include "base/result.hpp"
#include "model/node.hpp"
#include "model/request.hpp"

namespace vcity::market {

// An upper bound of the prompt's tokens that needs no tokenizer: its UTF-8 bytes (byte fallback never gives more tokens
// than bytes) and 16 for the template around each message, or around the prompt of a completion. Should a tokenizer
// exceed it, the charge stays within the quote all the same.
std::uint64_t input_tokens_bound(const ModelRequest& request);

// ceil((input * prices.input + output * prices.output) / 1,000,000) micro-dollars, in 128 bits.
Result<Usd> price_of(const TokenUsage& usage, const TokenPrices& prices);
// The most this request can cost at these prices.
Result<Usd> quote_of(const ModelRequest& request, const TokenPrices& prices);
// What is charged: the price of what was delivered, never above the quote.
Result<Usd> charge_of(const TokenUsage& usage, const TokenPrices& prices, Usd quote);

// The network's part of one receipt: ceil(amount * fee_bps / 10,000). The node gets the rest.
Result<Usd> fee_of(Usd amount, std::uint32_t fee_bps);

}  // namespace vcity::market
