// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/keys/key_record.hpp"

#include "codec/hex.hpp"
#include "market/typed_hashes.hpp"

namespace vcity::gateway {
namespace {

using codec::Json;

Error bad_record(std::string_view name) {
    return make_error(Errc::kInvalid, "'" + std::string{name} + "' of a stored key is missing or wrong");
}

Result<std::string> text_of(const Json& json, std::string_view name) {
    const Json* value = json.find(name);
    if (value == nullptr || value->get_string() == nullptr) return bad_record(name);
    return *value->get_string();
}

Result<std::uint64_t> number_of(const Json& json, std::string_view name) {
    const Json* value = json.find(name);
    std::uint64_t number = 0;
    if (value == nullptr || !value->get_u64(&number)) return bad_record(name);
    return number;
}

// Absent in records of earlier releases.
Result<bool> flag_of(const Json& json, std::string_view name, bool fallback) {
    const Json* value = json.find(name);
    if (value == nullptr) return fallback;
    if (value->get_bool() == nullptr) return bad_record(name);
    return *value->get_bool();
}

Json budgets_json(const KeyRecord& record) {
    codec::JsonArray budgets;
    for (const Budget& each : record.terms.budgets) {
        budgets.emplace_back(codec::JsonObject{
            {"window", to_string(each.window)},
            {"usd", to_string(each.limit)},
            {"spent", to_string(record.spending.in(each.window))},
            {"resets_at", window_end(each.window, record.spending.as_of_unix_seconds)},
        });
    }
    return budgets;
}

}  // namespace

std::string KeyRecord::id() const {
    return codec::to_hex(digest).substr(2, 16);
}

std::string to_store_key(const Hash& digest) {
    return "gateway/key/" + codec::to_hex(digest).substr(2);
}

Json to_json(const KeyRecord& record) {
    return codec::JsonObject{
        {"digest", codec::to_hex(record.digest)},
        {"last4", record.last4},
        {"terms", to_json(record.terms)},
        {"created_at", record.created_at_unix_seconds},
        {"enabled", record.enabled},
        {"revoked", record.revoked},
        {"spent", to_string(record.spent)},
        {"period_started_at", record.period_started_at_unix_seconds},
        {"spending", to_json(record.spending)},
        {"last_used_at", record.last_used_at_unix_seconds},
    };
}

Result<KeyRecord> parse_key_record(const Json& json) {
    KeyRecord record;
    TRY(const std::string digest, text_of(json, "digest"));
    TRY(record.digest, codec::parse_fixed<Hash>(digest));
    TRY(record.last4, text_of(json, "last4"));
    const Json* terms = json.find("terms");
    if (terms == nullptr) return bad_record("terms");
    TRY(record.terms, parse_key_terms(*terms));
    TRY(record.created_at_unix_seconds, number_of(json, "created_at"));
    TRY(const std::string spent, text_of(json, "spent"));
    TRY(record.spent, parse_usd(spent));
    TRY(record.period_started_at_unix_seconds, number_of(json, "period_started_at"));
    TRY(record.enabled, flag_of(json, "enabled", true));
    TRY(record.revoked, flag_of(json, "revoked", false));
    if (const Json* spending = json.find("spending")) {
        TRY(record.spending, parse_spending(*spending));
    }
    if (json.find("last_used_at") != nullptr) {
        TRY(record.last_used_at_unix_seconds, number_of(json, "last_used_at"));
    }
    return record;
}

Json to_public_json(const KeyRecord& record) {
    Json json = to_json(record.terms);
    const SpendingCap& signed_cap = record.terms.cap.cap;
    Json cap = codec::JsonObject{
        {"id", codec::to_hex(market::cap_id(signed_cap))},  {"client", codec::to_hex(signed_cap.client)},
        {"scheduler", codec::to_hex(signed_cap.scheduler)}, {"limit", to_string(signed_cap.limit)},
        {"expiry", signed_cap.expiry_unix_seconds},
    };
    json.set("cap", std::move(cap));
    json.set("budgets", budgets_json(record));
    json.set("id", record.id());
    json.set("object", "key");
    json.set("last4", record.last4);
    json.set("created_at", record.created_at_unix_seconds);
    json.set("last_used_at", record.last_used_at_unix_seconds == 0 ? Json{} : Json{record.last_used_at_unix_seconds});
    json.set("enabled", record.enabled);
    json.set("revoked", record.revoked);
    json.set("spent", to_string(record.spent));
    json.set("spending", windows_json(record.spending));
    return json;
}

}  // namespace vcity::gateway
