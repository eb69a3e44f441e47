// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/media/media_api.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "codec/base64.hpp"
#include "codec/hex.hpp"
#include "crypto/sha256.hpp"
#include "services/common/http_text.hpp"
#include "services/gateway/files/files_api.hpp"
#include "services/gateway/work/spec_reader.hpp"
#include "services/gateway/work/work_json.hpp"

namespace vcity::gateway {
namespace {

constexpr std::size_t kBodyBytesMax = 64U << 10U;
constexpr std::size_t kImageBytesMax = 4U << 20U;
constexpr std::size_t kReasonBytesMax = 400;
constexpr Usd kBudgetMax{50'000};  // minutes of a core cost far less
constexpr Duration kLookEvery = std::chrono::milliseconds{150};
constexpr Duration kLinkGoodFor = std::chrono::hours{1};
constexpr std::string_view kGone = "nothing was made in time, or nobody waits for it; the job is cancelled";

std::string text_at(const codec::Json& json, std::string_view name) {
    const codec::Json* value = json.find(name);
    return value == nullptr || value->get_string() == nullptr ? std::string{} : *value->get_string();
}

// The last line that says something.
std::string last_line(std::string text) {
    while (!text.empty() && text.back() == '\n') text.pop_back();
    const std::size_t end = text.rfind('\n');
    return text.substr(end == std::string::npos ? 0 : end + 1).substr(0, kReasonBytesMax);
}

// Keeps what would be sent.
class Collector final : public ports::HttpResponder {
  public:
    Task<Result<void>> respond(ports::HttpResponse response) override { return write(std::move(response.body)); }
    Task<Result<void>> start(ports::HttpResponse) override { co_return Result<void>{}; }
    Task<Result<void>> write(std::string chunk) override {
        if (body_.size() + chunk.size() > kImageBytesMax)
            co_return make_error(Errc::kExhausted, "the file is too long");
        body_ += chunk;
        co_return Result<void>{};
    }
    Task<Result<void>> finish() override {
        is_whole_ = true;
        co_return Result<void>{};
    }
    bool is_connected() const override { return true; }

    bool is_whole() const { return is_whole_; }
    ByteView bytes() const { return as_bytes(body_); }

  private:
    std::string body_;
    bool is_whole_ = false;
};

// What an exchange within this one carries on.
Exchange inner_of(const Exchange& outer, std::string method, std::string target) {
    Exchange inner;
    inner.request_id = outer.request_id;
    inner.started = outer.started;
    inner.log = outer.log;
    inner.request.method = std::move(method);
    inner.request.target = std::move(target);
    inner.request.remote = outer.request.remote;
    return inner;
}

std::string target_of_file(const std::string& job, const std::string& name) {
    return fmt::format("{}/files/{}/0/{}", job, kMediaStep, name);
}

}  // namespace

Task<MediaApi::Response> MediaApi::answer(Exchange* exchange, KeyRecord key) {
    const std::string_view type = exchange->request.headers.get("content-type");
    if (!type.empty() && type.find("json") == std::string_view::npos) {
        co_return spec::refusal(ErrorCode::kUnsupportedMediaType, "", "the body must be application/json");
    }
    RequestLimits limits = shared_->options->limits;
    limits.body_bytes_max = kBodyBytesMax;
    ApiResult<codec::Json> body = parse_body(exchange->request.body, limits);
    if (!body) co_return std::move(body).error();
    if (services::path_of(exchange->request.target) == kSpeechPath) {
        co_return co_await speak(exchange, std::move(key), *std::move(body));
    }
    co_return co_await paint(exchange, std::move(key), *std::move(body));
}

// The scheduler gives up when the client does.
MediaTerms MediaApi::terms_of(const KeyRecord& key) const {
    const auto minutes = std::chrono::ceil<std::chrono::minutes>(shared_->options->request_deadline);
    return {.budget = std::min(kBudgetMax, key.terms.cap.cap.limit),
            .minutes = static_cast<std::uint32_t>(std::max<std::int64_t>(1, minutes.count()))};
}

// --- speech

// The file goes through in pieces.
Task<MediaApi::Response> MediaApi::speak(Exchange* exchange, KeyRecord key, codec::Json body) {
    const ApiResult<SpeechRequest> request = parse_speech_request(body);
    if (!request) co_return request.error();
    codec::Json order = speech_order(*request, terms_of(key));
    const ApiResult<std::string> job = co_await make(exchange, key, std::move(order));
    if (!job) co_return job.error();
    Exchange inner = inner_of(*exchange, "GET", target_of_file(*job, speech_file(*request)));
    inner.responder = exchange->responder;
    inner.headers = exchange->headers;
    inner.headers.set("content-type", std::string{media_type(request->format)});
    Response sent = co_await work_->answer(&inner, std::move(key));
    exchange->is_answered = inner.is_answered;
    co_return sent;
}

// --- images

Task<MediaApi::Response> MediaApi::paint(Exchange* exchange, KeyRecord key, codec::Json body) {
    ApiResult<ImageRequest> request = parse_image_request(body);
    if (!request) co_return std::move(request).error();
    if (!request->has_seed) request->seed = draw_seed(*exchange);
    codec::Json order = image_order(*request, terms_of(key));
    const ApiResult<std::string> job = co_await make(exchange, key, std::move(order));
    if (!job) co_return job.error();
    codec::Json listed;
    if (request->answer == ImageAnswer::kUrl) {
        std::string method = "GET";
        std::string target = *job + "/files";
        ApiResult<codec::Json> files = co_await ask_json(exchange, key, std::move(method), std::move(target));
        if (!files) co_return std::move(files).error();
        listed = *std::move(files);
    }
    codec::JsonArray data;
    for (std::uint32_t index = 0; index < request->count; ++index) {
        std::string name = image_file(index);
        if (request->answer == ImageAnswer::kUrl) {
            const std::optional<std::string> link = link_of(*job, listed, name);
            if (!link) co_return spec::refusal(ErrorCode::kProviderFailed, "", "the job left no " + name);
            data.emplace_back(codec::JsonObject{{"url", *link}});
            continue;
        }
        std::string path = *job;
        const ApiResult<std::string> encoded = co_await encoded_file(exchange, key, std::move(path), std::move(name));
        if (!encoded) co_return encoded.error();
        data.emplace_back(codec::JsonObject{{"b64_json", *encoded}});
    }
    co_return services::json_response(codec::JsonObject{{"created", shared_->runtime->unix_now().count() / 1000},
                                                        {"background", "opaque"},
                                                        {"output_format", "png"},
                                                        {"data", std::move(data)}});
}

// 24 bits. A request that is repeated under its Idempotency-Key is the same request.
std::uint32_t MediaApi::draw_seed(const Exchange& exchange) const {
    Hash drawn;
    const std::string_view name = exchange.request.headers.get("idempotency-key");
    if (name.empty()) {
        shared_->runtime->random_bytes(drawn.bytes);
    } else {
        drawn = crypto::sha256(as_bytes(name));
    }
    return std::uint32_t{drawn.bytes[0]} << 16U | std::uint32_t{drawn.bytes[1]} << 8U | drawn.bytes[2];
}

std::optional<std::string> MediaApi::link_of(const std::string& job,
                                             const codec::Json& listed,
                                             const std::string& name) const {
    const std::optional<JobId> job_id = job_of_work(std::string_view{job}.substr(kJobPath.size()));
    const codec::Json* data = listed.find("data");
    if (!job_id || data == nullptr || data->get_array() == nullptr) return std::nullopt;
    for (const codec::Json& file : *data->get_array()) {
        if (text_at(file, "name") != name) continue;
        const Result<Hash> sha256 = codec::parse_fixed<Hash>("0x" + text_at(file, "sha256"));
        if (sha256) return shared_->files->link_to(*job_id, *sha256, kLinkGoodFor);
    }
    return std::nullopt;
}

Task<ApiResult<std::string>> MediaApi::encoded_file(Exchange* exchange,
                                                    KeyRecord key,
                                                    std::string job,
                                                    std::string name) {
    Collector collector;
    Exchange inner = inner_of(*exchange, "GET", target_of_file(job, name));
    inner.responder = &collector;
    const Response sent = co_await work_->answer(&inner, std::move(key));
    if (!sent) co_return sent.error();
    if (!collector.is_whole()) co_return spec::refusal(ErrorCode::kProviderFailed, "", name + " cannot be read");
    co_return codec::to_base64(collector.bytes());
}

// --- jobs

Task<MediaApi::Response> MediaApi::ask(
    Exchange* exchange, KeyRecord key, std::string method, std::string target, std::string body) {
    Exchange inner = inner_of(*exchange, std::move(method), std::move(target));
    inner.request.body = std::move(body);
    inner.request.headers.set("accept", "application/octet-stream");
    const std::string idempotency{exchange->request.headers.get("idempotency-key")};
    // A client that orders media and jobs under the same name means two things.
    if (!idempotency.empty()) inner.request.headers.set("idempotency-key", "media " + idempotency);
    co_return co_await work_->answer(&inner, std::move(key));
}

Task<ApiResult<codec::Json>> MediaApi::ask_json(Exchange* exchange,
                                                KeyRecord key,
                                                std::string method,
                                                std::string target) {
    std::string none;
    const Response told = co_await ask(exchange, std::move(key), std::move(method), std::move(target), std::move(none));
    if (!told) co_return told.error();
    Result<codec::Json> json = codec::parse_json(told->body);
    if (!json) co_return spec::refusal(ErrorCode::kInternalError, "", "the job's status cannot be read");
    co_return *std::move(json);
}

Task<ApiResult<std::string>> MediaApi::make(Exchange* exchange, KeyRecord key, codec::Json order) {
    std::string body = codec::dump_json(order);
    std::string method = "POST";
    std::string jobs{kJobsPath};
    const Response ordered = co_await ask(exchange, key, std::move(method), std::move(jobs), std::move(body));
    if (!ordered) co_return ordered.error();
    const Result<codec::Json> json = codec::parse_json(ordered->body);
    const std::string id = json ? text_at(*json, "id") : std::string{};
    if (id.empty()) co_return spec::refusal(ErrorCode::kInternalError, "", "the order has no id");
    exchange->headers.set("x-job-id", id);
    std::string job = std::string{kJobPath} + id;
    std::string watched = job;
    Refusal refused = co_await wait(exchange, std::move(key), std::move(watched));
    if (refused) co_return *std::move(refused);
    co_return job;
}

Task<Refusal> MediaApi::wait(Exchange* exchange, KeyRecord key, std::string job) {
    const TimePoint deadline = exchange->started + shared_->options->request_deadline;
    while (true) {
        const bool is_late = shared_->runtime->now() >= deadline;
        if (is_late || !exchange->responder->is_connected()) {
            std::string method = "DELETE";
            std::string none;
            (void)co_await ask(exchange, std::move(key), std::move(method), std::move(job), std::move(none));
            co_return spec::refusal(ErrorCode::kRequestTimeout, "", std::string{kGone});
        }
        std::string method = "GET";
        std::string target = job;
        const ApiResult<codec::Json> told = co_await ask_json(exchange, key, std::move(method), std::move(target));
        // A scheduler that is away for a moment has not lost the job.
        const std::string state = told ? text_at(*told, "state") : "active";
        if (state == to_string(WorkState::kSucceeded)) co_return std::nullopt;
        if (state != to_string(WorkState::kActive)) {
            co_return co_await failure(exchange, std::move(key), std::move(job));
        }
        const TimePoint until = shared_->runtime->now() + kLookEvery;
        co_await shared_->runtime->sleep_until(until);
    }
}

Task<ApiError> MediaApi::failure(Exchange* exchange, KeyRecord key, std::string job) {
    std::string method = "GET";
    std::string target = fmt::format("{}/logs?step={}", job, kMediaStep);
    std::string none;
    const Response said = co_await ask(exchange, std::move(key), std::move(method), std::move(target), std::move(none));
    const std::string why = said ? last_line(said->body) : std::string{};
    co_return spec::refusal(ErrorCode::kProviderFailed, "",
                            "nothing could be made: " + (why.empty() ? "the job has failed" : why));
}

}  // namespace vcity::gateway
