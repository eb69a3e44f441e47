// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/finetune/finetune_api.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

#include <fmt/format.h>

#include "services/common/http_text.hpp"
#include "services/gateway/files/files_api.hpp"
#include "services/gateway/finetune/finetune_json.hpp"
#include "services/gateway/finetune/finetune_names.hpp"
#include "services/gateway/work/spec_reader.hpp"
#include "services/gateway/work/work_json.hpp"

namespace vcity::gateway {
namespace {

constexpr std::size_t kBodyBytesMax = 64U << 10U;
constexpr std::size_t kOutputBytesMax = 8U << 20U;
constexpr std::size_t kListMax = 100;

std::string parameter(const Exchange& exchange, std::string_view name) {
    return services::percent_decoded(services::query_of(exchange.request.target, name));
}

ApiError no_such_job() {
    return spec::refusal(ErrorCode::kJobNotFound, "id", "no fine-tuning job of this id belongs to this key's client");
}

std::string work_target(const JobId& job_id, std::string_view rest) {
    return fmt::format("{}{}{}", kJobPath, make_work_id(job_id), rest);
}

bool has_ended(const codec::Json& object) {
    const codec::Json* status = object.find("status");
    if (status == nullptr || status->get_string() == nullptr) return false;
    const std::string& text = *status->get_string();
    return text == "succeeded" || text == "failed" || text == "cancelled";
}

std::string id_of(const codec::Json& object) {
    const codec::Json* id = object.find("id");
    return id == nullptr || id->get_string() == nullptr ? std::string{} : *id->get_string();
}

}  // namespace

Task<FinetuneApi::Response> FinetuneApi::answer(Exchange* exchange, KeyRecord key) {
    const std::string path{services::path_of(exchange->request.target)};
    const bool is_post = exchange->request.method == "POST";
    if (path == kFinetunesPath && is_post) {
        co_return co_await create(exchange, std::move(key));
    }
    if (path == kFinetunesPath) {
        co_return co_await list(exchange, std::move(key));
    }
    const std::string rest = path.substr(kFinetunePath.size());
    const std::size_t slash = rest.find('/');
    std::string part = slash == std::string::npos ? "" : rest.substr(slash + 1);
    const bool is_known = is_post ? part == "cancel" : part.empty() || part == "events" || part == "checkpoints";
    if (!is_known) {
        co_return spec::refusal(ErrorCode::kRouteNotFound, "",
                                "a fine-tuning job has GET /events and /checkpoints, and POST /cancel");
    }
    const std::optional<JobId> job_id = job_of_finetune(rest.substr(0, slash));
    const FinetuneRecord* found = job_id ? book_->find(key.terms.cap.cap.client, *job_id) : nullptr;
    if (found == nullptr) co_return no_such_job();
    FinetuneRecord record = *found;
    if (is_post) {
        co_return co_await cancel(exchange, std::move(key), std::move(record));
    }
    if (part.empty()) {
        co_return co_await show(exchange, std::move(key), std::move(record));
    }
    co_return co_await parts(exchange, std::move(key), std::move(record), std::move(part));
}

// --- asking for work

Task<FinetuneApi::Response> FinetuneApi::ask(
    Exchange* exchange, KeyRecord key, std::string method, std::string target, std::string body) {
    Exchange inner;
    inner.request_id = exchange->request_id;
    inner.started = exchange->started;
    inner.log = exchange->log;
    inner.request.method = std::move(method);
    inner.request.target = std::move(target);
    inner.request.body = std::move(body);
    inner.request.remote = exchange->request.remote;
    inner.request.headers.set("accept", "application/octet-stream");
    const std::string idempotency{exchange->request.headers.get("idempotency-key")};
    // A client that tunes and orders under the same name means two things.
    if (!idempotency.empty()) inner.request.headers.set("idempotency-key", "finetune " + idempotency);
    co_return co_await work_->answer(&inner, std::move(key));
}

Task<ApiResult<codec::Json>> FinetuneApi::ask_json(Exchange* exchange,
                                                   KeyRecord key,
                                                   std::string method,
                                                   std::string target) {
    std::string none;
    const Response answered =
        co_await ask(exchange, std::move(key), std::move(method), std::move(target), std::move(none));
    if (!answered) co_return answered.error();
    Result<codec::Json> json = codec::parse_json(answered->body);
    if (!json) co_return spec::refusal(ErrorCode::kInternalError, "", "the job's status cannot be read");
    co_return *std::move(json);
}

// All of it, to a bound; what has come by now if not all can be had.
Task<std::string> FinetuneApi::output_of(Exchange* exchange, KeyRecord key, JobId job_id) {
    std::string output;
    while (output.size() < kOutputBytesMax) {
        std::string target = work_target(job_id, fmt::format("/logs?step={}&offset={}", kFinetuneStep, output.size()));
        std::string method = "GET";
        std::string none;
        const Response part = co_await ask(exchange, key, std::move(method), std::move(target), std::move(none));
        if (!part || part->body.empty()) break;
        output += part->body;
        if (part->headers.get("x-end") == "true") break;
    }
    co_return output;
}

Task<ApiResult<FinetuneApi::View>> FinetuneApi::view(Exchange* exchange, KeyRecord key, FinetuneRecord record) {
    std::string method = "GET";
    std::string target = work_target(record.job_id, "");
    ApiResult<codec::Json> work = co_await ask_json(exchange, key, std::move(method), std::move(target));
    if (!work) co_return std::move(work).error();
    const std::string output = co_await output_of(exchange, std::move(key), record.job_id);
    View found;
    found.progress = parse_finetune_progress(output);
    found.work = *std::move(work);
    found.record = std::move(record);
    co_return found;
}

Task<ApiResult<codec::Json>> FinetuneApi::object_of(Exchange* exchange, KeyRecord key, FinetuneRecord record) {
    if (!record.ended.is_null()) co_return record.ended;
    const JobId job_id = record.job_id;
    const ApiResult<View> found = co_await view(exchange, key, std::move(record));
    if (!found) co_return found.error();
    codec::Json files;
    codec::Json object = finetune_json(found->record, found->work, found->progress, files);
    if (!has_ended(object)) co_return object;
    std::string method = "GET";
    std::string target = work_target(job_id, "/files");
    const ApiResult<codec::Json> listed = co_await ask_json(exchange, key, std::move(method), std::move(target));
    if (listed) files = *listed;
    object = finetune_json(found->record, found->work, found->progress, files);
    book_->set_ended(job_id, object);
    co_return object;
}

// --- requests

ApiResult<FinetuneRecord> FinetuneApi::read_request(const Exchange& exchange, const KeyRecord& key) const {
    const std::string_view type = exchange.request.headers.get("content-type");
    if (!type.empty() && type.find("json") == std::string_view::npos) {
        return spec::refusal(ErrorCode::kUnsupportedMediaType, "", "the body must be application/json");
    }
    RequestLimits limits = shared_->options->limits;
    limits.body_bytes_max = kBodyBytesMax;
    ApiResult<codec::Json> body = parse_body(exchange.request.body, limits);
    if (!body) return std::move(body).error();
    ApiResult<FinetuneRequest> request = parse_finetune_request(*body);
    if (!request) return std::move(request).error();
    const SpendingCap& cap = key.terms.cap.cap;
    for (const auto& [id, name] : {std::pair{&request->training_file, "training_file"},
                                   std::pair{&request->validation_file, "validation_file"}}) {
        if (id->empty()) continue;
        const ApiResult<InputFile> file = shared_->files->resolve(cap.client, *id, name);
        if (!file) return file.error();
        if (file->bytes == 0) return spec::refusal(ErrorCode::kInvalidValue, name, fmt::format("'{}' is empty", name));
    }
    FinetuneRecord record;
    record.client = cap.client;
    record.created_unix_seconds = shared_->runtime->unix_now().count() / 1000;
    record.body = *std::move(body);
    record.request = *std::move(request);
    if (record.request.budget.micro == 0) {
        record.request.budget = std::min(shared_->options->finetune_budget, cap.limit);
    }
    return record;
}

Task<FinetuneApi::Response> FinetuneApi::create(Exchange* exchange, KeyRecord key) {
    ApiResult<FinetuneRecord> record = read_request(*exchange, key);
    if (!record) co_return std::move(record).error();
    std::string body = codec::dump_json(finetune_order(record->request));
    std::string method = "POST";
    std::string target{kJobsPath};
    Response ordered = co_await ask(exchange, key, std::move(method), std::move(target), std::move(body));
    if (!ordered) co_return std::move(ordered).error();
    const Result<codec::Json> work = codec::parse_json(ordered->body);
    const std::optional<JobId> job_id = work ? job_of_work(id_of(*work)) : std::nullopt;
    if (!job_id) co_return spec::refusal(ErrorCode::kInternalError, "", "the order has no id");
    record->job_id = *job_id;
    exchange->headers.set("x-job-id", make_work_id(*job_id));
    const Address client = record->client;
    book_->add(*std::move(record));
    // That of the first request, when this is the same again.
    const FinetuneRecord* kept = book_->find(client, *job_id);
    if (kept == nullptr) co_return no_such_job();
    co_return services::json_response(finetune_json(*kept, *work, {}, {}));
}

Task<FinetuneApi::Response> FinetuneApi::show(Exchange* exchange, KeyRecord key, FinetuneRecord record) {
    const ApiResult<codec::Json> object = co_await object_of(exchange, std::move(key), std::move(record));
    if (!object) co_return object.error();
    co_return services::json_response(*object);
}

Task<FinetuneApi::Response> FinetuneApi::cancel(Exchange* exchange, KeyRecord key, FinetuneRecord record) {
    if (!record.ended.is_null()) co_return services::json_response(record.ended);
    std::string method = "DELETE";
    std::string target = work_target(record.job_id, "");
    const ApiResult<codec::Json> work = co_await ask_json(exchange, key, std::move(method), std::move(target));
    if (!work) co_return work.error();
    co_return co_await show(exchange, std::move(key), std::move(record));
}

Task<FinetuneApi::Response> FinetuneApi::parts(Exchange* exchange,
                                               KeyRecord key,
                                               FinetuneRecord record,
                                               std::string part) {
    const ApiResult<Page> page = page_of(*exchange);
    if (!page) co_return page.error();
    const ApiResult<View> found = co_await view(exchange, std::move(key), std::move(record));
    if (!found) co_return found.error();
    codec::JsonArray all = part == "events" ? event_list(found->record, found->work, found->progress)
                                            : checkpoint_list(found->record, found->work, found->progress);
    std::ranges::reverse(all);
    co_return paged(std::move(all), *page);
}

// Those that have not ended are asked for, one by one: at most a page of them.
Task<FinetuneApi::Response> FinetuneApi::list(Exchange* exchange, KeyRecord key) {
    const ApiResult<Page> page = page_of(*exchange);
    if (!page) co_return page.error();
    std::vector<const FinetuneRecord*> mine = book_->of(key.terms.cap.cap.client);
    if (!page->after.empty()) {
        const auto is_after = [&](const FinetuneRecord* record) {
            return make_finetune_id(record->job_id) == page->after;
        };
        const auto at = std::ranges::find_if(mine, is_after);
        if (at == mine.end()) co_return no_such_job();
        mine.erase(mine.begin(), at + 1);
    }
    std::vector<FinetuneRecord> shown;
    for (const FinetuneRecord* record : mine) {
        if (shown.size() < page->limit) shown.push_back(*record);
    }
    const bool has_more = mine.size() > shown.size();
    codec::JsonArray data;
    for (const FinetuneRecord& record : shown) {
        ApiResult<codec::Json> object = co_await object_of(exchange, key, record);
        data.push_back(object ? *std::move(object) : finetune_json(record, {}, {}, {}));
    }
    co_return services::json_response(
        codec::JsonObject{{"object", "list"}, {"data", std::move(data)}, {"has_more", has_more}});
}

ApiResult<FinetuneApi::Page> FinetuneApi::page_of(const Exchange& exchange) {
    Page page;
    page.after = parameter(exchange, "after");
    const std::string limit = parameter(exchange, "limit");
    if (limit.empty()) return page;
    const char* end = limit.data() + limit.size();
    const auto [stop, code] = std::from_chars(limit.data(), end, page.limit);
    const bool is_good = code == std::errc{} && stop == end && page.limit >= 1 && page.limit <= kListMax;
    if (is_good) return page;
    return spec::refusal(ErrorCode::kInvalidValue, "limit", limit.substr(0, 64), "a whole number from 1 to 100");
}

FinetuneApi::Response FinetuneApi::paged(codec::JsonArray all, const Page& page) {
    auto at = all.begin();
    if (!page.after.empty()) {
        at = std::ranges::find_if(all, [&](const codec::Json& one) { return id_of(one) == page.after; });
        if (at == all.end()) {
            return spec::refusal(ErrorCode::kInvalidValue, "after", page.after.substr(0, 64), "an id of this list");
        }
        ++at;
    }
    codec::JsonArray data;
    for (; at != all.end() && data.size() < page.limit; ++at) data.push_back(*at);
    return services::json_response(
        codec::JsonObject{{"object", "list"}, {"data", std::move(data)}, {"has_more", at != all.end()}});
}

}  // namespace vcity::gateway
