// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/gateway.hpp"

#include <algorithm>
#include <utility>

#include "codec/hex.hpp"
#include "crypto/sha256.hpp"
#include "services/common/http_text.hpp"
#include "services/gateway/api/answers.hpp"
#include "services/gateway/api/responses.hpp"
#include "services/gateway/finetune/finetune_json.hpp"
#include "services/gateway/generation_flow.hpp"
#include "services/gateway/generation_record.hpp"
#include "services/gateway/many/branches.hpp"
#include "services/gateway/many/embeddings.hpp"
#include "services/gateway/platform/trace_context.hpp"
#include "services/gateway/work/work_json.hpp"

namespace vcity::gateway {
namespace {

constexpr Duration kCounterInterval = std::chrono::milliseconds{500};
constexpr Duration kWatchInterval = std::chrono::seconds{5};
constexpr std::size_t kWatchedMax = 64;  // jobs asked for in one round
constexpr Duration kJoinPatience = std::chrono::minutes{1};
// Whose job is remembered.
constexpr std::size_t kReceiptsMax = 100'000;
constexpr Duration kStatusTimeout = std::chrono::seconds{2};

// A room's: shorter than the second after which a refused client is to come again.
constexpr Duration kRoomPatience = std::chrono::milliseconds{250};
constexpr std::size_t kLineMax = 10'000;

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

Hash random_secret(Runtime* runtime) {
    Hash secret;
    runtime->random_bytes(secret.bytes);
    return secret;
}

std::string make_request_id(Runtime* runtime) {
    FixedBytes<struct RequestIdTag, 12> bytes;
    runtime->random_bytes(bytes.bytes);
    return "req_" + codec::to_hex(bytes).substr(2);
}

std::string make_trace_id(Runtime* runtime) {
    FixedBytes<struct TraceIdTag, 16> bytes;
    runtime->random_bytes(bytes.bytes);
    return codec::to_hex(bytes).substr(2);
}

}  // namespace

Gateway::Gateway(GatewayDeps deps, GatewayOptions options)
    : runtime_{deps.runtime},
      store_{deps.store},
      deployment_{deps.deployment},
      options_{std::move(options)},
      admin_token_{std::move(deps.admin_token)},
      sessions_secret_{crypto::hmac_sha256(deps.key_pepper.reveal(), as_bytes("vcity-sessions-secret-v1"))},
      files_secret_{crypto::hmac_sha256(deps.key_pepper.reveal(), as_bytes("vcity-files-secret-v1"))},
      log_{deps.log},
      metrics_{deps.metrics},
      schedulers_{{.runtime = deps.runtime,
                   .dialer = deps.dialer,
                   .signer = deps.signer,
                   .deployment = &deployment_,
                   .log = deps.log},
                  options_.link,
                  options_.further_schedulers,
                  [this](const JobId& job_id) { return work_log_.scheduler_of(job_id); }},
      keys_{deps.runtime, deps.store, std::move(deps.key_pepper), deployment_},
      sessions_{deps.runtime, deps.store, sessions_secret_, {}},
      writes_{deps.runtime, deps.store, deps.log},
      generations_{&writes_, options_.generations_max},
      idempotency_{deps.runtime, deps.store, options_.idempotent_max},
      work_log_{&writes_, options_.jobs_max},
      finetune_book_{&writes_, options_.finetunes_max},
      usage_{deps.runtime, deps.store, &writes_},
      receipts_{&writes_, kReceiptsMax},
      tasks_{deps.runtime},
      stopped_{deps.runtime},
      room_{deps.runtime, options_.running_max, kLineMax, kRoomPatience},
      files_{make_book(deps, options_.files)},
      shared_{.runtime = runtime_,
              .deployment = &deployment_,
              .options = &options_,
              .link = schedulers_.first(),
              .schedulers = &schedulers_,
              .keys = &keys_,
              .generations = &generations_,
              .idempotency = &idempotency_,
              .work = &work_log_,
              .files = &files_api_,
              .metrics = &metrics_,
              .webhooks = &webhook_desk_,
              .on_job_ended =
                  [this](const WorkNote& note, WorkState state, Usd charged) { note_job_end(note, state, charged); },
              .log = log_},
      webhook_desk_{{.runtime = deps.runtime,
                     .store = deps.store,
                     .writes = &writes_,
                     .http = deps.webhook_http,
                     .secret = crypto::hmac_sha256(files_secret_.view(), as_bytes("vcity-webhooks-secret-v1")),
                     .log = deps.log},
                    options_.webhooks},
      accounts_api_{
          {.shared = &shared_, .sessions = &sessions_, .http = deps.http, .nonce_secret = random_secret(deps.runtime)}},
      files_api_{&shared_, files_.get(), files_secret_},
      batch_desk_{{.shared = &shared_, .files = files_.get(), .store = deps.store, .deliveries = &deliveries_}},
      platform_api_{{.shared = &shared_,
                     .work = &work_api_,
                     .http = deps.http,
                     .prices = &prices_,
                     .receipts = &receipts_,
                     .openapi = std::move(deps.openapi),
                     .signer = deps.signer->address()}},
      tunnel_book_{runtime_, options_.tunnels, options_.public_url,
                   [this](TunnelOpen wanted) { return schedulers_.open_tunnel(std::move(wanted)); }},
      tunnel_api_{&shared_, &tunnel_book_},
      deployment_desk_{{.shared = &shared_, .work = &work_api_, .tunnels = &tunnel_book_, .store = deps.store}},
      x402_desk_{&shared_, deps.http} {
    keys_.set_on_event([this](const KeyEvent& event) { note_key_event(event); });
    work_api_.set_deliveries(&deliveries_);
    schedulers_.set_on_tunnel([this](const TunnelRefused& refused) { tunnel_book_.on_refused(refused); });
}

Task<Result<void>> Gateway::start() {
    CO_TRY_OK(co_await keys_.load());
    CO_TRY_OK(co_await sessions_.load());
    CO_TRY_OK(co_await idempotency_.load());
    CO_TRY_OK(co_await generations_.load(store_));
    CO_TRY_OK(co_await work_log_.load(store_));
    CO_TRY_OK(co_await finetune_book_.load(store_));
    CO_TRY_OK(co_await usage_.prune());
    CO_TRY_OK(co_await receipts_.load(store_));
    CO_TRY_OK(co_await prices_.load(store_));
    CO_TRY_OK(co_await deployment_desk_.load());
    CO_TRY_OK(co_await webhook_desk_.load());
    if (files_) {
        CO_TRY_OK(co_await files_->load());
        CO_TRY_OK(co_await batch_desk_.load());
    }
    co_return Result<void>{};
}

Task<void> Gateway::run() {
    tasks_.spawn(schedulers_.run());
    tasks_.spawn(writes_.run());
    tasks_.spawn(platform_api_.watch());
    tasks_.spawn(deployment_desk_.run());
    tasks_.spawn(webhook_desk_.run());
    tasks_.spawn(watch_jobs());
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
    webhook_desk_.stop();
    deployment_desk_.stop();
    schedulers_.stop();
    writes_.stop();
    platform_api_.stop();
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
        metrics_.running->set(static_cast<double>(room_.taken()));
        metrics_.waiting->set(static_cast<double>(room_.waiting()));
        metrics_.connected->set(static_cast<double>(schedulers_.connected()));
        if (stopping_) break;
        (void)co_await stopped_.wait_until(runtime_->now() + kCounterInterval);
    }
}

bool Gateway::is_end_awaited(const Address& account, const JobId& job_id) const {
    const auto awaits = [&](const std::string& kind) {
        return webhook_desk_.is_awaited(account, kind + "succeeded") ||
               webhook_desk_.is_awaited(account, kind + "failed") ||
               webhook_desk_.is_awaited(account, kind + "cancelled");
    };
    return awaits("job.") || (finetune_book_.find(account, job_id) != nullptr && awaits("fine_tuning.job."));
}

Task<void> Gateway::watch_jobs() {
    std::size_t round = 0;
    while (!stopping_) {
        const std::vector<WorkNote> active = work_log_.active();
        std::size_t asked = 0;
        // Round about, so that many jobs of one account keep no other waiting.
        for (std::size_t step = 0; step < active.size() && asked < kWatchedMax && !stopping_; ++step) {
            const WorkNote& note = active[(round + step) % active.size()];
            const std::optional<Address> account = keys_.account_of(note.owner);
            if (!account || !is_end_awaited(*account, note.job_id)) continue;
            ++asked;
            const JobId job_id = note.job_id;
            const Address client = *account;
            co_await work_api_.refresh(job_id, client);
        }
        round += std::max<std::size_t>(asked, 1);
        const TimePoint until = runtime_->now() + kWatchInterval;
        (void)co_await stopped_.wait_until(until);
    }
}

void Gateway::note_job_end(const WorkNote& note, WorkState state, Usd charged) {
    const std::optional<Address> account = keys_.account_of(note.owner);
    if (!account) return;
    const std::string ending{to_string(state)};
    webhook_desk_.publish(*account, "job." + ending,
                          codec::JsonObject{{"id", make_work_id(note.job_id)},
                                            {"name", note.name},
                                            {"state", ending},
                                            {"budget", to_string(note.budget)},
                                            {"charged", to_string(charged)}});
    if (finetune_book_.find(*account, note.job_id) == nullptr) return;
    webhook_desk_.publish(*account, "fine_tuning.job." + ending,
                          codec::JsonObject{{"id", make_finetune_id(note.job_id)}});
}

void Gateway::note_key_event(const KeyEvent& event) {
    codec::JsonObject data = {
        {"id", event.key}, {"name", event.name}, {"limit", to_string(event.limit)}, {"spent", to_string(event.spent)}};
    if (event.resets_at) data.emplace_back("resets_at", *event.resets_at);
    webhook_desk_.publish(event.account, event.is_soft ? "budget.soft_exceeded" : "budget.exceeded", data);
}

Task<void> Gateway::handle(ports::HttpRequest request, ports::HttpResponder* responder) {
    Exchange exchange;
    exchange.request_id = make_request_id(runtime_);
    exchange.started = runtime_->now();
    exchange.request = std::move(request);
    exchange.responder = responder;
    exchange.log = log_;
    exchange.headers.set("x-request-id", exchange.request_id);
    exchange.headers.set("x-content-type-options", "nosniff");
    const std::optional<std::string> trace = trace_id_of(exchange.request.headers.get("traceparent"));
    exchange.headers.set("x-trace-id", trace ? *trace : make_trace_id(runtime_));
    metrics_.requests->increment();
    const std::string_view retries = exchange.request.headers.get("x-stainless-retry-count");
    if (!retries.empty() && retries != "0") metrics_.client_retries->increment();
    co_await answer(&exchange);
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
    const ApiResult<RouteSpec> route =
        find_route(exchange->request.method, services::path_of(exchange->request.target));
    if (!route) {
        ApiError error = route.error();
        co_await send(exchange, std::move(error));
        co_return;
    }
    const bool is_sold = is_model_call(route->route) && x402_desk_.takes(exchange->request);
    ApiResult<Caller> caller = is_sold ? Caller{} : identify(exchange, *route);
    if (!caller) {
        ApiError error = caller.error();
        co_await send(exchange, std::move(error));
        co_return;
    }
    std::optional<Room::Seat> seat;
    if (takes_seat(route->access)) {
        seat = co_await room_.enter();
        Refusal refused;
        if (!seat) refused = no_room();
        if (seat && !is_sold) refused = admit(exchange, *route, *caller);
        if (refused) {
            ApiError error = *std::move(refused);
            co_await send(exchange, std::move(error));
            co_return;
        }
    }
    if (is_sold) {
        co_await sell(exchange, route->route);
        co_return;
    }
    co_await serve(exchange, *std::move(caller), *route);
}

Task<void> Gateway::serve(Exchange* exchange, Caller caller, const RouteSpec& route) {
    const Route which = route.route;
    if (which == Route::kDoor || (is_model_call(which) && DeploymentApi::is_for_deployment(exchange->request))) {
        co_await serve_deployment(exchange, *std::move(caller.key), which);
        co_return;
    }
    if (is_model_call(which)) {
        co_await generate(exchange, *std::move(caller.key), which);
        co_return;
    }
    if (which == Route::kTunnel) {
        co_await serve_tunnel(exchange, std::move(caller.key));
        co_return;
    }
    ApiResult<ports::HttpResponse> response = api_error(ErrorCode::kInternalError, "unanswered");
    if (route.access == Access::kOperator) {
        response = co_await answer_operator(exchange, which);
    } else if (which == Route::kUsage) {
        response = co_await usage_api_.answer(exchange, std::move(caller));
    } else if (which == Route::kAccountWork) {
        response = co_await account_work_.answer(exchange, std::move(caller));
    } else if (which == Route::kDeployments) {
        response = co_await deployment_api_.answer(exchange, std::move(caller));
    } else if (route.access == Access::kAccount || route.access == Access::kSession) {
        response = co_await answer_account(exchange, std::move(caller), which);
    } else if (caller.key) {
        response = co_await answer_keyed(exchange, *std::move(caller.key), which);
    } else {
        response = co_await answer_open(exchange, which);
    }
    co_await send(exchange, std::move(response));
}

Task<void> Gateway::serve_tunnel(Exchange* exchange, std::optional<KeyRecord> owner) {
    Refusal refused = co_await tunnel_api_.serve(exchange, owner ? &*owner : nullptr);
    if (!refused) co_return;
    ApiError error = *std::move(refused);
    co_await send(exchange, std::move(error));
}

Task<void> Gateway::serve_deployment(Exchange* exchange, KeyRecord key, Route route) {
    Refusal refused;
    if (route == Route::kDoor) {
        refused = co_await deployment_api_.enter(exchange, std::move(key));
    } else {
        refused = co_await deployment_api_.serve_model(exchange, std::move(key));
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

Task<void> Gateway::generate(Exchange* exchange, KeyRecord key, Route route) {
    ApiResult<GenerationRequest> request = read_generation(exchange, route);
    if (!request) {
        ApiError error = request.error();
        co_await send(exchange, std::move(error));
        co_return;
    }
    if (request->choices > 1) {
        co_await generate_choices(exchange, std::move(key), *std::move(request));
        co_return;
    }
    GenerationFlow flow{&shared_, exchange, std::move(key), *std::move(request)};
    flow.set_deliveries(&deliveries_);
    co_await flow.run();
}

// Jobs of their own: each has its receipt, and its own seed when the client gave one.
Task<void> Gateway::generate_choices(Exchange* exchange, KeyRecord key, GenerationRequest request) {
    if (!exchange->request.headers.get("idempotency-key").empty()) {
        ApiError error = api_error(ErrorCode::kUnsupportedParameter,
                                   "'Idempotency-Key' is not supported with 'n' above 1", "Idempotency-Key");
        co_await send(exchange, std::move(error));
        co_return;
    }
    std::vector<GenerationRequest> requests(request.choices, request);
    for (std::size_t index = 0; index < requests.size(); ++index) requests[index].call.sampling.seed += index;
    Branches branches{&shared_, exchange, std::move(key), std::move(requests)};
    branches.set_deliveries(&deliveries_);
    co_await branches.answer_choices();
}

Task<ApiResult<ports::HttpResponse>> Gateway::embeddings(Exchange* exchange, KeyRecord key) {
    if (!exchange->request.headers.get("idempotency-key").empty()) {
        co_return api_error(ErrorCode::kUnsupportedParameter, "'Idempotency-Key' is not supported for embeddings",
                            "Idempotency-Key");
    }
    ApiResult<codec::Json> body = parse_body(exchange->request.body, options_.limits);
    if (!body) co_return std::move(body).error();
    ApiResult<EmbeddingRequest> request = parse_embedding_request(*body, options_.limits);
    if (!request) co_return std::move(request).error();
    co_return co_await answer_embeddings(&shared_, exchange, std::move(key), *std::move(request), &deliveries_);
}

ApiResult<GenerationRequest> Gateway::read_generation(Exchange* exchange, Route route) {
    const std::string_view type = exchange->request.headers.get("content-type");
    if (!type.empty() && type.find("json") == std::string_view::npos) {
        return api_error(ErrorCode::kUnsupportedMediaType, "the body must be application/json");
    }
    ApiResult<codec::Json> body = parse_body(exchange->request.body, options_.limits);
    if (!body) return std::move(body).error();
    const auto parse = route == Route::kChat        ? parse_chat_request
                       : route == Route::kResponses ? parse_response_request
                                                    : parse_completion_request;
    ApiResult<GenerationRequest> request = parse(*body, options_.limits);
    if (!request) return request;
    if (Refusal refused = read_nonce(exchange->request.headers.get(kNonceHeader), &*request)) {
        return *std::move(refused);
    }
    return request;
}

Task<ApiResult<ports::HttpResponse>> Gateway::answer_account(Exchange* exchange, Caller caller, Route route) {
    if (route == Route::kAccounts) {
        co_return co_await accounts_api_.answer(exchange, std::move(caller));
    }
    if (route == Route::kWebhooks) {
        co_return co_await webhook_api_.answer(exchange, std::move(caller));
    }
    co_return api_error(ErrorCode::kInternalError, "this route has nobody to answer it");
}

Task<ApiResult<ports::HttpResponse>> Gateway::answer_operator(Exchange* exchange, Route route) {
    if (route == Route::kAdminKeys) {
        co_return co_await admin_keys(exchange);
    }
    co_return co_await admin_key(exchange);
}

Task<ApiResult<ports::HttpResponse>> Gateway::answer_open(Exchange* exchange, Route route) {
    if (route == Route::kHealth) co_return services::json_response(codec::JsonObject{{"status", "ok"}});
    if (route == Route::kReady) co_return readiness();
    if (route == Route::kPlatform || route == Route::kExplorer) {
        co_return co_await platform_api_.answer(exchange, route);
    }
    if (route == Route::kSignIn) {
        co_return co_await accounts_api_.sign_in(exchange);
    }
    co_return co_await files_api_.answer_node(exchange);
}

Task<ApiResult<ports::HttpResponse>> Gateway::answer_keyed(Exchange* exchange, KeyRecord key, Route route) {
    if (route == Route::kWork) {
        co_return co_await work_api_.answer(exchange, std::move(key));
    }
    if (route == Route::kFiles) {
        co_return co_await files_api_.answer(exchange, std::move(key));
    }
    if (route == Route::kFinetune) {
        co_return co_await finetune_api_.answer(exchange, std::move(key));
    }
    if (route == Route::kMedia) {
        co_return co_await media_api_.answer(exchange, std::move(key));
    }
    if (route == Route::kBatches) {
        co_return co_await batch_api_.answer(exchange, std::move(key));
    }
    if (route == Route::kModels) {
        codec::Json models = models_json(schedulers_.offers_for(key.terms.cap.cap));
        deployment_api_.add_models(key.terms.cap.cap.client, &models);
        co_return services::json_response(models);
    }
    if (route == Route::kModel) co_return model(*exchange, key);
    if (route == Route::kEmbeddings) {
        co_return co_await embeddings(exchange, std::move(key));
    }
    if (route == Route::kOwnKey) co_return services::json_response(codec::JsonObject{{"data", to_public_json(key)}});
    co_return co_await generation(exchange, std::move(key));
}

ApiResult<ports::HttpResponse> Gateway::model(const Exchange& exchange, const KeyRecord& key) const {
    const std::string name =
        services::percent_decoded(services::path_of(exchange.request.target).substr(kModelPath.size()));
    const ModelListing* listing = schedulers_.offers_for(key.terms.cap.cap).find(name);
    if (listing != nullptr) return services::json_response(to_json(*listing));
    return api_error(ErrorCode::kModelNotFound, "no node offers the model '" + name.substr(0, 128) + "'", "model");
}

bool Gateway::is_ready() const {
    return schedulers_.models() > 0;
}

ports::HttpResponse Gateway::readiness() const {
    const bool ready = is_ready();
    const SchedulerLink* link = schedulers_.first();
    ports::HttpResponse response = services::json_response(codec::JsonObject{
        {"ready", ready},
        {"scheduler", link->is_connected() ? codec::Json{codec::to_hex(link->scheduler())} : codec::Json{}},
        {"schedulers", static_cast<std::uint64_t>(schedulers_.connected())},
        {"models", static_cast<std::uint64_t>(schedulers_.models())},
    });
    if (!ready) response.status = 503;
    return response;
}

Task<ApiResult<ports::HttpResponse>> Gateway::generation(Exchange* exchange, KeyRecord key) {
    const std::string id = services::percent_decoded(services::query_of(exchange->request.target, "id"));
    const std::optional<JobId> job_id = job_of_generation(id);
    ApiError unknown = api_error(ErrorCode::kGenerationNotFound, "no generation of this id belongs to this key", "id");
    if (!job_id) co_return unknown;
    Result<std::optional<codec::Json>> record = co_await generations_.get(id, key.digest);
    if (!record) co_return api_error(ErrorCode::kInternalError, "the record cannot be read");
    const std::optional<codec::Json>& found = *record;
    if (!found) co_return unknown;
    codec::Json json = *found;
    const Result<JobStatusReply> status = co_await schedulers_.status(*job_id, runtime_->now() + kStatusTimeout);
    if (status) add_status(*status, &json);
    co_return services::json_response(codec::JsonObject{{"data", std::move(json)}});
}

}  // namespace vcity::gateway
