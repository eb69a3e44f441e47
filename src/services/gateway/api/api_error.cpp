// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/api/api_error.hpp"

#include <array>

#include "base/check.hpp"

namespace vcity::gateway {
namespace {

constexpr std::string_view kRequest = "invalid_request_error";
constexpr std::string_view kAuthentication = "authentication_error";
constexpr std::string_view kPermission = "permission_error";
constexpr std::string_view kNotFound = "not_found_error";
constexpr std::string_view kBalance = "insufficient_balance";
constexpr std::string_view kBudget = "budget_exceeded";
constexpr std::string_view kRateLimit = "rate_limit_error";
constexpr std::string_view kNoProvider = "no_provider_available";
constexpr std::string_view kProvider = "provider_error";
constexpr std::string_view kTimeout = "timeout_error";
constexpr std::string_view kPayment = "payment_required";
constexpr std::string_view kInternal = "internal_error";

constexpr std::array kTypes = {kRequest,   kAuthentication, kPermission, kNotFound, kBalance, kBudget,
                               kRateLimit, kNoProvider,     kProvider,   kTimeout,  kPayment, kInternal};

using Code = ErrorCode;
using Retry = RetryAdvice;

constexpr std::array kTable = {
    ErrorSpec{Code::kInvalidJson, "invalid_json", kRequest, 400, Retry::kAbsent,
              "The body is not one JSON value; the message has the byte offset."},
    ErrorSpec{Code::kInvalidUtf8, "invalid_utf8", kRequest, 400, Retry::kAbsent,
              "The body is not UTF-8; the message has the byte offset."},
    ErrorSpec{Code::kMissingParameter, "missing_parameter", kRequest, 400, Retry::kAbsent,
              "A field that must be there is not."},
    ErrorSpec{Code::kUnknownParameter, "unknown_parameter", kRequest, 400, Retry::kAbsent,
              "A field that this endpoint does not know."},
    ErrorSpec{Code::kUnsupportedParameter, "unsupported_parameter", kRequest, 400, Retry::kAbsent,
              "A known field or value that this network cannot honour yet, such as audio."},
    ErrorSpec{Code::kInvalidType, "invalid_type", kRequest, 400, Retry::kAbsent, "A field has the wrong JSON type."},
    ErrorSpec{Code::kInvalidValue, "invalid_value", kRequest, 400, Retry::kAbsent, "A field has a value out of range."},
    ErrorSpec{Code::kContextLengthExceeded, "context_length_exceeded", kRequest, 400, Retry::kAbsent,
              "Prompt and output limit together do not fit the model's context."},
    ErrorSpec{Code::kRequestRefused, "request_refused", kRequest, 400, Retry::kAbsent,
              "The network cannot take this request; the message has the scheduler's or the node's reason."},
    ErrorSpec{Code::kMethodNotAllowed, "method_not_allowed", kRequest, 405, Retry::kAbsent,
              "The path exists, but not for this method."},
    ErrorSpec{Code::kRequestTooLarge, "request_too_large", kRequest, 413, Retry::kAbsent,
              "The body or the prompt is larger than the gateway takes."},
    ErrorSpec{Code::kRangeNotSatisfiable, "range_not_satisfiable", kRequest, 416, Retry::kAbsent,
              "The Range begins beyond the file's end."},
    ErrorSpec{Code::kUnsupportedMediaType, "unsupported_media_type", kRequest, 415, Retry::kAbsent,
              "The body is not declared as application/json."},
    ErrorSpec{Code::kIdempotencyInProgress, "idempotency_in_progress", kRequest, 409, Retry::kYes,
              "A request with this Idempotency-Key is still running."},
    ErrorSpec{Code::kIdempotencyJobEnded, "idempotency_job_ended", kRequest, 409, Retry::kNo,
              "The request with this Idempotency-Key ended after output was delivered; it will not run again."},
    ErrorSpec{Code::kIdempotencyMismatch, "idempotency_mismatch", kRequest, 422, Retry::kNo,
              "This Idempotency-Key was used with another body."},
    ErrorSpec{Code::kDeploymentExists, "deployment_exists", kRequest, 409, Retry::kNo,
              "The client has a deployment of this name, or is removing one."},
    ErrorSpec{Code::kMissingApiKey, "missing_api_key", kAuthentication, 401, Retry::kAbsent,
              "No 'Authorization: Bearer sk-...' header."},
    ErrorSpec{Code::kInvalidApiKey, "invalid_api_key", kAuthentication, 401, Retry::kAbsent,
              "The key is malformed, unknown or revoked."},
    ErrorSpec{Code::kExpiredApiKey, "expired_api_key", kAuthentication, 401, Retry::kAbsent,
              "The key was valid until its expiry."},
    ErrorSpec{Code::kDisabledApiKey, "disabled_api_key", kAuthentication, 401, Retry::kAbsent,
              "Its owner has switched the key off."},
    ErrorSpec{Code::kInvalidSession, "invalid_session", kAuthentication, 401, Retry::kAbsent,
              "The session is unknown or was ended; sign in again."},
    ErrorSpec{Code::kExpiredSession, "expired_session", kAuthentication, 401, Retry::kAbsent,
              "The session's time has passed; sign in again."},
    ErrorSpec{Code::kSignInRefused, "sign_in_refused", kAuthentication, 401, Retry::kNo,
              "The sign-in message or its signature is not valid; the message says what is wrong."},
    ErrorSpec{Code::kInvalidAdminToken, "invalid_admin_token", kAuthentication, 401, Retry::kAbsent,
              "The admin endpoints take the token from the gateway's admin token file."},
    ErrorSpec{Code::kInsufficientBalance, "insufficient_balance", kBalance, 402, Retry::kNo,
              "The quote does not fit what is left of the client's spending cap."},
    ErrorSpec{Code::kKeyBudgetExceeded, "key_budget_exceeded", kBudget, 402, Retry::kNo,
              "The quote does not fit what is left of this key's budget; resets_at says when it starts afresh."},
    ErrorSpec{Code::kSpendingCapInvalid, "spending_cap_invalid", kPayment, 402, Retry::kNo,
              "The spending cap behind this key is expired, not covered by a deposit, or for another scheduler."},
    ErrorSpec{Code::kPaymentNeeded, "payment_needed", kPayment, 402, Retry::kNo,
              "No API key: pay for this one call as the header PAYMENT-REQUIRED says (x402), or send a key."},
    ErrorSpec{Code::kPaymentRefused, "payment_refused", kPayment, 402, Retry::kNo,
              "The payment of this one call is not good, is in use, or was not made; nothing was delivered."},
    ErrorSpec{Code::kScopeMissing, "scope_missing", kPermission, 403, Retry::kAbsent,
              "This key has none of the scopes that the endpoint asks for."},
    ErrorSpec{Code::kAddressNotAllowed, "address_not_allowed", kPermission, 403, Retry::kAbsent,
              "This key may not be used from this IP address."},
    ErrorSpec{Code::kSessionNeeded, "session_needed", kPermission, 403, Retry::kAbsent,
              "Only a wallet that has signed in may do this, no API key."},
    ErrorSpec{Code::kKeyQuotaExceeded, "key_quota_exceeded", kPermission, 403, Retry::kAbsent,
              "The account has as many keys as it may have."},
    ErrorSpec{Code::kWebhookQuotaExceeded, "webhook_quota_exceeded", kPermission, 403, Retry::kAbsent,
              "The account has as many webhooks as it may have."},
    ErrorSpec{Code::kModelNotAllowed, "model_not_allowed", kPermission, 403, Retry::kAbsent,
              "This key may not use this model."},
    ErrorSpec{Code::kWorkNotAllowed, "work_not_allowed", kPermission, 403, Retry::kAbsent,
              "This key may only call the models that it names."},
    ErrorSpec{Code::kFileQuotaExceeded, "file_quota_exceeded", kPermission, 403, Retry::kAbsent,
              "The client has as many files, bytes or uploads as it may have."},
    ErrorSpec{Code::kAdminNotLocal, "admin_not_local", kPermission, 403, Retry::kAbsent,
              "The admin endpoints answer on the gateway's own machine only."},
    ErrorSpec{Code::kRouteNotFound, "route_not_found", kNotFound, 404, Retry::kAbsent, "No such path."},
    ErrorSpec{Code::kModelNotFound, "model_not_found", kNotFound, 404, Retry::kAbsent,
              "No node offers a model of this name; GET /v1/models lists what can be had."},
    ErrorSpec{Code::kGenerationNotFound, "generation_not_found", kNotFound, 404, Retry::kAbsent,
              "No generation of this id belongs to this key."},
    ErrorSpec{Code::kJobNotFound, "job_not_found", kNotFound, 404, Retry::kAbsent,
              "No job or step of this name belongs to the client of this key."},
    ErrorSpec{Code::kStepPortRefused, "step_port_refused", kPermission, 403, Retry::kNo,
              "The step has not declared this port, or its node opens no way in; the message says which."},
    ErrorSpec{Code::kQuoteNotFound, "quote_not_found", kNotFound, 404, Retry::kAbsent,
              "The quote is unknown, for another job, or its time has passed; ask for a new one."},
    ErrorSpec{Code::kRecordNotFound, "record_not_found", kNotFound, 404, Retry::kAbsent,
              "Neither the chain nor the network knows anything of this id."},
    ErrorSpec{Code::kApiKeyNotFound, "api_key_not_found", kNotFound, 404, Retry::kAbsent, "No key of this id."},
    ErrorSpec{Code::kDeploymentNotFound, "deployment_not_found", kNotFound, 404, Retry::kAbsent,
              "No deployment of this name belongs to the client of this key."},
    ErrorSpec{Code::kWebhookNotFound, "webhook_not_found", kNotFound, 404, Retry::kAbsent,
              "No webhook or delivery of this id belongs to the account."},
    ErrorSpec{Code::kFileNotFound, "file_not_found", kNotFound, 404, Retry::kAbsent,
              "No file of this name or id belongs to the client of this key, or it is no longer kept."},
    ErrorSpec{Code::kRateLimitExceeded, "rate_limit_exceeded", kRateLimit, 429, Retry::kAbsent,
              "More requests per minute than this key may send."},
    ErrorSpec{Code::kTokenLimitExceeded, "token_limit_exceeded", kRateLimit, 429, Retry::kAbsent,
              "More tokens per minute than this key may use."},
    ErrorSpec{Code::kParallelLimitExceeded, "parallel_limit_exceeded", kRateLimit, 429, Retry::kAbsent,
              "More requests at the same time than this key may have."},
    ErrorSpec{Code::kAuthFailureLimitExceeded, "auth_failure_limit_exceeded", kRateLimit, 429, Retry::kAbsent,
              "Too many wrong keys from this address."},
    ErrorSpec{Code::kInternalError, "internal_error", kInternal, 500, Retry::kAbsent,
              "The gateway failed; the request id leads to its log."},
    ErrorSpec{Code::kProviderFailed, "provider_failed", kProvider, 502, Retry::kYes,
              "Every node tried failed before the first token. Nothing was charged."},
    ErrorSpec{Code::kProviderStreamBroken, "provider_stream_broken", kProvider, 502, Retry::kNo,
              "The node failed after output was delivered. In a stream this is an event with no [DONE] after it."},
    ErrorSpec{Code::kReceiptMismatch, "receipt_mismatch", kProvider, 502, Retry::kNo,
              "The signed receipt does not match what was delivered or quoted; the gateway does not vouch for it."},
    ErrorSpec{Code::kClientTooSlow, "client_too_slow", kProvider, 502, Retry::kNo,
              "The client read so slowly that the bounded buffer ran full; the job was cancelled."},
    ErrorSpec{Code::kNoProviderAvailable, "no_provider_available", kNoProvider, 503, Retry::kYes,
              "No node has room for this request at the moment."},
    ErrorSpec{Code::kPriceLimitUnmet, "price_limit_unmet", kNoProvider, 503, Retry::kYes,
              "Every node that offers the model asks more than provider.max_price."},
    ErrorSpec{Code::kStepNotReachable, "step_not_reachable", kNoProvider, 503, Retry::kYes,
              "The step does not run now, nothing listens on its port, or its node cannot be reached."},
    ErrorSpec{Code::kDeploymentNotReady, "deployment_not_ready", kNoProvider, 503, Retry::kYes,
              "No replica of the deployment is ready; X-Scale-Up-Timeout makes the gateway wait for one."},
    ErrorSpec{Code::kSchedulerUnavailable, "scheduler_unavailable", kNoProvider, 503, Retry::kYes,
              "The gateway has no connection to its scheduler at the moment."},
    ErrorSpec{Code::kGatewayOverloaded, "gateway_overloaded", kNoProvider, 503, Retry::kYes,
              "The gateway runs as many requests as it may."},
    ErrorSpec{Code::kFilesUnavailable, "files_unavailable", kNoProvider, 503, Retry::kNo,
              "This gateway keeps no files."},
    ErrorSpec{Code::kWebhooksUnavailable, "webhooks_unavailable", kNoProvider, 503, Retry::kNo,
              "This gateway sends no webhooks."},
    ErrorSpec{Code::kExplorerUnavailable, "explorer_unavailable", kNoProvider, 503, Retry::kYes,
              "The indexer behind this gateway cannot answer now, or there is none."},
    ErrorSpec{Code::kFacilitatorUnavailable, "facilitator_unavailable", kInternal, 503, Retry::kNo,
              "The server that checks and makes payments of single calls does not answer."},
    ErrorSpec{Code::kSignInUnavailable, "sign_in_unavailable", kNoProvider, 503, Retry::kNo,
              "This gateway has no public address, which signing in is for."},
    ErrorSpec{Code::kStorageFull, "storage_full", kInternal, 507, Retry::kNo, "The gateway has no room for the file."},
    ErrorSpec{Code::kRequestTimeout, "request_timeout", kTimeout, 504, Retry::kNo,
              "The request did not end before its deadline and was cancelled."},
};

std::string_view to_text(RetryAdvice advice) {
    return advice == RetryAdvice::kYes ? "true" : "false";
}

codec::Json or_null(std::string_view text) {
    return text.empty() ? codec::Json{} : codec::Json{text};
}

}  // namespace

std::span<const ErrorSpec> error_table() {
    return kTable;
}

std::span<const std::string_view> error_types() {
    return kTypes;
}

const ErrorSpec& spec_of(ErrorCode code) {
    const auto index = static_cast<std::size_t>(code);
    CHECK(index < kTable.size() && kTable[index].code == code);
    return kTable[index];
}

codec::Json error_body(const ApiError& error, std::string_view request_id) {
    const ErrorSpec& spec = spec_of(error.code);
    codec::JsonObject detail = {
        {"message", error.message},      {"type", spec.type},
        {"param", or_null(error.param)}, {"code", spec.name},
        {"request_id", request_id},      {"doc_url", "docs/api/errors.md#" + std::string{spec.name}},
    };
    if (error.resets_at) detail.emplace_back("resets_at", *error.resets_at);
    return codec::JsonObject{{"error", std::move(detail)}};
}

ports::HttpResponse error_response(const ApiError& error, std::string_view request_id) {
    const ErrorSpec& spec = spec_of(error.code);
    ports::HttpResponse response;
    response.status = spec.status;
    response.headers.set("content-type", "application/json");
    if (spec.retry != RetryAdvice::kAbsent) response.headers.set("x-should-retry", std::string{to_text(spec.retry)});
    if (error.retry_after) {
        const auto milliseconds = error.retry_after->count();
        response.headers.set("retry-after", std::to_string((milliseconds + 999) / 1000));
        response.headers.set("retry-after-ms", std::to_string(milliseconds));
    }
    response.body = codec::dump_json(error_body(error, request_id));
    return response;
}

}  // namespace vcity::gateway
