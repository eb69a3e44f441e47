// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/keys/key_record.hpp"

#include <string_view>

#include "codec/hex.hpp"
#include "codec/integer.hpp"
#include "crypto/secp256k1.hpp"

namespace vcity::gateway {
namespace {

Error bad_field(std::string_view name, std::string_view expected) {
    return make_error(Errc::kInvalid, "'" + std::string{name} + "' must be " + std::string{expected});
}

Result<std::string> text_of(const codec::Json& json, std::string_view name) {
    const codec::Json* value = json.find(name);
    if (value == nullptr || value->get_string() == nullptr) return bad_field(name, "a string");
    return *value->get_string();
}

// Absent: the fallback. A decimal string is as good as a number, so that JavaScript clients keep all 64 bits.
Result<std::uint64_t> number_of(const codec::Json& json, std::string_view name, std::uint64_t fallback) {
    const codec::Json* value = json.find(name);
    if (value == nullptr || value->is_null()) return fallback;
    std::uint64_t number = 0;
    if (value->get_u64(&number)) return number;
    if (const std::string* text = value->get_string()) return codec::parse_decimal(*text);
    return bad_field(name, "a whole number");
}

Result<std::uint64_t> number_within(
    const codec::Json& json, std::string_view name, std::uint64_t fallback, std::uint64_t least, std::uint64_t most) {
    TRY(const std::uint64_t number, number_of(json, name, fallback));
    if (number < least || number > most) {
        return bad_field(name, "between " + std::to_string(least) + " and " + std::to_string(most));
    }
    return number;
}

Result<Usd> dollars_of(const codec::Json& json, std::string_view name) {
    TRY(const std::string text, text_of(json, name));
    Result<Usd> amount = parse_usd(text);
    if (!amount) return bad_field(name, "dollars with at most six decimals, e.g. \"12.50\"");
    return amount;
}

Result<std::vector<std::string>> models_of(const codec::Json& json) {
    std::vector<std::string> models;
    const codec::Json* value = json.find("models");
    if (value == nullptr || value->is_null()) return models;
    const codec::JsonArray* items = value->get_array();
    if (items == nullptr || items->size() > 64) return bad_field("models", "a list of at most 64 names");
    for (const codec::Json& item : *items) {
        if (item.get_string() == nullptr) return bad_field("models", "a list of at most 64 names");
        models.push_back(*item.get_string());
    }
    return models;
}

codec::Json terms_json(const KeyTerms& terms) {
    codec::JsonArray models(terms.models.begin(), terms.models.end());
    return codec::JsonObject{
        {"name", terms.name},
        {"cap", to_json(terms.cap)},
        {"budget", terms.budget ? codec::Json{to_string(*terms.budget)} : codec::Json{}},
        {"budget_period_seconds", terms.budget_period_seconds},
        {"requests_per_minute", terms.requests_per_minute},
        {"parallel_max", terms.parallel_max},
        {"models", std::move(models)},
        {"expires_at", terms.expires_at_unix_seconds},
    };
}

}  // namespace

std::string KeyRecord::id() const {
    return codec::to_hex(digest).substr(2, 16);
}

std::string to_store_key(const Hash& digest) {
    return "gateway/key/" + codec::to_hex(digest).substr(2);
}

codec::Json to_json(const SignedCap& cap) {
    return codec::JsonObject{
        {"client", codec::to_hex(cap.cap.client)}, {"scheduler", codec::to_hex(cap.cap.scheduler)},
        {"limit", to_string(cap.cap.limit)},       {"expiry", cap.cap.expiry_unix_seconds},
        {"nonce", std::to_string(cap.cap.nonce)},  {"signature", codec::to_hex(cap.signature)},
    };
}

Result<SignedCap> parse_signed_cap(const codec::Json& json) {
    SignedCap cap;
    TRY(const std::string client, text_of(json, "client"));
    TRY(cap.cap.client, crypto::parse_address(client));
    TRY(const std::string scheduler, text_of(json, "scheduler"));
    TRY(cap.cap.scheduler, crypto::parse_address(scheduler));
    TRY(cap.cap.limit, dollars_of(json, "limit"));
    TRY(cap.cap.expiry_unix_seconds, number_of(json, "expiry", 0));
    TRY(cap.cap.nonce, number_of(json, "nonce", 0));
    TRY(const std::string signature, text_of(json, "signature"));
    TRY(cap.signature, codec::parse_fixed<Signature>(signature));
    return cap;
}

Result<KeyTerms> parse_key_terms(const codec::Json& body) {
    if (!body.is_object()) return make_error(Errc::kInvalid, "the body must be a JSON object");
    KeyTerms terms;
    if (body.find("name") != nullptr) {
        TRY(terms.name, text_of(body, "name"));
    }
    if (terms.name.size() > 64) return bad_field("name", "at most 64 bytes long");
    const codec::Json* cap = body.find("cap");
    if (cap == nullptr) return bad_field("cap", "a signed spending cap");
    TRY(terms.cap, parse_signed_cap(*cap));
    const codec::Json* budget = body.find("budget");
    if (budget != nullptr && !budget->is_null()) {
        TRY(terms.budget, dollars_of(body, "budget"));
    }
    TRY(terms.budget_period_seconds, number_within(body, "budget_period_seconds", 0, 0, 366ULL * 86'400));
    TRY(terms.requests_per_minute, number_within(body, "requests_per_minute", 600, 1, 1'000'000));
    TRY(const std::uint64_t parallel_max, number_within(body, "parallel_max", 64, 1, 10'000));
    terms.parallel_max = static_cast<std::uint32_t>(parallel_max);
    TRY(terms.models, models_of(body));
    TRY(terms.expires_at_unix_seconds, number_of(body, "expires_at", 0));
    return terms;
}

codec::Json to_json(const KeyRecord& record) {
    return codec::JsonObject{
        {"digest", codec::to_hex(record.digest)},
        {"last4", record.last4},
        {"terms", terms_json(record.terms)},
        {"created_at", record.created_at_unix_seconds},
        {"revoked", record.revoked},
        {"spent", to_string(record.spent)},
        {"period_started_at", record.period_started_at_unix_seconds},
    };
}

Result<KeyRecord> parse_key_record(const codec::Json& json) {
    KeyRecord record;
    TRY(const std::string digest, text_of(json, "digest"));
    TRY(record.digest, codec::parse_fixed<Hash>(digest));
    TRY(record.last4, text_of(json, "last4"));
    const codec::Json* terms = json.find("terms");
    if (terms == nullptr) return bad_field("terms", "an object");
    TRY(record.terms, parse_key_terms(*terms));
    TRY(record.created_at_unix_seconds, number_of(json, "created_at", 0));
    TRY(record.spent, dollars_of(json, "spent"));
    TRY(record.period_started_at_unix_seconds, number_of(json, "period_started_at", 0));
    const codec::Json* revoked = json.find("revoked");
    if (revoked == nullptr || revoked->get_bool() == nullptr) return bad_field("revoked", "true or false");
    record.revoked = *revoked->get_bool();
    return record;
}

codec::Json to_public_json(const KeyRecord& record) {
    codec::Json json = terms_json(record.terms);
    codec::Json cap = codec::JsonObject{
        {"client", codec::to_hex(record.terms.cap.cap.client)},
        {"scheduler", codec::to_hex(record.terms.cap.cap.scheduler)},
        {"limit", to_string(record.terms.cap.cap.limit)},
        {"expiry", record.terms.cap.cap.expiry_unix_seconds},
    };
    json.set("cap", std::move(cap));
    json.set("id", record.id());
    json.set("last4", record.last4);
    json.set("created_at", record.created_at_unix_seconds);
    json.set("revoked", record.revoked);
    json.set("spent", to_string(record.spent));
    return json;
}

}  // namespace vcity::gateway
