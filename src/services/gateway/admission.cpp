// SPDX-License-Identifier: Apache-2.0
// Who may have a request answered: room, caller, rates, addresses and scopes.
#include <algorithm>
#include <utility>

#include "codec/hex.hpp"
#include "services/common/http_text.hpp"
#include "services/gateway/gateway.hpp"
#include "services/gateway/keys/ip_range.hpp"

namespace vcity::gateway {
namespace {

constexpr std::uint64_t kSessionRequestsPerMinute = 1'200;

ApiError refusal_of(ErrorCode code, std::string message) {
    ApiError error;
    error.code = code;
    error.message = std::move(message);
    return error;
}

}  // namespace

ApiError Gateway::no_room() {
    ApiError error = refusal_of(ErrorCode::kGatewayOverloaded, "the gateway runs as many requests as it may");
    error.retry_after = std::chrono::seconds{1};
    return error;
}

Refusal Gateway::take_rate(Exchange* exchange, const Caller& caller) {
    const RateDecision rate =
        caller.key ? keys_.take_rate(caller.key->digest)
                   : session_rates_.take(codec::to_hex(caller.account), kSessionRequestsPerMinute, runtime_->now());
    exchange->headers.set("x-ratelimit-limit-requests", std::to_string(rate.limit));
    exchange->headers.set("x-ratelimit-remaining-requests", std::to_string(rate.remaining));
    exchange->headers.set("x-ratelimit-reset-requests", to_reset_text(rate.reset_after));
    if (rate.allowed) return std::nullopt;
    ApiError error =
        refusal_of(ErrorCode::kRateLimitExceeded, std::string{caller.key ? "this key" : "an account"} + " may send " +
                                                      std::to_string(rate.limit) + " requests per minute");
    error.retry_after = rate.retry_after;
    return error;
}

ApiResult<Caller> Gateway::authenticate(const Exchange& exchange, Access access) {
    const std::string_view authorization = exchange.request.headers.get("authorization");
    constexpr std::string_view kScheme = "Bearer ";
    const std::string_view token = authorization.substr(std::min(kScheme.size(), authorization.size()));
    const bool is_session = authorization.starts_with(kScheme) && token.starts_with(kSessionPrefix);
    ApiError wrong;
    if (is_session) {
        const ApiResult<Session> session = sessions_.find(token);
        if (session && access != Access::kKey) {
            return Caller{.account = session->account, .key = std::nullopt, .session = session->digest};
        }
        if (session) return refusal_of(ErrorCode::kInvalidApiKey, "this endpoint takes an API key, not a session");
        wrong = session.error();
    } else {
        ApiResult<KeyRecord> key = keys_.authenticate(authorization);
        if (key && access == Access::kSession) {
            return refusal_of(ErrorCode::kSessionNeeded, "this endpoint takes the session of a wallet, not an API key");
        }
        if (key) return Caller{.account = key->account(), .key = *std::move(key), .session = {}};
        wrong = key.error();
    }
    const std::string host{services::host_of(exchange.request.remote)};
    const RateDecision rate = auth_failures_.take(host, options_.auth_failures_per_minute, runtime_->now());
    if (rate.allowed) return wrong;
    ApiError error = refusal_of(ErrorCode::kAuthFailureLimitExceeded, "too many wrong API keys from this address");
    error.retry_after = rate.retry_after;
    return error;
}

ApiResult<Caller> Gateway::identify(Exchange* exchange, const RouteSpec& route) {
    if (takes_seat(route.access)) return authenticate(*exchange, route.access);
    if (route.access == Access::kOperator) {
        if (Refusal refused = check_admin(*exchange)) return *std::move(refused);
    }
    return Caller{};
}

Refusal Gateway::admit(Exchange* exchange, const RouteSpec& route, const Caller& caller) {
    // What a customer's own replicas answer costs the network nothing; only the tunnels are counted.
    if (route.route != Route::kDoor) {
        if (Refusal refused = take_rate(exchange, caller)) return refused;
    }
    if (!caller.key) return std::nullopt;
    const KeyTerms& terms = caller.key->terms;
    if (!is_allowed_from(terms.ip_allow, services::host_of(exchange->request.remote))) {
        return refusal_of(ErrorCode::kAddressNotAllowed, "this key may not be used from this address");
    }
    if (!terms.scopes.overlaps(route.scopes)) {
        return refusal_of(ErrorCode::kScopeMissing,
                          "this key may not do that; its scopes are " + codec::dump_json(to_json(terms.scopes)));
    }
    return std::nullopt;
}

}  // namespace vcity::gateway
