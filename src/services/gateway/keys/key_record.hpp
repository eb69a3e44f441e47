// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "codec/json.hpp"
#include "model/receipt.hpp"

namespace vcity::gateway {

// What the owner of a key agreed to, chosen when it is made.
struct KeyTerms {
    std::string name;                           // for people; at most 64 bytes
    SignedCap cap;                              // who pays, and how much at most
    std::optional<Usd> budget;                  // of this key alone; none: the cap is the only limit
    std::uint64_t budget_period_seconds = 0;    // 0: one budget for the key's whole life
    std::uint64_t requests_per_minute = 600;    // 1 to 1,000,000
    std::uint32_t parallel_max = 64;            // 1 to 10,000
    std::vector<std::string> models;            // empty: all; at most 64
    std::uint64_t expires_at_unix_seconds = 0;  // 0: never

    bool operator==(const KeyTerms&) const = default;
};

// What the gateway keeps of a key: never the key itself.
struct KeyRecord {
    Hash digest;        // HMAC-SHA256(pepper, key)
    std::string last4;  // so that its owner can tell it from others
    KeyTerms terms;
    std::uint64_t created_at_unix_seconds = 0;
    bool revoked = false;
    Usd spent;  // in the current budget period
    std::uint64_t period_started_at_unix_seconds = 0;

    bool operator==(const KeyRecord&) const = default;

    // 16 hex digits: names the key in the admin endpoints and in logs.
    std::string id() const;
};

std::string to_store_key(const Hash& digest);
// The form in the store.
codec::Json to_json(const KeyRecord& record);
Result<KeyRecord> parse_key_record(const codec::Json& json);
// The form for people: no digest, no cap signature.
codec::Json to_public_json(const KeyRecord& record);

// The body of POST /admin/keys. kInvalid names the field.
Result<KeyTerms> parse_key_terms(const codec::Json& body);
codec::Json to_json(const SignedCap& cap);
Result<SignedCap> parse_signed_cap(const codec::Json& json);

}  // namespace vcity::gateway
