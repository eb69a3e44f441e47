// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "base/amount.hpp"
#include "base/bytes.hpp"
#include "base/time.hpp"

namespace vcity::gateway::x402 {

// Calls of models without a key, each paid by itself (docs/api/x402.md).
struct Options {
    std::string facilitator;  // "https://host", without a slash at its end; empty: no call is sold so
    // Who sells: payments go to it, and its key named "x402" pays for the work.
    Address account;
    std::string token_version = "1";  // of the stablecoin's EIP-712 domain
    Usd amount_max{1'000'000};        // of one call
    // Longer than a request may take, so that a payment is still good when the answer is there.
    std::uint32_t payment_seconds = 600;
    Duration patience = std::chrono::seconds{30};  // for one answer of the facilitator
    std::size_t payments_max = 100'000;
    std::uint64_t requests_per_minute = 600;  // of one address
};

}  // namespace vcity::gateway::x402
