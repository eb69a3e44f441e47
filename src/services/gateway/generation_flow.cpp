// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/generation_flow.hpp"

#include <algorithm>
#include <utility>
#include <variant>

#include "codec/hex.hpp"
#include "crypto/sha256.hpp"
#include "market/pricing.hpp"
#include "market/typed_hashes.hpp"
#include "services/gateway/api/responses.hpp"
#include "services/gateway/api/sse.hpp"
#include "services/gateway/generation_record.hpp"
#include "services/gateway/keys/api_key.hpp"
#include "services/gateway/usage/delivery_log.hpp"

namespace vcity::gateway {
namespace {

// No vocabulary we know has a token of more bytes, so a prompt longer than this per token of context cannot fit.
constexpr std::size_t kBytesPerTokenMax = 64;
constexpr std::size_t kIdempotencyKeyMax = 255;

ApiError api_error(ErrorCode code, std::string message, std::string param = {}) {
    ApiError error;
    error.code = code;
    error.message = std::move(message);
    error.param = std::move(param);
    return error;
}

std::size_t prompt_bytes(const ModelRequest& call) {
    std::size_t bytes = call.prompt.size();
    for (const ChatMessage& message : call.messages) bytes += message.content.size();
    return bytes;
}

const char* prompt_field(Endpoint endpoint) {
    switch (endpoint) {
        case Endpoint::kChat: return "messages";
        case Endpoint::kCompletions: return "prompt";
        case Endpoint::kEmbeddings:
        case Endpoint::kResponses: return "input";
    }
    return "input";
}

double to_ms(Duration duration) {
    return std::chrono::duration<double, std::milli>(duration).count();
}

std::string random_base62(Runtime* runtime, std::size_t blocks) {
    std::string text;
    for (std::size_t block = 0; block < blocks; ++block) {
        KeyEntropy entropy{};
        runtime->random_bytes(entropy);
        text += to_base62(entropy, 43);
    }
    return text;
}

}  // namespace

GenerationFlow::GenerationFlow(const Shared* shared, Exchange* exchange, KeyRecord key, GenerationRequest request)
    : shared_{shared},
      exchange_{exchange},
      key_{std::move(key)},
      request_{std::move(request)},
      writer_{exchange->responder},
      deadline_{exchange->started + shared->options->request_deadline},
      last_write_{exchange->started} {}

double GenerationFlow::ms_since_start(TimePoint when) const {
    return to_ms(when - exchange_->started);
}

Task<void> GenerationFlow::run() {
    Refusal refused = admit();
    if (refused) {
        co_await refuse(*std::move(refused));
        co_return;
    }
    const bool may_run = co_await begin_idempotent();
    if (!may_run) {
        shared_->keys->release(key_.digest, order_.quote, Usd{});
        co_return;
    }
    co_await run_job();
    settle();
    co_await answer();
}

Task<void> GenerationFlow::refuse(ApiError error) {
    shared_->metrics->errors->increment();
    ports::HttpResponse response = error_response(error, exchange_->request_id);
    for (const auto& [name, value] : exchange_->headers.fields) response.headers.set(name, value);
    co_await writer_.respond(std::move(response));
}

// --- admit

// Of the fallbacks the first that somebody offers and this key may use.
void GenerationFlow::choose_model() {
    const auto& allowed = key_.terms.models;
    const auto is_possible = [&](const std::string& model) {
        const bool may = allowed.empty() || std::ranges::find(allowed, model) != allowed.end();
        return may && shared_->schedulers->offers_for(key_.terms.cap.cap).find(model) != nullptr;
    };
    if (request_.models.empty() || is_possible(request_.call.model)) return;
    const auto found = std::ranges::find_if(request_.models, is_possible);
    if (found != request_.models.end()) request_.call.model = *found;
}

Refusal GenerationFlow::admit() {
    choose_model();
    const std::string& model = request_.call.model;
    const auto& allowed = key_.terms.models;
    if (!allowed.empty() && std::ranges::find(allowed, model) == allowed.end()) {
        return api_error(ErrorCode::kModelNotAllowed, "this key may not use the model '" + model + "'", "model");
    }
    const SpendingCap& cap = key_.terms.cap.cap;
    const ApiResult<SchedulerLink*> serving = shared_->schedulers->serving(cap);
    if (!serving) return serving.error();
    link_ = *serving;
    if (!link_->offers().is_known()) {
        ApiError error = api_error(ErrorCode::kSchedulerUnavailable, "the scheduler has not told its offers yet");
        error.retry_after = std::chrono::seconds{1};
        return error;
    }
    const ModelListing* listing = link_->offers().find(model);
    if (listing == nullptr) {
        return api_error(ErrorCode::kModelNotFound, "no node offers the model '" + model + "'", "model");
    }
    if (cap.expiry_unix_seconds <= shared_->runtime->unix_now().count() / 1000) {
        return api_error(ErrorCode::kSpendingCapInvalid, "this key's spending cap has expired");
    }
    if (Refusal refused = check_context(*listing)) return refused;
    if (Refusal refused = make_order(*listing)) return refused;
    if (order_.quote > cap.limit) {
        return api_error(ErrorCode::kInsufficientBalance, "the quote of $" + to_string(order_.quote) +
                                                              " is above the whole spending cap of $" +
                                                              to_string(cap.limit));
    }
    if (Refusal refused = check_tokens()) return refused;
    return shared_->keys->admit(key_.digest, order_.quote);
}

Refusal GenerationFlow::check_tokens() {
    const RateDecision rate = shared_->keys->look_at_tokens(key_.digest);
    if (rate.limit == 0) return std::nullopt;
    exchange_->headers.set("x-ratelimit-limit-tokens", std::to_string(rate.limit));
    exchange_->headers.set("x-ratelimit-remaining-tokens", std::to_string(rate.remaining));
    exchange_->headers.set("x-ratelimit-reset-tokens", to_reset_text(rate.reset_after));
    if (rate.allowed) return std::nullopt;
    ApiError error = api_error(ErrorCode::kTokenLimitExceeded,
                               "this key may use " + std::to_string(rate.limit) + " tokens per minute");
    error.retry_after = rate.retry_after;
    return error;
}

Refusal GenerationFlow::check_context(const ModelListing& listing) {
    const std::uint32_t context = listing.context_tokens_max;
    ModelRequest& call = request_.call;
    const std::string limit = "the model's context has " + std::to_string(context) + " tokens";
    if (call.output_tokens_max == 0) {
        call.output_tokens_max = std::max(1U, std::min(shared_->options->output_tokens_default, context / 2));
    }
    if (call.output_tokens_max > context) {
        return api_error(ErrorCode::kContextLengthExceeded,
                         limit + ", " + std::to_string(call.output_tokens_max) + " were asked for", "max_tokens");
    }
    const std::size_t bytes = prompt_bytes(call);
    if (bytes / kBytesPerTokenMax > context) {
        return api_error(ErrorCode::kContextLengthExceeded,
                         limit + ", which a prompt of " + std::to_string(bytes) + " bytes cannot fit",
                         prompt_field(request_.endpoint));
    }
    return std::nullopt;
}

Refusal GenerationFlow::make_order(const ModelListing& listing) {
    ApiResult<TokenPrices> ceiling = price_ceiling(listing, request_.prices_max);
    if (!ceiling) return std::move(ceiling).error();
    Runtime* runtime = shared_->runtime;
    if (!request_.has_seed) request_.call.sampling.seed = runtime->random_u64();
    if (request_.call.client_nonce.is_zero()) runtime->random_bytes(request_.call.client_nonce.bytes);
    const Result<Usd> quote = market::quote_of(request_.call, *ceiling);
    if (!quote) return api_error(ErrorCode::kInvalidValue, "the most this request can cost is beyond all bounds");
    Hash nonce;
    runtime->random_bytes(nonce.bytes);
    const Address& client = key_.terms.cap.cap.client;
    order_.job_id = market::make_job_id(client, link_->scheduler(), nonce);
    order_.client = client;
    order_.cap = key_.terms.cap;
    order_.request = request_.call;
    order_.quote = *quote;
    order_.prices_max = *ceiling;
    order_.may_hedge = request_.may_hedge;
    order_.wish = request_.wish;
    order_.deadline = runtime->unix_now() + std::chrono::duration_cast<UnixMillis>(deadline_ - runtime->now());
    // A request of a batch has no client that traces it.
    const std::string_view trace = exchange_->headers.get("x-trace-id");
    order_.trace_id = trace.empty() ? exchange_->request_id : std::string{trace};
    bill_.quote = *quote;
    identity_.endpoint = request_.endpoint;
    identity_.id = make_generation_id(request_.endpoint, order_.job_id);
    identity_.created_unix_seconds = runtime->unix_now().count() / 1000;
    identity_.model = request_.call.model;
    return std::nullopt;
}

// --- Idempotency-Key

Task<bool> GenerationFlow::begin_idempotent() {
    const std::string_view header = exchange_->request.headers.get("idempotency-key");
    if (header.empty()) co_return true;
    if (header.size() > kIdempotencyKeyMax) {
        co_await refuse(
            api_error(ErrorCode::kInvalidValue, "'Idempotency-Key' is longer than 255 bytes", "Idempotency-Key"));
        co_return false;
    }
    const Hash name = crypto::hmac_sha256(key_.digest.view(), as_bytes(header));
    const Hash fingerprint = crypto::sha256(as_bytes(exchange_->request.target + "\n" + exchange_->request.body));
    IdempotencyBook::Decision decision = co_await shared_->idempotency->begin(name, fingerprint);
    if (auto* refusal = std::get_if<ApiError>(&decision)) {
        co_await refuse(std::move(*refusal));
        co_return false;
    }
    if (auto* again = std::get_if<ports::HttpResponse>(&decision)) {
        for (const auto& [field, value] : exchange_->headers.fields) again->headers.set(field, value);
        co_await writer_.respond(std::move(*again));
        co_return false;
    }
    idempotency_name_ = name;
    writer_.set_copy(AnswerWriter::Copy::kYes);
    co_return true;
}

// Before the last byte goes out, so that a client that has its answer and asks again at once gets the same.
Task<void> GenerationFlow::finish_idempotent(ports::HttpResponse answered) {
    if (!idempotency_name_) co_return;
    IdempotentOutcome outcome = JobEnded{};
    if (progress_.done()) {
        outcome = std::move(answered);
    } else if (!progress_.has_output()) {
        outcome = NothingDelivered{};
    }
    const Hash name = *idempotency_name_;
    co_await shared_->idempotency->finish(name, std::move(outcome));
}

// --- follow

Task<void> GenerationFlow::run_job() {
    submitted_at_ = shared_->runtime->now();
    ended_at_ = submitted_at_;
    const Result<std::shared_ptr<UpstreamJob>> job = link_->submit(order_);
    if (!job) {
        ApiError error = api_error(ErrorCode::kSchedulerUnavailable, job.error().message);
        error.retry_after = std::chrono::seconds{1};
        progress_.fail(std::move(error));
        co_return;
    }
    co_await follow(job->get());
    link_->forget(order_.job_id);
}

Task<void> GenerationFlow::follow(UpstreamJob* job) {
    while (!progress_.has_ended()) {
        Result<JobEvent> event = co_await job->next(shared_->runtime->now() + shared_->options->disconnect_poll);
        if (event) progress_.apply(*std::move(event));
        note_event();
        watch();
        if (request_.stream) {
            co_await emit();
        }
    }
}

void GenerationFlow::note_event() {
    const TimePoint now = shared_->runtime->now();
    if (progress_.has_output() && !first_token_at_) first_token_at_ = now;
    if (progress_.has_ended()) ended_at_ = now;
}

// A client that went away must not pay for what nobody reads: the node is told at once, and signs for what it had
// delivered by then.
void GenerationFlow::watch() {
    if (progress_.has_ended()) return;
    const TimePoint now = shared_->runtime->now();
    if (!cancelled_at_ && writer_.client_has_gone()) {
        cancelled_at_ = now;
        shared_->metrics->cancelled->increment();
        link_->cancel(order_.job_id);
    }
    const bool is_overdue = now >= deadline_;
    const bool is_abandoned = cancelled_at_ && now >= *cancelled_at_ + shared_->options->cancel_wait;
    if (!is_overdue && !is_abandoned) return;
    if (!cancelled_at_) link_->cancel(order_.job_id);
    ended_at_ = now;
    progress_.fail(api_error(ErrorCode::kRequestTimeout, "the request did not end before its deadline"));
}

Task<void> GenerationFlow::emit() {
    const TimePoint now = shared_->runtime->now();
    if (cancelled_at_) co_return;
    if (!writer_.has_started()) {
        const bool is_late = now >= exchange_->started + shared_->options->head_wait;
        if (progress_.has_ended() || (!progress_.has_output() && !is_late)) co_return;
        co_await start_stream();
    }
    const std::string text = progress_.take_text();
    std::string event;
    if (!text.empty()) event = stream_->content(text, take_logprobs());
    // While a function call is held back there is output, but nothing to see of it.
    const bool is_quiet = event.empty() && (!progress_.has_output() || request_.may_call);
    if (is_quiet && now >= last_write_ + shared_->options->keep_alive) {
        event = std::string{kSseKeepAlive};
    }
    if (event.empty()) co_return;
    last_write_ = now;
    co_await writer_.write(std::move(event));
}

Task<void> GenerationFlow::start_stream() {
    ports::HttpResponse head;
    head.headers = placed_headers();
    head.headers.set("content-type", "text/event-stream; charset=utf-8");
    head.headers.set("cache-control", "no-cache");
    head.headers.set("x-accel-buffering", "no");
    std::string padding;
    if (request_.include_obfuscation) padding = random_base62(shared_->runtime, 6);
    AnswerForm form = answer_form();
    form.padding = std::move(padding);
    if (request_.endpoint == Endpoint::kResponses) {
        stream_ = std::make_unique<ResponseStream>(identity_, std::move(form));
    } else {
        stream_ = std::make_unique<AnswerStream>(identity_, std::move(form));
    }
    last_write_ = shared_->runtime->now();
    co_await writer_.start(std::move(head));
    co_await writer_.write(stream_->opening());
}

AnswerForm GenerationFlow::answer_form() const {
    return {.include_usage = request_.include_usage,
            .may_call = request_.may_call,
            .must_call = request_.must_call,
            .has_logprobs = request_.call.logprobs > 0,
            .echo = request_.echo};
}

std::span<const TokenLogprobs> GenerationFlow::take_logprobs() {
    const std::span<const TokenLogprobs> rest = std::span{progress_.logprobs()}.subspan(logprobs_taken_);
    logprobs_taken_ += rest.size();
    return rest;
}

// --- settle

void GenerationFlow::check_receipt() {
    const Result<void> checked = check_delivery(*shared_->deployment, order_, order_.cap.cap.scheduler, progress_);
    const SignedReceipt receipt = progress_.done()->receipt;
    if (!checked) {
        shared_->metrics->receipt_mismatches->increment();
        shared_->log.warn("receipt_mismatch", {{"request", exchange_->request_id},
                                               {"job", codec::to_hex(order_.job_id)},
                                               {"node", codec::to_hex(receipt.receipt.node)},
                                               {"reason", checked.error().message}});
        progress_.fail(api_error(ErrorCode::kReceiptMismatch, checked.error().message));
        return;
    }
    bill_.units = receipt.receipt.units;
    bill_.cost = receipt.receipt.amount;
    bill_.node = receipt.receipt.node;
    bill_.receipt_hash = market::receipt_hash(receipt.receipt);
}

void GenerationFlow::settle() {
    bill_.attempts = std::max(1U, progress_.attempts());
    if (progress_.done()) check_receipt();
    const TimePoint now = shared_->runtime->now();
    bill_.overhead_ms = to_ms(submitted_at_ - exchange_->started) + to_ms(now - ended_at_);
    shared_->keys->release(key_.digest, order_.quote, bill_.cost);
    shared_->keys->note_tokens(key_.digest, bill_.units.input + bill_.units.output);
    GenerationFacts facts;
    facts.identity = identity_;
    facts.order = &order_;
    facts.progress = &progress_;
    facts.bill = bill_;
    facts.streamed = request_.stream;
    facts.cancelled = cancelled_at_.has_value();
    facts.request_id = exchange_->request_id;
    facts.latency_ms = ms_since_start(now);
    if (first_token_at_) facts.first_token_ms = ms_since_start(*first_token_at_);
    shared_->generations->put(identity_.id, key_.digest, generation_json(facts));
    note_usage();
    note_outcome();
}

void GenerationFlow::note_usage() {
    if (deliveries_ == nullptr || !progress_.done()) return;
    const bool is_embedding = identity_.endpoint == Endpoint::kEmbeddings;
    deliveries_->note(key_, {.job = order_.job_id,
                             .receipt = bill_.receipt_hash,
                             .kind = is_embedding ? UsageKind::kEmbeddings : UsageKind::kCompletions,
                             .model = identity_.model,
                             .tokens = bill_.units,
                             .cost = bill_.cost});
}

void GenerationFlow::note_outcome() {
    exchange_->log.debug("generation_ended", {{"trace_id", order_.trace_id},
                                              {"request_id", exchange_->request_id},
                                              {"model", identity_.model},
                                              {"delivered", progress_.done() != nullptr}});
    Metrics& metrics = *shared_->metrics;
    metrics.overhead->observe(bill_.overhead_ms / 1000);
    if (first_token_at_) metrics.first_token->observe(ms_since_start(*first_token_at_) / 1000);
    if (progress_.done()) {
        metrics.input_tokens->add(static_cast<double>(bill_.units.input));
        metrics.output_tokens->add(static_cast<double>(bill_.units.output));
        metrics.charged->add(static_cast<double>(bill_.cost.micro));
        return;
    }
    metrics.errors->increment();
    shared_->log.debug("generation_failed", {{"request", exchange_->request_id},
                                             {"code", spec_of(progress_.failure()->code).name},
                                             {"reason", progress_.failure()->message}});
}

// --- answer

ports::HttpHeaders GenerationFlow::placed_headers() const {
    ports::HttpHeaders headers = exchange_->headers;
    headers.set("x-generation-id", identity_.id);
    headers.set("x-quote", to_string(order_.quote));
    headers.set(std::string{kNonceHeader}, codec::to_hex(order_.request.client_nonce));
    if (progress_.placed()) {
        headers.set("x-provider", codec::to_hex(progress_.placed()->lease.node));
        headers.set("x-attempts", std::to_string(progress_.attempts()));
    }
    return headers;
}

ports::HttpHeaders GenerationFlow::bill_headers() const {
    ports::HttpHeaders headers = placed_headers();
    headers.set("x-cost", to_string(bill_.cost));
    headers.set("x-provider", codec::to_hex(bill_.node));
    headers.set("x-receipt", codec::to_hex(bill_.receipt_hash));
    headers.set("x-attempts", std::to_string(bill_.attempts));
    headers.set("x-gateway-overhead-ms", to_ms_text(bill_.overhead_ms));
    headers.set("openai-processing-ms", to_ms_text(ms_since_start(shared_->runtime->now())));
    return headers;
}

Task<void> GenerationFlow::answer() {
    if (progress_.failure() && !writer_.has_started()) {
        ports::HttpResponse response = error_response(*progress_.failure(), exchange_->request_id);
        for (const auto& [name, value] : placed_headers().fields) response.headers.set(name, value);
        co_await finish_idempotent(response);
        co_await writer_.respond(std::move(response));
        co_return;
    }
    if (request_.stream) {
        co_await answer_stream();
        co_return;
    }
    ports::HttpResponse response;
    response.headers = bill_headers();
    response.headers.set("content-type", "application/json");
    const AnswerContent content{
        .text = progress_.text(), .reason = progress_.done()->reason, .logprobs = progress_.logprobs()};
    const auto write = request_.endpoint == Endpoint::kResponses ? whole_response : whole_answer;
    response.body = codec::dump_json(write(identity_, answer_form(), content, bill_));
    co_await finish_idempotent(response);
    co_await writer_.respond(std::move(response));
}

Task<void> GenerationFlow::answer_stream() {
    if (!writer_.has_started()) {
        co_await start_stream();
    }
    const std::string rest = progress_.take_text();
    const std::span<const TokenLogprobs> logprobs = take_logprobs();
    const bool is_more = !rest.empty() || !logprobs.empty();
    std::string last = is_more ? stream_->content(rest, logprobs) : std::string{};
    if (progress_.failure()) {
        last += stream_->failure(error_body(*progress_.failure(), exchange_->request_id));
    } else {
        const bool usage_by_header = !request_.include_usage && exchange_->request.headers.get("x-usage") == "always";
        last += stream_->finish(progress_.done()->reason, usage_by_header ? &bill_ : nullptr);
        last += stream_->usage(bill_);
        last += stream_->end();
    }
    ports::HttpResponse answered = writer_.copy();
    answered.body += last;
    co_await finish_idempotent(std::move(answered));
    co_await writer_.write(std::move(last));
    co_await writer_.finish();
}

}  // namespace vcity::gateway
