// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/state/idempotency.hpp"

#include <algorithm>
#include <tuple>
#include <vector>

#include "codec/hex.hpp"
#include "codec/json.hpp"

namespace vcity::gateway {
namespace {

constexpr std::string_view kPrefix = "gateway/idempotency/";
constexpr std::uint64_t kLifetimeSeconds = 86'400;
constexpr std::size_t kScanPage = 64;
// Larger answers are not repeated: the request counts as ended.
constexpr std::size_t kAnswerBytesMax = 1U << 20U;

std::string store_key(const Hash& name) {
    return std::string{kPrefix} + codec::to_hex(name).substr(2);
}

ApiError refusal(ErrorCode code, std::string message) {
    ApiError error;
    error.code = code;
    error.param = "Idempotency-Key";
    error.message = std::move(message);
    return error;
}

codec::Json response_json(const ports::HttpResponse& response) {
    codec::JsonArray headers;
    for (const auto& [name, value] : response.headers.fields) {
        headers.emplace_back(codec::JsonArray{name, value});
    }
    return codec::JsonObject{{"status", response.status}, {"headers", std::move(headers)}, {"body", response.body}};
}

Result<ports::HttpResponse> parse_response(const codec::Json& json) {
    ports::HttpResponse response;
    const codec::Json* body = json.find("body");
    const codec::Json* headers = json.find("headers");
    if (body == nullptr || !body->is_string() || headers == nullptr || !headers->is_array()) {
        return make_error(Errc::kCorrupt, "stored answer lacks its parts");
    }
    response.body = *body->get_string();
    for (const codec::Json& header : *headers->get_array()) {
        const codec::JsonArray* pair = header.get_array();
        if (pair == nullptr || pair->size() != 2 || !(*pair)[0].is_string() || !(*pair)[1].is_string()) continue;
        response.headers.set(*(*pair)[0].get_string(), *(*pair)[1].get_string());
    }
    response.headers.set("idempotent-replayed", "true");
    return response;
}

}  // namespace

std::uint64_t IdempotencyBook::now_seconds() const {
    return runtime_->unix_now().count() / 1000;
}

Result<void> IdempotencyBook::adopt(const ports::StoreEntry& entry) {
    TRY(const codec::Json json, codec::parse_json(as_text(entry.value)));
    TRY(const Hash name, codec::parse_fixed<Hash>("0x" + entry.key.substr(kPrefix.size())));
    const codec::Json* fingerprint = json.find("fingerprint");
    const codec::Json* expires = json.find("expires_at");
    Record record;
    if (fingerprint == nullptr || !fingerprint->is_string() || expires == nullptr ||
        !expires->get_u64(&record.expires_at_unix_seconds)) {
        return make_error(Errc::kCorrupt, "idempotency record lacks its parts");
    }
    TRY(record.fingerprint, codec::parse_fixed<Hash>(*fingerprint->get_string()));
    record.state = json.find("response") == nullptr ? State::kEnded : State::kAnswered;
    records_[name] = record;
    return Result<void>{};
}

Task<Result<void>> IdempotencyBook::load() {
    const std::string prefix{kPrefix};
    std::string after;
    while (true) {
        CO_TRY(const std::vector<ports::StoreEntry> page, co_await store_->scan(prefix, after, kScanPage));
        for (const ports::StoreEntry& entry : page) {
            // A record that does not parse protects nobody.
            if (!adopt(entry)) to_delete_.push_back(entry.key);
        }
        if (page.size() < kScanPage) break;
        after = page.back().key;
    }
    for (const auto& [name, record] : records_) order_.push_back(name);
    std::ranges::sort(order_, [this](const Hash& a, const Hash& b) {
        return std::tie(records_.at(a).expires_at_unix_seconds, a) <
               std::tie(records_.at(b).expires_at_unix_seconds, b);
    });
    co_return Result<void>{};
}

void IdempotencyBook::drop_old() {
    while (!order_.empty()) {
        const auto found = records_.find(order_.front());
        if (found != records_.end()) {
            const bool is_expired = found->second.expires_at_unix_seconds <= now_seconds();
            const bool is_surplus = records_.size() >= records_max_;
            if (found->second.state == State::kRunning || (!is_expired && !is_surplus)) return;
            to_delete_.push_back(store_key(found->first));
            records_.erase(found);
        }
        order_.pop_front();
    }
}

Task<Result<void>> IdempotencyBook::persist(Hash name, Record record, std::string response) {
    codec::Json json = codec::JsonObject{
        {"fingerprint", codec::to_hex(record.fingerprint)},
        {"expires_at", record.expires_at_unix_seconds},
    };
    if (!response.empty()) json.set("response", std::move(response));
    const std::string text = codec::dump_json(json);
    ports::StoreChange change;
    change.puts.push_back({store_key(name), Bytes(text.begin(), text.end())});
    change.deletes = std::exchange(to_delete_, {});
    co_return co_await store_->commit(std::move(change));
}

Task<IdempotencyBook::Decision> IdempotencyBook::answer_again(Hash name) {
    const Result<std::optional<Bytes>> stored = co_await store_->get(store_key(name));
    ApiError ended =
        refusal(ErrorCode::kIdempotencyJobEnded, "the first request with this key ended; its answer is gone");
    if (!stored) co_return ended;
    const std::optional<Bytes>& found = *stored;
    if (!found) co_return ended;
    const Result<codec::Json> json = codec::parse_json(as_text(*found));
    const codec::Json* text = json ? json->find("response") : nullptr;
    if (text == nullptr || !text->is_string()) co_return ended;
    const Result<codec::Json> response = codec::parse_json(*text->get_string());
    if (!response) co_return ended;
    Result<ports::HttpResponse> parsed = parse_response(*response);
    if (!parsed) co_return ended;
    co_return *std::move(parsed);
}

Task<IdempotencyBook::Decision> IdempotencyBook::begin(Hash name, Hash fingerprint) {
    drop_old();
    const auto found = records_.find(name);
    if (found != records_.end()) {
        const Record& record = found->second;
        if (record.fingerprint != fingerprint) {
            co_return refusal(ErrorCode::kIdempotencyMismatch, "this key was used with another request body");
        }
        if (record.state == State::kAnswered) {
            co_return co_await answer_again(name);
        }
        if (record.state == State::kEnded) {
            co_return refusal(ErrorCode::kIdempotencyJobEnded,
                              "the first request with this key ended without an answer that can be repeated");
        }
        ApiError error = refusal(ErrorCode::kIdempotencyInProgress, "the first request with this key is still running");
        error.retry_after = std::chrono::seconds{2};
        co_return error;
    }
    if (records_.size() >= records_max_) {
        ApiError error = refusal(ErrorCode::kGatewayOverloaded, "too many idempotent requests are running");
        error.retry_after = std::chrono::seconds{2};
        co_return error;
    }
    const Record record{.fingerprint = fingerprint,
                        .state = State::kRunning,
                        .expires_at_unix_seconds = now_seconds() + kLifetimeSeconds};
    records_[name] = record;
    order_.push_back(name);
    const Result<void> written = co_await persist(name, record, std::string());
    if (!written) {
        records_.erase(name);
        co_return refusal(ErrorCode::kInternalError, "the idempotency record could not be stored");
    }
    co_return Fresh{};
}

Task<void> IdempotencyBook::finish(Hash name, IdempotentOutcome outcome) {
    if (std::holds_alternative<NothingDelivered>(outcome)) {
        records_.erase(name);
        ports::StoreChange change;
        change.deletes.push_back(store_key(name));
        // Should this fail, the key stays used after a restart: the safe side.
        (void)co_await store_->commit(std::move(change));
        co_return;
    }
    Record& record = records_.at(name);
    record.state = State::kEnded;
    const auto* answer = std::get_if<ports::HttpResponse>(&outcome);
    if (answer == nullptr || answer->body.size() > kAnswerBytesMax) co_return;
    const Record copy = record;
    const Result<void> written = co_await persist(name, copy, codec::dump_json(response_json(*answer)));
    if (written) records_.at(name).state = State::kAnswered;
}

}  // namespace vcity::gateway
