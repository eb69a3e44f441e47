// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "codec/json.hpp"
#include "model/receipt.hpp"
#include "services/gateway/keys/budget.hpp"
#include "services/gateway/keys/scopes.hpp"

namespace vcity::gateway {

// What the owner of a key agreed to, chosen when it is made. All but the cap may be changed later.
struct KeyTerms {
    std::string name;                           // for people; at most 64 bytes
    SignedCap cap;                              // who pays, and how much at most
    std::optional<Usd> budget;                  // of this key alone; none: the cap is the only limit
    std::uint64_t budget_period_seconds = 0;    // of `budget`, from the key's making on; 0: its whole life
    std::uint64_t requests_per_minute = 600;    // 1 to 1,000,000
    std::uint32_t parallel_max = 64;            // 1 to 10,000
    std::vector<std::string> models;            // empty: all; at most 64
    std::uint64_t expires_at_unix_seconds = 0;  // 0: never
    Scopes scopes = Scopes::usual();
    std::vector<Budget> budgets;          // more limits, by the calendar; all of them hold
    std::optional<Usd> soft_budget;       // of a calendar month: passing it is an event, and refuses nothing
    std::vector<std::string> ip_allow;    // ranges of addresses; empty: from everywhere; at most 64
    std::uint64_t tokens_per_minute = 0;  // of prompts and answers; 0: no limit; at most 1,000,000,000

    bool operator==(const KeyTerms&) const = default;
};

// The fields that the body names, over what the terms hold; a null is the same as an absent field, but takes a limit
// away. kInvalid names the field. The cap is not read.
Result<KeyTerms> with_fields(KeyTerms terms, const codec::Json& body);
// The name of a field that is not of a key; empty: there is none.
std::string_view unknown_key_field(const codec::Json& body);

// The body of POST /admin/keys, and the form in the store. kInvalid names the field.
Result<KeyTerms> parse_key_terms(const codec::Json& body);
codec::Json to_json(const KeyTerms& terms);

// Amounts in dollars.
codec::Json to_json(const SignedCap& cap);
Result<SignedCap> parse_signed_cap(const codec::Json& json);
// The message of EIP-712, as wallets sign it and the contract reads it: the limit in micro-dollars, big numbers as
// decimal texts.
codec::Json cap_message_json(const SpendingCap& cap);
Result<SpendingCap> parse_cap_message(const codec::Json& json);

}  // namespace vcity::gateway
