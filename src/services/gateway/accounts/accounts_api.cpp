// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/accounts/accounts_api.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "codec/hex.hpp"
#include "codec/integer.hpp"
#include "codec/url.hpp"
#include "crypto/secp256k1.hpp"
#include "market/typed_hashes.hpp"
#include "services/common/http_text.hpp"
#include "services/gateway/accounts/siwe_message.hpp"

namespace vcity::gateway {
namespace {

using codec::Json;

constexpr std::uint64_t kNonceSeconds = 300;
constexpr std::size_t kSpentNoncesMax = 100'000;
constexpr std::uint64_t kSignInsPerMinute = 600;  // of one address
constexpr std::uint64_t kDaySeconds = 86'400;
constexpr std::uint64_t kCapDaysMax = 365;  // the Escrow contract takes 366
constexpr std::uint64_t kCapDaysSuggested = 30;
constexpr std::uint64_t kPageDefault = 100;
constexpr std::uint64_t kPageMax = 200;
constexpr std::string_view kStatement = "Sign in to Vcity. This costs nothing and moves no money.";

ApiError api_error(ErrorCode code, std::string message, std::string param = {}) {
    ApiError error;
    error.code = code;
    error.message = std::move(message);
    error.param = std::move(param);
    return error;
}

ApiError refused_sign_in(std::string message) {
    return api_error(ErrorCode::kSignInRefused, std::move(message));
}

ApiError to_api_error(const Error& error) {
    switch (error.code) {
        case Errc::kInvalid:
        case Errc::kDenied: return api_error(ErrorCode::kInvalidValue, error.message);
        case Errc::kExhausted: return api_error(ErrorCode::kKeyQuotaExceeded, error.message);
        case Errc::kNotFound: return api_error(ErrorCode::kApiKeyNotFound, error.message);
        case Errc::kConflict:
        case Errc::kUnavailable:
        case Errc::kTimeout:
        case Errc::kCorrupt:
        case Errc::kInternal: return api_error(ErrorCode::kInternalError, error.message);
    }
    return api_error(ErrorCode::kInternalError, error.message);
}

std::string domain_of(const std::string& public_url) {
    const Result<codec::Url> url = codec::parse_url(public_url);
    return url ? url->authority() : std::string{};
}

// Some hardware wallets write 0 and 1 where Ethereum has 27 and 28.
Result<Signature> parse_signature(const std::string& text) {
    TRY(Signature signature, codec::parse_fixed<Signature>(text));
    std::uint8_t& v = signature.bytes.back();
    if (v < 2) v = static_cast<std::uint8_t>(v + 27);
    return signature;
}

const std::string* text_in(const Json& body, std::string_view name) {
    const Json* value = body.find(name);
    return value == nullptr ? nullptr : value->get_string();
}

Json field_type(std::string_view name, std::string_view type) {
    return codec::JsonObject{{"name", name}, {"type", type}};
}

ports::HttpResponse fresh_json(Json json, unsigned status) {
    ports::HttpResponse response = services::json_response(json);
    response.status = status;
    response.headers.set("cache-control", "no-store");
    return response;
}

Refusal check_fields(const Json& body) {
    const std::string_view unknown = unknown_key_field(body);
    if (unknown.empty()) return std::nullopt;
    const std::string name{unknown.substr(0, 64)};
    return api_error(ErrorCode::kUnknownParameter, "a key has no field '" + name + "'", name);
}

// Keys that share a cap, together.
struct CapUse {
    SpendingCap cap;
    Usd spent;
    std::uint64_t keys = 0;
};

std::vector<CapUse> caps_of(const std::vector<KeyRecord>& keys) {
    std::vector<CapUse> caps;
    for (const KeyRecord& key : keys) {
        auto found = std::ranges::find(caps, key.terms.cap.cap, &CapUse::cap);
        if (found == caps.end()) found = caps.insert(caps.end(), {.cap = key.terms.cap.cap, .spent = {}, .keys = 0});
        const Result<Usd> spent = add(found->spent, key.spending.total);
        found->spent = spent ? *spent : Usd{UINT64_MAX};
        ++found->keys;
    }
    return caps;
}

}  // namespace

AccountsApi::AccountsApi(const Deps& deps)
    : shared_{deps.shared},
      sessions_{deps.sessions},
      nonces_{deps.nonce_secret, kNonceSeconds, kSpentNoncesMax},
      explorer_{deps.shared->runtime, deps.http, deps.shared->options->platform.explorer},
      domain_{domain_of(deps.shared->options->public_url)} {}

std::uint64_t AccountsApi::now_seconds() const {
    return shared_->runtime->unix_now().count() / 1000;
}

Task<AccountsApi::Response> AccountsApi::answer(Exchange* exchange, Caller caller) {
    const std::string path{services::path_of(exchange->request.target)};
    if (path == "/api/v1/account") {
        co_return co_await account(std::move(caller));
    }
    if (path == "/api/v1/cap/terms") co_return cap_terms(*exchange, caller);
    if (path == "/api/v1/siwe/sessions/current") {
        co_return co_await sign_out(std::move(caller));
    }
    if (path.starts_with(kKeyPath)) {
        co_return co_await one_key(exchange, std::move(caller));
    }
    if (exchange->request.method == "GET") co_return list_keys(*exchange, caller);
    co_return co_await create_key(exchange, std::move(caller));
}

// --- signing in

Task<AccountsApi::Response> AccountsApi::sign_in(Exchange* exchange) {
    if (domain_.empty()) {
        co_return api_error(ErrorCode::kSignInUnavailable, "this gateway was not told its public address");
    }
    const std::string host{services::host_of(exchange->request.remote)};
    const RateDecision rate = rates_.take(host, kSignInsPerMinute, shared_->runtime->now());
    if (!rate.allowed) {
        ApiError error = api_error(ErrorCode::kAuthFailureLimitExceeded, "too many sign-ins from this address");
        error.retry_after = rate.retry_after;
        co_return error;
    }
    if (exchange->request.method == "GET") co_return nonce();
    co_return co_await open_session(exchange);
}

AccountsApi::Response AccountsApi::nonce() {
    const std::uint64_t now = now_seconds();
    return fresh_json(codec::JsonObject{{"nonce", nonces_.issue(now, shared_->runtime->random_u64())},
                                        {"expires_at", now + kNonceSeconds},
                                        {"domain", domain_},
                                        {"uri", shared_->options->public_url},
                                        {"chain_id", shared_->deployment->chain_id},
                                        {"statement", kStatement}},
                      200);
}

ApiResult<Address> AccountsApi::check_message(const std::string& message, const std::string& signature) {
    const Result<SiweMessage> parsed = parse_siwe_message(message);
    if (!parsed) return refused_sign_in(parsed.error().message);
    const std::string& ours = shared_->options->public_url;
    if (parsed->domain != domain_) {
        return refused_sign_in("the message is for " + parsed->domain.substr(0, 128) + ", not for " + domain_);
    }
    if (!parsed->scheme.empty() && !ours.starts_with(parsed->scheme + "://")) {
        return refused_sign_in("the message is for another scheme than " + ours);
    }
    if (parsed->uri != ours && !parsed->uri.starts_with(ours + "/")) {
        return refused_sign_in("the message's URI is not of " + ours);
    }
    if (parsed->chain_id != shared_->deployment->chain_id) {
        return refused_sign_in("the message is for chain " + std::to_string(parsed->chain_id) + ", not for " +
                               std::to_string(shared_->deployment->chain_id));
    }
    const std::uint64_t now = now_seconds();
    if (parsed->expires_at_unix_seconds.value_or(UINT64_MAX) <= now) return refused_sign_in("the message has expired");
    if (parsed->not_before_unix_seconds.value_or(0) > now) return refused_sign_in("the message is not valid yet");
    const Result<Signature> bytes = parse_signature(signature);
    if (!bytes) return refused_sign_in("the signature must be 65 bytes in hexadecimal digits");
    const Result<Address> signer = crypto::recover(personal_message_hash(message), *bytes);
    if (!signer || *signer != parsed->address) return refused_sign_in("the message is not signed by its address");
    if (!nonces_.spend(parsed->nonce, now)) {
        return refused_sign_in("the nonce is unknown, was used before, or is older than five minutes");
    }
    return parsed->address;
}

Task<AccountsApi::Response> AccountsApi::open_session(Exchange* exchange) {
    const ApiResult<Json> body = read_body(*exchange);
    if (!body) co_return body.error();
    const std::string* message = text_in(*body, "message");
    const std::string* signature = text_in(*body, "signature");
    if (message == nullptr) co_return api_error(ErrorCode::kMissingParameter, "'message' must be a text", "message");
    if (signature == nullptr) {
        co_return api_error(ErrorCode::kMissingParameter, "'signature' must be a text", "signature");
    }
    const ApiResult<Address> account = check_message(*message, *signature);
    if (!account) co_return account.error();
    const Result<NewSession> opened = co_await sessions_->open(*account);
    if (!opened) co_return to_api_error(opened.error());
    shared_->log.info("signed_in", {{"account", codec::to_hex(*account)}});
    co_return fresh_json(codec::JsonObject{{"object", "session"},
                                           {"token", opened->token},
                                           {"address", crypto::to_checksum_address(*account)},
                                           {"expires_at", opened->session.expires_unix_seconds}},
                         201);
}

Task<AccountsApi::Response> AccountsApi::sign_out(Caller caller) {
    const Result<void> closed = co_await sessions_->close(caller.session);
    if (!closed) co_return to_api_error(closed.error());
    co_return services::json_response(codec::JsonObject{{"object", "session"}, {"deleted", true}});
}

// --- the account

// What the Escrow contract holds for the account, as the indexer saw it; null when nobody can tell.
Task<Json> AccountsApi::balance(Address account) {
    if (!explorer_.is_there()) co_return Json{};
    const ApiResult<Json> seen = co_await explorer_.read("/api/v1/accounts/" + codec::to_hex(account));
    const bool is_unknown = !seen && seen.error().code == ErrorCode::kRecordNotFound;
    if (!seen && !is_unknown) co_return Json{};
    Json balance = codec::JsonObject{};
    for (const char* name : {"available", "locked", "deposited", "charged", "credited", "withdrawn"}) {
        std::uint64_t micro = 0;
        const Json* value = seen ? seen->find(name) : nullptr;
        if (value != nullptr && !value->get_u64(&micro)) co_return Json{};
        balance.set(name, to_string(Usd{micro}));
    }
    co_return balance;
}

Task<AccountsApi::Response> AccountsApi::account(Caller caller) {
    Json held = co_await balance(caller.account);
    const std::vector<KeyRecord> keys = shared_->keys->of(caller.account);
    Spending spending;
    for (const KeyRecord& key : keys) spending.add_all(key.spending);
    codec::JsonArray caps;
    for (const CapUse& use : caps_of(keys)) {
        caps.emplace_back(codec::JsonObject{{"id", codec::to_hex(market::cap_id(use.cap))},
                                            {"scheduler", codec::to_hex(use.cap.scheduler)},
                                            {"limit", to_string(use.cap.limit)},
                                            {"expiry", use.cap.expiry_unix_seconds},
                                            {"spent", to_string(use.spent)},
                                            {"keys", use.keys}});
    }
    const bool is_linked = shared_->link->is_connected();
    codec::JsonArray schedulers;
    for (const Address& known : shared_->schedulers->known()) schedulers.emplace_back(codec::to_hex(known));
    co_return services::json_response(codec::JsonObject{
        {"object", "account"},
        {"address", crypto::to_checksum_address(caller.account)},
        {"chain_id", shared_->deployment->chain_id},
        {"scheduler", is_linked ? Json{codec::to_hex(shared_->link->scheduler())} : Json{}},
        {"schedulers", std::move(schedulers)},
        {"balance", std::move(held)},
        {"reserved", to_string(shared_->keys->reserved_by(caller.account))},
        {"spending", windows_json(spending)},
        {"caps", std::move(caps)},
        {"keys", static_cast<std::uint64_t>(keys.size())},
    });
}

// Of the scheduler that is asked for, else of the first.
ApiResult<Address> AccountsApi::scheduler_of_cap(const Exchange& exchange) const {
    const std::string wanted = services::percent_decoded(services::query_of(exchange.request.target, "scheduler"));
    SchedulerLink* link = shared_->link;
    if (!wanted.empty()) {
        const Result<Address> address = crypto::parse_address(wanted);
        link = address ? shared_->schedulers->find(*address) : nullptr;
        if (link == nullptr) {
            return api_error(ErrorCode::kInvalidValue,
                             "'scheduler' must be one of this gateway's, as GET /v1/account lists them", "scheduler");
        }
    }
    if (link->is_connected()) return link->scheduler();
    ApiError error = api_error(ErrorCode::kSchedulerUnavailable, "no connection to the scheduler");
    error.retry_after = std::chrono::seconds{1};
    return error;
}

AccountsApi::Response AccountsApi::cap_terms(const Exchange& exchange, const Caller& caller) const {
    const ApiResult<Address> scheduler = scheduler_of_cap(exchange);
    if (!scheduler) return scheduler.error();
    const crypto::Eip712Domain domain = market::escrow_domain(*shared_->deployment);
    const std::uint64_t now = now_seconds();
    // Below 2^53, so that no JavaScript number can spoil it.
    const std::uint64_t nonce = shared_->runtime->random_u64() >> 11U;
    return fresh_json(
        codec::JsonObject{
            {"domain",
             codec::JsonObject{{"name", domain.name},
                               {"version", domain.version},
                               {"chainId", domain.chain_id},
                               {"verifyingContract", crypto::to_checksum_address(domain.verifying_contract)}}},
            {"types",
             codec::JsonObject{
                 {"SpendingCap", codec::JsonArray{field_type("client", "address"), field_type("scheduler", "address"),
                                                  field_type("limit", "uint128"), field_type("expiry", "uint64"),
                                                  field_type("nonce", "uint256")}}}},
            {"primaryType", "SpendingCap"},
            {"message", codec::JsonObject{{"client", crypto::to_checksum_address(caller.account)},
                                          {"scheduler", crypto::to_checksum_address(*scheduler)},
                                          {"nonce", std::to_string(nonce)}}},
            {"expiry_max", now + kCapDaysMax * kDaySeconds},
            {"expiry_suggested", now + kCapDaysSuggested * kDaySeconds},
        },
        200);
}

// --- keys

ApiResult<Json> AccountsApi::read_body(const Exchange& exchange) const {
    const std::string_view type = exchange.request.headers.get("content-type");
    if (!type.empty() && type.find("json") == std::string_view::npos) {
        return api_error(ErrorCode::kUnsupportedMediaType, "the body must be application/json");
    }
    return parse_body(exchange.request.body, shared_->options->limits);
}

AccountsApi::Response AccountsApi::list_keys(const Exchange& exchange, const Caller& caller) const {
    const std::string cursor = services::percent_decoded(services::query_of(exchange.request.target, "cursor"));
    const std::string limit_text{services::query_of(exchange.request.target, "limit")};
    std::uint64_t limit = kPageDefault;
    if (!limit_text.empty()) {
        const Result<std::uint64_t> number = codec::parse_decimal(limit_text);
        if (!number || *number < 1 || *number > kPageMax) {
            return api_error(ErrorCode::kInvalidValue, "'limit' must be a whole number from 1 to 200", "limit");
        }
        limit = *number;
    }
    codec::JsonArray data;
    std::string last;
    Json next;
    for (const KeyRecord& key : shared_->keys->of(caller.account)) {
        // Keys come in the order of these texts, so that a page goes on where the one before ended, even when the key
        // there is gone.
        const std::string place = fmt::format("{:016x}{}", key.created_at_unix_seconds, key.id());
        if (place <= cursor) continue;
        if (data.size() == limit) {
            next = last;
            break;
        }
        data.push_back(to_public_json(key));
        last = place;
    }
    return services::json_response(
        codec::JsonObject{{"object", "list"}, {"data", std::move(data)}, {"next_cursor", std::move(next)}});
}

// Either a cap with its signature, or the id of one that a key of this account has already.
ApiResult<SignedCap> AccountsApi::read_cap(const Json& body, const Address& account) const {
    const Json* message = body.find("cap");
    if (message == nullptr) {
        const std::string* id = text_in(body, "cap_id");
        if (id == nullptr) {
            return api_error(ErrorCode::kMissingParameter, "'cap' and 'cap_signature', or 'cap_id', must be there",
                             "cap");
        }
        for (const KeyRecord& key : shared_->keys->of(account)) {
            if (codec::to_hex(market::cap_id(key.terms.cap.cap)) == *id) return key.terms.cap;
        }
        return api_error(ErrorCode::kInvalidValue, "no key of this account has a cap of this id", "cap_id");
    }
    const Result<SpendingCap> cap = parse_cap_message(*message);
    if (!cap) return api_error(ErrorCode::kInvalidValue, cap.error().message, "cap");
    const std::string* signature = text_in(body, "cap_signature");
    const Result<Signature> bytes =
        signature == nullptr ? Result<Signature>{make_error(Errc::kInvalid, "")} : parse_signature(*signature);
    if (!bytes) {
        return api_error(ErrorCode::kInvalidValue, "'cap_signature' must be 65 bytes in hexadecimal digits",
                         "cap_signature");
    }
    if (cap->client != account) {
        return api_error(ErrorCode::kInvalidValue, "the cap is of another account than the one that asks", "cap");
    }
    return SignedCap{.cap = *cap, .signature = *bytes};
}

Task<AccountsApi::Response> AccountsApi::create_key(Exchange* exchange, Caller caller) {
    const ApiResult<Json> body = read_body(*exchange);
    if (!body) co_return body.error();
    if (const Refusal unknown = check_fields(*body)) co_return *unknown;
    ApiResult<SignedCap> cap = read_cap(*body, caller.account);
    if (!cap) co_return std::move(cap).error();
    KeyTerms terms;
    terms.cap = *std::move(cap);
    Result<KeyTerms> full = with_fields(std::move(terms), *body);
    if (!full) co_return to_api_error(full.error());
    const Result<NewKey> created = co_await shared_->keys->create(*std::move(full));
    if (!created) co_return to_api_error(created.error());
    shared_->log.info("api_key_created", {{"id", created->record.id()}, {"account", codec::to_hex(caller.account)}});
    Json json = to_public_json(created->record);
    json.set("key", created->key);
    co_return fresh_json(std::move(json), 201);
}

Task<AccountsApi::Response> AccountsApi::one_key(Exchange* exchange, Caller caller) {
    const std::string id{services::path_of(exchange->request.target).substr(kKeyPath.size())};
    std::optional<KeyRecord> key = shared_->keys->find_id(caller.account, id);
    if (!key) co_return api_error(ErrorCode::kApiKeyNotFound, "no key of this account has this id", "id");
    if (exchange->request.method == "GET") co_return services::json_response(to_public_json(*key));
    if (exchange->request.method == "PATCH") {
        co_return co_await change_key(exchange, *std::move(key));
    }
    const Result<void> revoked = co_await shared_->keys->revoke(id);
    if (!revoked) co_return to_api_error(revoked.error());
    shared_->log.info("api_key_revoked", {{"id", id}});
    co_return services::json_response(codec::JsonObject{{"object", "key"}, {"id", id}, {"deleted", true}});
}

Task<AccountsApi::Response> AccountsApi::change_key(Exchange* exchange, KeyRecord key) {
    const ApiResult<Json> body = read_body(*exchange);
    if (!body) co_return body.error();
    if (const Refusal unknown = check_fields(*body)) co_return *unknown;
    for (const char* name : {"cap", "cap_signature", "cap_id"}) {
        if (body->find(name) != nullptr) {
            co_return api_error(ErrorCode::kInvalidValue, "a key keeps its cap; make another key", name);
        }
    }
    const Json* enabled = body->find("enabled");
    if (enabled != nullptr && enabled->get_bool() == nullptr) {
        co_return api_error(ErrorCode::kInvalidType, "'enabled' must be true or false", "enabled");
    }
    const std::string id = key.id();
    const bool is_on = enabled != nullptr ? *enabled->get_bool() : key.enabled;
    Result<KeyTerms> terms = with_fields(std::move(key.terms), *body);
    if (!terms) co_return to_api_error(terms.error());
    const Result<KeyRecord> changed = co_await shared_->keys->change(id, *std::move(terms), is_on);
    if (!changed) co_return to_api_error(changed.error());
    shared_->log.info("api_key_changed", {{"id", id}});
    co_return services::json_response(to_public_json(*changed));
}

}  // namespace vcity::gateway
