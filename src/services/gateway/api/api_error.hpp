// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include <tl/expected.hpp>

#include "codec/json.hpp"
#include "ports/http.hpp"

namespace vcity::gateway {

// What a client can be told, one code for each thing a client may do about it. docs/api/errors.md lists them for
// people; a test keeps the two in step.
enum class ErrorCode : std::uint8_t {
    kInvalidJson,
    kInvalidUtf8,
    kMissingParameter,
    kUnknownParameter,
    kUnsupportedParameter,
    kInvalidType,
    kInvalidValue,
    kContextLengthExceeded,
    kRequestRefused,
    kMethodNotAllowed,
    kRequestTooLarge,
    kRangeNotSatisfiable,
    kUnsupportedMediaType,
    kIdempotencyInProgress,
    kIdempotencyJobEnded,
    kIdempotencyMismatch,
    kDeploymentExists,
    kMissingApiKey,
    kInvalidApiKey,
    kExpiredApiKey,
    kDisabledApiKey,
    kInvalidSession,
    kExpiredSession,
    kSignInRefused,
    kInvalidAdminToken,
    kInsufficientBalance,
    kKeyBudgetExceeded,
    kSpendingCapInvalid,
    kPaymentNeeded,
    kPaymentRefused,
    kScopeMissing,
    kAddressNotAllowed,
    kSessionNeeded,
    kKeyQuotaExceeded,
    kWebhookQuotaExceeded,
    kModelNotAllowed,
    kWorkNotAllowed,
    kFileQuotaExceeded,
    kAdminNotLocal,
    kRouteNotFound,
    kModelNotFound,
    kGenerationNotFound,
    kJobNotFound,
    kStepPortRefused,
    kQuoteNotFound,
    kRecordNotFound,
    kApiKeyNotFound,
    kDeploymentNotFound,
    kWebhookNotFound,
    kFileNotFound,
    kRateLimitExceeded,
    kTokenLimitExceeded,
    kParallelLimitExceeded,
    kAuthFailureLimitExceeded,
    kInternalError,
    kProviderFailed,
    kProviderStreamBroken,
    kReceiptMismatch,
    kClientTooSlow,
    kNoProviderAvailable,
    kPriceLimitUnmet,
    kStepNotReachable,
    kDeploymentNotReady,
    kSchedulerUnavailable,
    kGatewayOverloaded,
    kFilesUnavailable,
    kWebhooksUnavailable,
    kExplorerUnavailable,
    kFacilitatorUnavailable,
    kSignInUnavailable,
    kStorageFull,
    kRequestTimeout,
};

// Whether the x-should-retry header is sent, and with which value. Absent: the client's own rule for the status holds.
enum class RetryAdvice : std::uint8_t { kAbsent, kYes, kNo };

struct ErrorSpec {
    ErrorCode code;
    std::string_view name;  // stable
    std::string_view type;  // one of error_types()
    unsigned status;
    RetryAdvice retry;
    std::string_view meaning;  // for people
};

// One row for each ErrorCode, in the order of the enum.
std::span<const ErrorSpec> error_table();
// The closed list of types.
std::span<const std::string_view> error_types();
const ErrorSpec& spec_of(ErrorCode code);

struct ApiError {
    ErrorCode code = ErrorCode::kInternalError;
    std::string message;
    std::string param;  // the field at fault; empty: null in the body
    std::optional<std::chrono::milliseconds> retry_after;
    std::optional<std::uint64_t> resets_at;  // unix seconds; when a budget starts afresh
};

// A value, or what to tell the client instead.
template <class T>
class [[nodiscard]] ApiResult : public tl::expected<T, ApiError> {
  public:
    using tl::expected<T, ApiError>::expected;
    ApiResult(ApiError error) : tl::expected<T, ApiError>(tl::unexpect, std::move(error)) {}
};

// Nothing, or what to tell the client.
using Refusal = std::optional<ApiError>;

// {"error": {"message", "type", "param", "code", "request_id", "doc_url"}}: the first four are always there.
codec::Json error_body(const ApiError& error, std::string_view request_id);
// With status, x-should-retry, Retry-After and retry-after-ms.
ports::HttpResponse error_response(const ApiError& error, std::string_view request_id);

}  // namespace vcity::gateway
