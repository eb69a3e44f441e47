// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/amount.hpp"
#include "base/bytes.hpp"
#include "codec/json.hpp"
#include "services/gateway/api/api_error.hpp"

namespace vcity::gateway::x402 {

// The headers of x402 version 2; each holds JSON in base64.
inline constexpr const char* kRequiredHeader = "PAYMENT-REQUIRED";
inline constexpr const char* kSignatureHeader = "PAYMENT-SIGNATURE";
inline constexpr const char* kResponseHeader = "PAYMENT-RESPONSE";

// What one call costs and how it is paid: scheme "exact", which moves exactly this amount by ERC-3009.
struct Terms {
    std::uint64_t chain_id = 0;
    Usd amount;
    Address asset;  // a token with six decimals: its smallest unit is a micro-dollar
    Address pay_to;
    std::uint32_t timeout_seconds = 120;
    std::string token_name;  // of the token's EIP-712 domain
    std::string token_version;
};

// PaymentRequirements, an entry of "accepts".
codec::Json requirements_json(const Terms& terms);
// The value of PAYMENT-REQUIRED.
std::string required_header(const Terms& terms, std::string_view resource_url, std::string_view reason);

// A payment that its payer has signed for such terms.
struct Payment {
    Address payer;
    Hash nonce;
    Usd amount;
    std::uint64_t valid_before_unix_seconds = 0;
    codec::Json payload;  // as it came

    bool operator==(const Payment&) const = default;
};

// The value of PAYMENT-SIGNATURE, untrusted. kInvalidValue: it is no payment of this form. kPaymentRefused: it is for
// another chain, asset or payee, too small, not valid now or within the next six seconds, or not signed by its payer (a
// contract wallet's signature is not taken). amount: what is signed, at least that of the terms.
ApiResult<Payment> read_payment(std::string_view header, const Terms& terms, std::uint64_t now_unix_seconds);

// Bodies of a facilitator's /verify and /settle.
std::string facilitator_body(const Payment& payment, const Terms& terms);

// What a facilitator said. ok: the payment is good, or made.
struct FacilitatorAnswer {
    bool ok = false;
    std::string reason;       // when it is not ok, for people
    std::string transaction;  // of a settlement
};
// kInvalid: it is no such answer.
Result<FacilitatorAnswer> parse_verify_answer(std::string_view body);
Result<FacilitatorAnswer> parse_settle_answer(std::string_view body);
// The value of PAYMENT-RESPONSE.
std::string response_header(const FacilitatorAnswer& settled, const Payment& payment, const Terms& terms);

}  // namespace vcity::gateway::x402
