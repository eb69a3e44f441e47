// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/x402/desk.hpp"

#include <algorithm>
#include <utility>

#include <fmt/core.h>

#include "codec/hex.hpp"
#include "market/pricing.hpp"
#include "services/common/http_text.hpp"
#include "services/gateway/api/offers.hpp"

namespace vcity::gateway::x402 {
namespace {

constexpr std::string_view kKeyName = "x402";
constexpr std::size_t kAnswerBytesMax = 64U << 10U;
constexpr unsigned kStatusServerError = 500;

ApiError api_error(ErrorCode code, std::string message, std::string param = {}) {
    ApiError error;
    error.code = code;
    error.message = std::move(message);
    error.param = std::move(param);
    return error;
}

ApiError silent_facilitator(std::string message) {
    ApiError error = api_error(ErrorCode::kFacilitatorUnavailable, std::move(message));
    error.retry_after = std::chrono::seconds{1};
    return error;
}

}  // namespace

Desk::Desk(const Shared* shared, ports::HttpClient* http)
    : shared_{shared}, options_{&shared->options->x402}, http_{http}, book_{options_->payments_max} {}

bool Desk::takes(const ports::HttpRequest& request) const {
    return http_ != nullptr && !options_->facilitator.empty() && !request.headers.has("authorization");
}

ApiResult<KeyRecord> Desk::house_key() const {
    for (const KeyRecord& record : shared_->keys->of(options_->account)) {
        if (record.terms.name != kKeyName) continue;
        ApiResult<KeyRecord> good = shared_->keys->find(record.digest);
        if (good) return good;
    }
    return api_error(ErrorCode::kMissingApiKey, "this gateway sells no single calls now; send an API key");
}

ApiResult<Usd> Desk::quote(const KeyRecord& key, const GenerationRequest& request) const {
    const ApiResult<SchedulerLink*> serving = shared_->schedulers->serving(key.terms.cap.cap);
    if (!serving) return serving.error();
    if (!(*serving)->offers().is_known()) {
        ApiError error = api_error(ErrorCode::kSchedulerUnavailable, "the scheduler has not told its offers yet");
        error.retry_after = std::chrono::seconds{1};
        return error;
    }
    const ModelListing* listing = (*serving)->offers().find(request.call.model);
    if (listing == nullptr) {
        return api_error(ErrorCode::kModelNotFound, "no node offers the model '" + request.call.model + "'", "model");
    }
    ApiResult<TokenPrices> ceiling = price_ceiling(*listing, request.prices_max);
    if (!ceiling) return std::move(ceiling).error();
    ModelRequest call = request.call;
    if (call.output_tokens_max == 0) {
        const std::uint32_t half = listing->context_tokens_max / 2;
        call.output_tokens_max = std::max(1U, std::min(shared_->options->output_tokens_default, half));
    }
    const Result<Usd> one = market::quote_of(call, *ceiling);
    const std::uint64_t choices = std::max<std::uint64_t>(request.choices, 1);
    if (!one || one->micro > options_->amount_max.micro / choices) {
        return api_error(ErrorCode::kRequestRefused,
                         fmt::format("calls of more than ${} are sold to keys only", to_string(options_->amount_max)));
    }
    return Usd{std::max<std::uint64_t>(one->micro * choices, 1)};
}

ApiResult<Sale> Desk::price(const Exchange& exchange, const GenerationRequest& request) {
    const std::string host{services::host_of(exchange.request.remote)};
    const RateDecision rate = rates_.take(host, options_->requests_per_minute, shared_->runtime->now());
    if (!rate.allowed) {
        ApiError error = api_error(ErrorCode::kRateLimitExceeded, "too many calls without a key from this address");
        error.retry_after = rate.retry_after;
        return error;
    }
    if (request.stream) {
        return api_error(ErrorCode::kUnsupportedParameter,
                         "a call that is paid by itself has no stream: it is paid once its answer is whole", "stream");
    }
    if (!request.models.empty()) {
        return api_error(ErrorCode::kUnsupportedParameter, "a call that is paid by itself names one model", "models");
    }
    ApiResult<KeyRecord> key = house_key();
    if (!key) return std::move(key).error();
    ApiResult<Usd> amount = quote(*key, request);
    if (!amount) return std::move(amount).error();
    return Sale{.terms = {.chain_id = shared_->deployment->chain_id,
                          .amount = *amount,
                          .asset = shared_->deployment->stable,
                          .pay_to = options_->account,
                          .timeout_seconds = options_->payment_seconds,
                          .token_name = shared_->options->platform.stable.name,
                          .token_version = options_->token_version},
                .key = *std::move(key)};
}

ports::HttpResponse Desk::unpaid(const Exchange& exchange, const Sale& sale, const ApiError& error) const {
    ports::HttpResponse response = error_response(error, exchange.request_id);
    const std::string url = shared_->options->public_url + std::string{services::path_of(exchange.request.target)};
    response.headers.set(kRequiredHeader, required_header(sale.terms, url, error.message));
    // A price is of a moment.
    response.headers.set("cache-control", "no-store");
    return response;
}

Task<Result<std::string>> Desk::ask(std::string path, std::string body) {
    ports::HttpRequest request;
    request.method = "POST";
    request.target = options_->facilitator + path;
    request.headers.set("content-type", "application/json");
    request.body = std::move(body);
    const TimePoint deadline = shared_->runtime->now() + options_->patience;
    CO_TRY(ports::HttpResponse answer, co_await http_->send(std::move(request), deadline));
    // A refusal may come with 400 or 402 and the same body.
    if (answer.status >= kStatusServerError || answer.body.size() > kAnswerBytesMax) {
        co_return make_error(Errc::kUnavailable, fmt::format("the facilitator answered {}", answer.status));
    }
    co_return std::move(answer.body);
}

Task<ApiResult<Payment>> Desk::accept(std::string header, Terms terms) {
    const std::uint64_t now = shared_->runtime->unix_now().count() / 1000;
    ApiResult<Payment> payment = read_payment(header, terms, now);
    if (!payment) co_return payment;
    if (!book_.take(*payment, now)) {
        co_return api_error(ErrorCode::kPaymentRefused, "this payment is used for another call", kSignatureHeader);
    }
    std::string body = facilitator_body(*payment, terms);
    const Result<std::string> text = co_await ask("/verify", std::move(body));
    const Result<FacilitatorAnswer> answer =
        text ? parse_verify_answer(*text) : Result<FacilitatorAnswer>{text.error()};
    if (answer && answer->ok) co_return payment;
    book_.release(*payment);
    if (!answer) co_return silent_facilitator("payments cannot be checked now");
    co_return api_error(ErrorCode::kPaymentRefused, "the facilitator refuses the payment: " + answer->reason,
                        kSignatureHeader);
}

Task<ApiResult<std::string>> Desk::settle(Payment payment, Terms terms) {
    std::string body = facilitator_body(payment, terms);
    const Result<std::string> text = co_await ask("/settle", std::move(body));
    const Result<FacilitatorAnswer> answer =
        text ? parse_settle_answer(*text) : Result<FacilitatorAnswer>{text.error()};
    if (!answer) {
        co_return silent_facilitator("it is not known whether the payment was made; look at its nonce " +
                                     codec::to_hex(payment.nonce) + " before you sign another one");
    }
    if (!answer->ok) {
        co_return api_error(ErrorCode::kPaymentRefused, "the payment was not made: " + answer->reason,
                            kSignatureHeader);
    }
    co_return response_header(*answer, payment, terms);
}

}  // namespace vcity::gateway::x402
