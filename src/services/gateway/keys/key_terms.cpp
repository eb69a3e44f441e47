// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/keys/key_terms.hpp"

#include <algorithm>
#include <array>

#include "codec/hex.hpp"
#include "codec/integer.hpp"
#include "crypto/secp256k1.hpp"
#include "services/gateway/keys/ip_range.hpp"

namespace vcity::gateway {
namespace {

using codec::Json;

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

constexpr std::size_t kListMax = 64;
constexpr std::size_t kListTextMax = 256;

Result<std::vector<std::string>> texts_of(const Json& value, std::string_view name) {
    const std::string expected = "a list of at most 64 texts";
    const codec::JsonArray* items = value.get_array();
    if (items == nullptr || items->size() > kListMax) return bad_field(name, expected);
    std::vector<std::string> texts;
    for (const Json& item : *items) {
        const std::string* text = item.get_string();
        if (text == nullptr || text->size() > kListTextMax) return bad_field(name, expected);
        texts.push_back(*text);
    }
    return texts;
}

// --- one reader for each field; the value may be null

using Reader = Result<void> (*)(const Json& body, std::string_view name, KeyTerms* terms);

bool is_null(const Json& body, std::string_view name) {
    const Json* value = body.find(name);
    return value == nullptr || value->is_null();
}

Result<void> read_name(const Json& body, std::string_view name, KeyTerms* terms) {
    terms->name.clear();
    if (is_null(body, name)) return {};
    TRY(terms->name, text_of(body, name));
    if (terms->name.size() > 64) return bad_field(name, "at most 64 bytes long");
    return {};
}

Result<void> read_amount(const Json& body, std::string_view name, std::optional<Usd>* amount) {
    amount->reset();
    if (is_null(body, name)) return {};
    TRY(*amount, dollars_of(body, name));
    return {};
}

Result<void> read_budget(const Json& body, std::string_view name, KeyTerms* terms) {
    return read_amount(body, name, &terms->budget);
}

Result<void> read_soft_budget(const Json& body, std::string_view name, KeyTerms* terms) {
    return read_amount(body, name, &terms->soft_budget);
}

Result<void> read_budget_period(const Json& body, std::string_view name, KeyTerms* terms) {
    TRY(terms->budget_period_seconds, number_within(body, name, 0, 0, 366ULL * 86'400));
    return {};
}

Result<void> read_budgets(const Json& body, std::string_view name, KeyTerms* terms) {
    terms->budgets.clear();
    if (is_null(body, name)) return {};
    TRY(terms->budgets, parse_budgets(*body.find(name)));
    return {};
}

Result<void> read_requests(const Json& body, std::string_view name, KeyTerms* terms) {
    TRY(terms->requests_per_minute, number_within(body, name, KeyTerms{}.requests_per_minute, 1, 1'000'000));
    return {};
}

Result<void> read_tokens(const Json& body, std::string_view name, KeyTerms* terms) {
    TRY(terms->tokens_per_minute, number_within(body, name, 0, 0, 1'000'000'000));
    return {};
}

Result<void> read_parallel(const Json& body, std::string_view name, KeyTerms* terms) {
    TRY(const std::uint64_t parallel_max, number_within(body, name, KeyTerms{}.parallel_max, 1, 10'000));
    terms->parallel_max = static_cast<std::uint32_t>(parallel_max);
    return {};
}

Result<void> read_models(const Json& body, std::string_view name, KeyTerms* terms) {
    terms->models.clear();
    if (is_null(body, name)) return {};
    TRY(terms->models, texts_of(*body.find(name), name));
    return {};
}

Result<void> read_ip_allow(const Json& body, std::string_view name, KeyTerms* terms) {
    terms->ip_allow.clear();
    if (is_null(body, name)) return {};
    TRY(terms->ip_allow, texts_of(*body.find(name), name));
    const auto is_range = [](const std::string& text) { return parse_ip_range(text).has_value(); };
    if (std::ranges::all_of(terms->ip_allow, is_range)) return {};
    return bad_field(name, "a list of IP addresses and ranges, e.g. \"203.0.113.0/24\"");
}

Result<void> read_expiry(const Json& body, std::string_view name, KeyTerms* terms) {
    TRY(terms->expires_at_unix_seconds, number_of(body, name, 0));
    return {};
}

Result<void> read_scopes(const Json& body, std::string_view name, KeyTerms* terms) {
    terms->scopes = Scopes::usual();
    if (is_null(body, name)) return {};
    TRY(terms->scopes, parse_scopes(*body.find(name)));
    return {};
}

struct Field {
    std::string_view name;
    Reader read;
};

constexpr std::array kFields = {
    Field{"name", read_name},
    Field{"budget", read_budget},
    Field{"budget_period_seconds", read_budget_period},
    Field{"budgets", read_budgets},
    Field{"soft_budget", read_soft_budget},
    Field{"requests_per_minute", read_requests},
    Field{"tokens_per_minute", read_tokens},
    Field{"parallel_max", read_parallel},
    Field{"models", read_models},
    Field{"ip_allow", read_ip_allow},
    Field{"expires_at", read_expiry},
    Field{"scopes", read_scopes},
};

// Of POST and PATCH, besides the terms.
constexpr std::array<std::string_view, 4> kOtherFields = {"cap", "cap_signature", "cap_id", "enabled"};

Json or_null(const std::optional<Usd>& amount) {
    return amount ? Json{to_string(*amount)} : Json{};
}

}  // namespace

Result<KeyTerms> with_fields(KeyTerms terms, const Json& body) {
    if (!body.is_object()) return make_error(Errc::kInvalid, "the body must be a JSON object");
    for (const Field& field : kFields) {
        if (body.find(field.name) == nullptr) continue;
        TRY_OK(field.read(body, field.name, &terms));
    }
    return terms;
}

std::string_view unknown_key_field(const Json& body) {
    const codec::JsonObject* fields = body.get_object();
    if (fields == nullptr) return {};
    for (const auto& [name, value] : *fields) {
        const bool is_known = std::ranges::find(kFields, name, &Field::name) != kFields.end() ||
                              std::ranges::find(kOtherFields, name) != kOtherFields.end();
        if (!is_known) return name;
    }
    return {};
}

Result<KeyTerms> parse_key_terms(const Json& body) {
    if (!body.is_object()) return make_error(Errc::kInvalid, "the body must be a JSON object");
    const Json* cap = body.find("cap");
    if (cap == nullptr) return bad_field("cap", "a signed spending cap");
    KeyTerms terms;
    TRY(terms.cap, parse_signed_cap(*cap));
    return with_fields(std::move(terms), body);
}

Json to_json(const KeyTerms& terms) {
    codec::JsonArray budgets;
    for (const Budget& each : terms.budgets) {
        budgets.emplace_back(codec::JsonObject{{"window", to_string(each.window)}, {"usd", to_string(each.limit)}});
    }
    return codec::JsonObject{
        {"name", terms.name},
        {"cap", to_json(terms.cap)},
        {"budget", or_null(terms.budget)},
        {"budget_period_seconds", terms.budget_period_seconds},
        {"budgets", std::move(budgets)},
        {"soft_budget", or_null(terms.soft_budget)},
        {"requests_per_minute", terms.requests_per_minute},
        {"tokens_per_minute", terms.tokens_per_minute},
        {"parallel_max", terms.parallel_max},
        {"models", codec::JsonArray(terms.models.begin(), terms.models.end())},
        {"ip_allow", codec::JsonArray(terms.ip_allow.begin(), terms.ip_allow.end())},
        {"expires_at", terms.expires_at_unix_seconds},
        {"scopes", to_json(terms.scopes)},
    };
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

Json cap_message_json(const SpendingCap& cap) {
    return codec::JsonObject{
        {"client", crypto::to_checksum_address(cap.client)},
        {"scheduler", crypto::to_checksum_address(cap.scheduler)},
        {"limit", std::to_string(cap.limit.micro)},
        {"expiry", cap.expiry_unix_seconds},
        {"nonce", std::to_string(cap.nonce)},
    };
}

Result<SpendingCap> parse_cap_message(const Json& json) {
    SpendingCap cap;
    TRY(const std::string client, text_of(json, "client"));
    TRY(cap.client, crypto::parse_address(client));
    TRY(const std::string scheduler, text_of(json, "scheduler"));
    TRY(cap.scheduler, crypto::parse_address(scheduler));
    TRY(cap.limit.micro, number_of(json, "limit", 0));
    TRY(cap.expiry_unix_seconds, number_of(json, "expiry", 0));
    TRY(cap.nonce, number_of(json, "nonce", 0));
    return cap;
}

}  // namespace vcity::gateway
