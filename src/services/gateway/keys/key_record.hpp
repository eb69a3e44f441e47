// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "base/result.hpp"
#include "codec/json.hpp"
#include "services/gateway/keys/key_terms.hpp"

namespace vcity::gateway {

// What the gateway keeps of a key: never the key itself.
struct KeyRecord {
    Hash digest;        // HMAC-SHA256(pepper, key)
    std::string last4;  // so that its owner can tell it from others
    KeyTerms terms;
    std::uint64_t created_at_unix_seconds = 0;
    bool enabled = true;  // its owner may switch it off and on
    bool revoked = false;
    Usd spent;  // in the period of terms.budget
    std::uint64_t period_started_at_unix_seconds = 0;
    Spending spending;                            // by the calendar
    std::uint64_t last_used_at_unix_seconds = 0;  // within a minute; 0: never

    bool operator==(const KeyRecord&) const = default;

    const Address& account() const { return terms.cap.cap.client; }
    // 16 hex digits: names the key in the API and in logs.
    std::string id() const;
};

std::string to_store_key(const Hash& digest);
// The form in the store.
codec::Json to_json(const KeyRecord& record);
Result<KeyRecord> parse_key_record(const codec::Json& json);
// The form for people: no digest, no cap signature. What was spent is as of the record's spending.
codec::Json to_public_json(const KeyRecord& record);

}  // namespace vcity::gateway
