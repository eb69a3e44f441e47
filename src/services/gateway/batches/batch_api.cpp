// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/batches/batch_api.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include <fmt/format.h>

#include "codec/hex.hpp"
#include "services/common/http_text.hpp"
#include "services/gateway/files/files_api.hpp"
#include "services/gateway/work/spec_reader.hpp"

namespace vcity::gateway {
namespace {

using codec::Json;
using spec::Member;

constexpr std::uint64_t kWindowSeconds = 24U * 3600U;
constexpr std::uint64_t kInputBytesMax = 200U << 20U;
constexpr std::size_t kListMax = 100;
constexpr std::array<std::string_view, 2> kEndpoints{"/v1/chat/completions", "/v1/completions"};
constexpr std::array<std::string_view, 1> kWindows{"24h"};

struct BatchOrder {
    std::string input_file;
    std::string endpoint;
    std::string window;
    Json metadata;
};

Refusal read_metadata(const Json& value, const std::string& path, BatchOrder* order) {
    constexpr std::size_t kPairsMax = 16;
    constexpr std::string_view kAllowed = "an object of at most 16 texts of 512 bytes, with names of 64 bytes";
    const codec::JsonObject* object = value.get_object();
    if (object == nullptr) return spec::refusal(ErrorCode::kInvalidType, path, value, kAllowed);
    const bool is_good = object->size() <= kPairsMax && std::ranges::all_of(*object, [](const auto& pair) {
                             return pair.first.size() <= 64 && pair.second.get_string() != nullptr &&
                                    pair.second.get_string()->size() <= 512;
                         });
    if (!is_good) return spec::refusal(ErrorCode::kInvalidValue, path, value, kAllowed);
    order->metadata = value;
    return std::nullopt;
}

constexpr std::array kOrder = {
    Member<BatchOrder>{"input_file_id",
                       [](const Json& value, const std::string& path, BatchOrder* order) {
                           return spec::read_text(value, path, 64, &order->input_file);
                       }},
    Member<BatchOrder>{"endpoint",
                       [](const Json& value, const std::string& path, BatchOrder* order) {
                           std::size_t choice = 0;
                           Refusal refused = spec::read_choice(value, path, kEndpoints, &choice);
                           if (!refused) order->endpoint = kEndpoints.at(choice);
                           return refused;
                       }},
    Member<BatchOrder>{"completion_window",
                       [](const Json& value, const std::string& path, BatchOrder* order) {
                           std::size_t choice = 0;
                           Refusal refused = spec::read_choice(value, path, kWindows, &choice);
                           if (!refused) order->window = kWindows.at(choice);
                           return refused;
                       }},
    Member<BatchOrder>{"metadata", read_metadata},
};

ApiError missing(const std::string& name) {
    return spec::refusal(ErrorCode::kMissingParameter, name, fmt::format("missing required parameter '{}'", name));
}

ApiError no_such_batch(const std::string& id) {
    return spec::refusal(ErrorCode::kJobNotFound, "batch_id",
                         fmt::format("no batch '{}' belongs to this client", id.substr(0, 64)));
}

}  // namespace

Task<BatchApi::Response> BatchApi::answer(Exchange* exchange, KeyRecord key) {
    if (!desk_->has_files()) {
        co_return spec::refusal(ErrorCode::kFilesUnavailable, "", "this gateway keeps no files, so it runs no batches");
    }
    const std::string_view path = services::path_of(exchange->request.target);
    const bool is_post = exchange->request.method == "POST";
    if (path == kBatchesPath) {
        if (!is_post) co_return list(*exchange, key);
        co_return co_await create(exchange, std::move(key));
    }
    std::string id = services::percent_decoded(path.substr(kBatchPath.size()));
    constexpr std::string_view kCancel = "/cancel";
    const bool is_cancel = id.ends_with(kCancel);
    if (is_cancel) id.resize(id.size() - kCancel.size());
    const BatchRecord* record = desk_->find(key.terms.cap.cap.client, id);
    if (record == nullptr) co_return no_such_batch(id);
    if (is_cancel != is_post) {
        co_return spec::refusal(ErrorCode::kMethodNotAllowed, "", "GET a batch, POST to its /cancel");
    }
    if (is_cancel) {
        co_return co_await cancel(std::move(key), std::move(id));
    }
    co_return services::json_response(to_json(*record));
}

ApiResult<BatchRecord> BatchApi::read(const Exchange& exchange, const KeyRecord& key) const {
    ApiResult<Json> body = parse_body(exchange.request.body, shared_->options->limits);
    if (!body) return std::move(body).error();
    BatchOrder order;
    if (Refusal refused = spec::read_members<BatchOrder>(*body, "", kOrder, &order)) return *std::move(refused);
    if (order.input_file.empty()) return missing("input_file_id");
    if (order.endpoint.empty()) return missing("endpoint");
    if (order.window.empty()) return missing("completion_window");
    const Address client = key.terms.cap.cap.client;
    const ApiResult<InputFile> file = shared_->files->resolve(client, order.input_file, "input_file_id");
    if (!file) return file.error();
    if (file->bytes > kInputBytesMax) {
        return spec::refusal(ErrorCode::kInvalidValue, "input_file_id",
                             fmt::format("the input file has {} bytes; a batch takes {}", file->bytes, kInputBytesMax));
    }
    BatchRecord record;
    FixedBytes<struct BatchIdTag, 12> random;
    shared_->runtime->random_bytes(random.bytes);
    record.id = "batch_" + codec::to_hex(random).substr(2);
    record.owner = key.digest;
    record.client = client;
    record.endpoint = std::move(order.endpoint);
    record.input_file = std::move(order.input_file);
    record.metadata = std::move(order.metadata);
    record.created_at = static_cast<std::uint64_t>(shared_->runtime->unix_now().count() / 1000);
    record.expires_at = record.created_at + kWindowSeconds;
    return record;
}

Task<BatchApi::Response> BatchApi::create(Exchange* exchange, KeyRecord key) {
    ApiResult<BatchRecord> record = read(*exchange, key);
    if (!record) co_return std::move(record).error();
    BatchRecord wanted = *std::move(record);
    const Result<BatchRecord> added = co_await desk_->add(std::move(wanted));
    if (added) co_return services::json_response(to_json(*added));
    const bool is_full = added.error().code == Errc::kExhausted;
    co_return spec::refusal(is_full ? ErrorCode::kGatewayOverloaded : ErrorCode::kInternalError, "",
                            is_full ? added.error().message : "the batch cannot be written down");
}

Task<BatchApi::Response> BatchApi::cancel(KeyRecord key, std::string id) {
    const Result<void> cancelled = co_await desk_->cancel(id);
    const BatchRecord* record = desk_->find(key.terms.cap.cap.client, id);
    if (record == nullptr) co_return no_such_batch(id);
    if (!cancelled) co_return spec::refusal(ErrorCode::kInternalError, "", "the batch cannot be written down");
    co_return services::json_response(to_json(*record));
}

BatchApi::Response BatchApi::list(const Exchange& exchange, const KeyRecord& key) const {
    const std::string after = services::percent_decoded(services::query_of(exchange.request.target, "after"));
    const std::string limit_text = services::percent_decoded(services::query_of(exchange.request.target, "limit"));
    std::size_t limit = 20;
    if (!limit_text.empty()) {
        const char* end = limit_text.data() + limit_text.size();
        const auto [stop, code] = std::from_chars(limit_text.data(), end, limit);
        if (code != std::errc{} || stop != end || limit < 1 || limit > kListMax) {
            return spec::refusal(ErrorCode::kInvalidValue, "limit", limit_text.substr(0, 64),
                                 "a whole number from 1 to 100");
        }
    }
    const std::vector<const BatchRecord*> records = desk_->of(key.terms.cap.cap.client);
    auto at = after.empty() ? records.begin() : std::ranges::find(records, after, &BatchRecord::id);
    if (!after.empty() && at == records.end()) return no_such_batch(after);
    if (!after.empty()) ++at;
    codec::JsonArray data;
    for (; at != records.end() && data.size() < limit; ++at) data.push_back(to_json(**at));
    const auto id_of = [](const Json& batch) { return *batch.find("id"); };
    return services::json_response(codec::JsonObject{{"object", "list"},
                                                     {"first_id", data.empty() ? Json{} : id_of(data.front())},
                                                     {"last_id", data.empty() ? Json{} : id_of(data.back())},
                                                     {"has_more", at != records.end()},
                                                     {"data", std::move(data)}});
}

}  // namespace vcity::gateway
