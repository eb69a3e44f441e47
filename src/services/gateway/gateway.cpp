// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/gateway.hpp"

#include <array>
#include <utility>

#include "codec/hex.hpp"
#include "crypto/sha256.hpp"
#include "services/common/http_text.hpp"
#include "services/gateway/api/answers.hpp"
#include "services/gateway/generation_flow.hpp"
#include "services/gateway/generation_record.hpp"

namespace vcity::gateway {
namespace {

constexpr Duration kCounterInterval = std::chrono::milliseconds{500};
constexpr Duration kJoinPatience = std::chrono::minutes{1};
constexpr Duration kStatusTimeout = std::chrono::seconds{2};

ApiError api_error(ErrorCode code, std::string message, std::string param = {}) {
    ApiError error;
    error.code = code;
    error.message = std::move(message);
    error.param = std::move(param);
    return error;
}

std::unique_ptr<FileBook> make_book(const GatewayDeps& deps, const FileLimits& limits) {
    if (deps.blobs == nullptr) return nullptr;
    FileBookDeps parts{.runtime = deps.runtime, .store = deps.store, .blobs = deps.blobs, .log = deps.log};
    return std::make_unique<FileBook>(std::move(parts), limits);
}

std::string make_request_id(Runtime* runtime) {
    FixedBytes<struct RequestIdTag, 12> bytes;
    runtime->random_bytes(bytes.bytes);
    return "req_" + codec::to_hex(bytes).substr(2);
}

}  // namespace

Gateway::Gateway(GatewayDeps deps, GatewayOptions options)
    : runtime_{deps.runtime},
      store_{deps.store},
      deployment_{deps.deployment},
      options_{std::move(options)},
      admin_token_{std::move(deps.admin_token)},
      files_secret_{crypto::hmac_sha256(deps.key_pepper.reveal(), as_bytes("vcity-files-secret-v1"))},
      log_{deps.log},
      metrics_{deps.metrics},
      link_{{.runtime = deps.runtime,
             .dialer = deps.dialer,
             .signer = deps.signer,
             .deployment = &deployment_,
             .log = deps.log},
            options_.link},
      keys_{deps.runtime, deps.store, std::move(deps.key_pepper), deployment_},
      writes_{deps.runtime, deps.store, deps.log},
      generations_{&writes_, options_.generations_max},
      idempotency_{deps.runtime, deps.store, options_.idempotent_max},
      work_log_{&writes_, options_.jobs_max},
      finetune_book_{&writes_, options_.finetunes_max},
      tasks_{deps.runtime},
      stopped_{deps.runtime},
      files_{make_book(deps, options_.files)},
      shared_{.runtime = runtime_,
              .deployment = &deployment_,
              .options = &options_,
              .link = &link_,
              .keys = &keys_,
              .generations = &generations_,
              .idempotency = &idempotency_,
              .work = &work_log_,
              .files = &files_api_,
              .metrics = &metrics_,
              .log = log_},
      files_api_{&shared_, files_.get(), files_secret_},
      batch_desk_{{.shared = &shared_, .files = files_.get(), .store = deps.store}},
      tunnel_book_{runtime_, options_.tunnels, options_.public_url,
                   [this](Message message) { return link_.tell(std::move(message)); }},
      tunnel_api_{&shared_, &tunnel_book_} {
    link_.set_on_tunnel([this](const TunnelRefused& refused) { tunnel_book_.on_refused(refused); });
}

Task<Result<void>> Gateway::start() {
    CO_TRY_OK(co_await keys_.load());
    CO_TRY_OK(co_await idempotency_.load());
    CO_TRY_OK(co_await generations_.load(store_));
    CO_TRY_OK(co_await work_log_.load(store_));
    CO_TRY_OK(co_await finetune_book_.load(store_));
    if (files_) {
        CO_TRY_OK(co_await files_->load());
        CO_TRY_OK(co_await batch_desk_.load());
    }
    co_return Result<void>{};
}

Task<void> Gateway::run() {
    tasks_.spawn(link_.run());
    tasks_.spawn(writes_.run());
    if (files_) {
        tasks_.spawn(files_->run());
        tasks_.spawn(batch_desk_.run());
    }
    co_await keep_counters();
    while (tasks_.running() > 0) {
        // Both end by themselves once stopped; the deadline only bounds one wait.
        const TimePoint patience = runtime_->now() + kJoinPatience;
        (void)co_await tasks_.join(patience);
    }
}

void Gateway::stop() {
    stopping_ = true;
    batch_desk_.stop();
    link_.stop();
    writes_.stop();
    tunnel_book_.stop();
    if (files_) files_->stop();
    stopped_.notify();
}

// Spending counters and gauges, twice a second.
Task<void> Gateway::keep_counters() {
    while (true) {
        for (const KeyRecord& record : keys_.take_changed()) {
            writes_.put(to_store_key(record.digest), codec::dump_json(to_json(record)));
        }
        metrics_.running->set(static_cast<double>(running_));
        metrics_.connected->set(link_.is_connected() ? 1 : 0);
        if (stopping_) break;
        (void)co_await stopped_.wait_until(runtime_->now() + kCounterInterval);
    }
}

Task<void> Gateway::handle(ports::HttpRequest request, ports::HttpResponder* responder) {
    Exchange exchange;
    exchange.request_id = make_request_id(runtime_);
    exchange.started = runtime_->now();
    exchange.request = std::move(request);
    exchange.responder = responder;
    exchange.log = log_;
    exchange.headers.set("x-request-id", exchange.request_id);
    metrics_.requests->increment();
    const std::string_view retries = exchange.request.headers.get("x-stainless-retry-count");
    if (!retries.empty() && retries != "0") metrics_.client_retries->increment();
    ++running_;
    co_await answer(&exchange);
    --running_;
}

std::optional<std::uint64_t> Gateway::streams_body(const ports::HttpRequest& head) const {
    // What a form adds to its file.
    constexpr std::uint64_t kFormBytesMax = 64U << 10U;
    if (!files_) return std::nullopt;
    const std::string_view path = services::path_of(head.target);
    if (head.method == "POST" && path == kFilesPath) return options_.files.file_bytes_max + kFormBytesMax;
    if (head.method == "PUT" && path.starts_with(kNodeFilesPath)) return options_.files.job_file_bytes_max;
    return std::nullopt;
}

Task<void> Gateway::answer(Exchange* exchange) {
    if (TunnelApi::door_of(exchange->request) != TunnelApi::Door::kNone) {
        co_await serve_tunnel(exchange);
        co_return;
    }
    const ApiResult<Route> route = route_of(*exchange);
    if (!route) {
        ApiError error = route.error();
        co_await send(exchange, std::move(error));
        co_return;
    }
    if (*route == Route::kChat || *route == Route::kCompletions) {
        co_await generate(exchange, *route);
        co_return;
    }
    ApiResult<ports::HttpResponse> response = co_await answer_plain(exchange, *route);
    co_await send(exchange, std::move(response));
}

Task<void> Gateway::serve_tunnel(Exchange* exchange) {
    std::optional<KeyRecord> owner;
    Refusal refused;
    if (TunnelApi::door_of(exchange->request) == TunnelApi::Door::kKey) {
        ApiResult<KeyRecord> key = authenticate(*exchange);
        if (key) owner = *std::move(key);
        refused = owner ? take_rate(exchange, *owner) : Refusal{key.error()};
    }
    if (!refused) {
        refused = co_await tunnel_api_.serve(exchange, owner ? &*owner : nullptr);
    }
    if (!refused) co_return;
    ApiError error = *std::move(refused);
    co_await send(exchange, std::move(error));
}

Task<void> Gateway::send(Exchange* exchange, ApiResult<ports::HttpResponse> response) {
    if (exchange->is_answered) co_return;
    if (!response) metrics_.errors->increment();
    ports::HttpResponse full = response ? *std::move(response) : error_response(response.error(), exchange->request_id);
    for (const auto& [name, value] : exchange->headers.fields) full.headers.set(name, value);
    // A client that has gone needs no answer.
    (void)co_await exchange->responder->respond(std::move(full));
}

Task<void> Gateway::generate(Exchange* exchange, Route route) {
    ApiResult<KeyRecord> key = authenticate(*exchange);
    if (!key) {
        ApiError error = key.error();
        co_await send(exchange, std::move(error));
        co_return;
    }
    Refusal refused = take_rate(exchange, *key);
    if (refused) {
        co_await send(exchange, *std::move(refused));
        co_return;
    }
    ApiResult<GenerationRequest> request = read_generation(exchange, route);
    if (!request) {
        ApiError error = request.error();
        co_await send(exchange, std::move(error));
        co_return;
    }
    GenerationFlow flow{&shared_, exchange, *std::move(key), *std::move(request)};
    co_await flow.run();
}

ApiResult<GenerationRequest> Gateway::read_generation(Exchange* exchange, Route route) {
    const std::string_view type = exchange->request.headers.get("content-type");
    if (!type.empty() && type.find("json") == std::string_view::npos) {
        return api_error(ErrorCode::kUnsupportedMediaType, "the body must be application/json");
    }
    ApiResult<codec::Json> body = parse_body(exchange->request.body, options_.limits);
    if (!body) return std::move(body).error();
    ApiResult<GenerationRequest> request = route == Route::kChat ? parse_chat_request(*body, options_.limits)
                                                                 : parse_completion_request(*body, options_.limits);
    if (!request) return request;
    if (Refusal refused = read_nonce(exchange->request.headers.get(kNonceHeader), &*request)) {
        return *std::move(refused);
    }
    return request;
}

Refusal Gateway::take_rate(Exchange* exchange, const KeyRecord& key) {
    if (running_ > options_.running_max) {
        ApiError error = api_error(ErrorCode::kGatewayOverloaded, "the gateway runs as many requests as it may");
        error.retry_after = std::chrono::seconds{1};
        return error;
    }
    const RateDecision rate = keys_.take_rate(key.digest);
    exchange->headers.set("x-ratelimit-limit-requests", std::to_string(rate.limit));
    exchange->headers.set("x-ratelimit-remaining-requests", std::to_string(rate.remaining));
    exchange->headers.set("x-ratelimit-reset-requests", to_reset_text(rate.reset_after));
    if (rate.allowed) return std::nullopt;
    ApiError error = api_error(ErrorCode::kRateLimitExceeded,
                               "this key may send " + std::to_string(rate.limit) + " requests per minute");
    error.retry_after = rate.retry_after;
    return error;
}

ApiResult<KeyRecord> Gateway::authenticate(const Exchange& exchange) {
    ApiResult<KeyRecord> key = keys_.authenticate(exchange.request.headers.get("authorization"));
    if (key) return key;
    const std::string host{services::host_of(exchange.request.remote)};
    const RateDecision rate = auth_failures_.take(host, options_.auth_failures_per_minute, runtime_->now());
    if (rate.allowed) return key;
    ApiError error = api_error(ErrorCode::kAuthFailureLimitExceeded, "too many wrong API keys from this address");
    error.retry_after = rate.retry_after;
    return error;
}

Task<ApiResult<ports::HttpResponse>> Gateway::answer_plain(Exchange* exchange, Route route) {
    if (route == Route::kHealth) co_return services::json_response(codec::JsonObject{{"status", "ok"}});
    if (route == Route::kReady) co_return readiness();
    if (route == Route::kAdminKeys || route == Route::kAdminKey) {
        Refusal refused = check_admin(*exchange);
        if (refused) co_return *std::move(refused);
        if (route == Route::kAdminKeys) {
            co_return co_await admin_keys(exchange);
        }
        co_return co_await admin_key(exchange);
    }
    if (route == Route::kNodeFiles) {
        co_return co_await files_api_.answer_node(exchange);
    }
    ApiResult<KeyRecord> key = authenticate(*exchange);
    if (!key) co_return std::move(key).error();
    co_return co_await answer_keyed(exchange, *std::move(key), route);
}

Task<ApiResult<ports::HttpResponse>> Gateway::answer_keyed(Exchange* exchange, KeyRecord key, Route route) {
    if (route == Route::kWork || route == Route::kFiles || route == Route::kBatches || route == Route::kFinetune) {
        Refusal refused = take_rate(exchange, key);
        if (refused) co_return *std::move(refused);
    }
    if (route == Route::kWork) {
        co_return co_await work_api_.answer(exchange, std::move(key));
    }
    if (route == Route::kFiles) {
        co_return co_await files_api_.answer(exchange, std::move(key));
    }
    if (route == Route::kFinetune) {
        co_return co_await finetune_api_.answer(exchange, std::move(key));
    }
    if (route == Route::kBatches) {
        co_return co_await batch_api_.answer(exchange, std::move(key));
    }
    if (route == Route::kModels) co_return services::json_response(models_json(link_.offers()));
    if (route == Route::kModel) co_return model(*exchange);
    if (route == Route::kOwnKey) co_return services::json_response(codec::JsonObject{{"data", to_public_json(key)}});
    co_return co_await generation(exchange);
}

ApiResult<ports::HttpResponse> Gateway::model(const Exchange& exchange) const {
    const std::string name =
        services::percent_decoded(services::path_of(exchange.request.target).substr(kModelPath.size()));
    const ModelListing* listing = link_.offers().find(name);
    if (listing != nullptr) return services::json_response(to_json(*listing));
    return api_error(ErrorCode::kModelNotFound, "no node offers the model '" + name.substr(0, 128) + "'", "model");
}

bool Gateway::is_ready() const {
    return link_.is_connected() && !link_.offers().models().empty();
}

ports::HttpResponse Gateway::readiness() const {
    const bool ready = is_ready();
    ports::HttpResponse response = services::json_response(codec::JsonObject{
        {"ready", ready},
        {"scheduler", link_.is_connected() ? codec::Json{codec::to_hex(link_.scheduler())} : codec::Json{}},
        {"models", static_cast<std::uint64_t>(link_.offers().models().size())},
    });
    if (!ready) response.status = 503;
    return response;
}

Task<ApiResult<ports::HttpResponse>> Gateway::generation(Exchange* exchange) {
    // The key was checked before; its digest names the owner.
    const ApiResult<KeyRecord> key = keys_.authenticate(exchange->request.headers.get("authorization"));
    if (!key) co_return key.error();
    const std::string id = services::percent_decoded(services::query_of(exchange->request.target, "id"));
    const std::optional<JobId> job_id = job_of_generation(id);
    ApiError unknown = api_error(ErrorCode::kGenerationNotFound, "no generation of this id belongs to this key", "id");
    if (!job_id) co_return unknown;
    Result<std::optional<codec::Json>> record = co_await generations_.get(id, key->digest);
    if (!record) co_return api_error(ErrorCode::kInternalError, "the record cannot be read");
    const std::optional<codec::Json>& found = *record;
    if (!found) co_return unknown;
    codec::Json json = *found;
    const Result<JobStatusReply> status = co_await link_.status(*job_id, runtime_->now() + kStatusTimeout);
    if (status) add_status(*status, &json);
    co_return services::json_response(codec::JsonObject{{"data", std::move(json)}});
}

// --- routes

ApiResult<Gateway::Route> Gateway::route_of(const Exchange& exchange) const {
    struct Entry {
        std::string_view path;
        std::string_view methods;
        Route route;
        bool is_prefix;
    };
    static constexpr std::array kRoutes = {
        Entry{"/health", "GET", Route::kHealth, false},
        Entry{"/ready", "GET", Route::kReady, false},
        Entry{"/v1/models", "GET", Route::kModels, false},
        Entry{kModelPath, "GET", Route::kModel, true},
        Entry{"/v1/chat/completions", "POST", Route::kChat, false},
        Entry{"/v1/completions", "POST", Route::kCompletions, false},
        Entry{"/v1/generation", "GET", Route::kGeneration, false},
        Entry{"/v1/key", "GET", Route::kOwnKey, false},
        Entry{kJobsPath, "GET POST", Route::kWork, false},
        Entry{kJobPath, "GET DELETE", Route::kWork, true},
        Entry{kOffersPath, "GET", Route::kWork, false},
        Entry{kFilesPath, "GET POST", Route::kFiles, false},
        Entry{kFilePath, "GET DELETE", Route::kFiles, true},
        Entry{kFinetunesPath, "GET POST", Route::kFinetune, false},
        Entry{kFinetunePath, "GET POST", Route::kFinetune, true},
        Entry{kBatchesPath, "GET POST", Route::kBatches, false},
        Entry{kBatchPath, "GET POST", Route::kBatches, true},
        Entry{kNodeFilesPath, "GET HEAD PUT", Route::kNodeFiles, true},
        Entry{"/admin/keys", "GET POST", Route::kAdminKeys, false},
        Entry{kAdminKeyPath, "DELETE", Route::kAdminKey, true},
    };
    const std::string_view path = services::path_of(exchange.request.target);
    const std::string& method = exchange.request.method;
    for (const Entry& entry : kRoutes) {
        const bool matches =
            entry.is_prefix ? path.size() > entry.path.size() && path.starts_with(entry.path) : path == entry.path;
        if (!matches) continue;
        if (entry.methods.find(method) != std::string_view::npos) return entry.route;
        return api_error(ErrorCode::kMethodNotAllowed,
                         std::string{path} + " takes " + std::string{entry.methods} + ", not " + method.substr(0, 16));
    }
    return api_error(ErrorCode::kRouteNotFound, "there is nothing at " + std::string{path.substr(0, 128)});
}

}  // namespace vcity::gateway
