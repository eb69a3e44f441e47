// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/webhooks/webhook_api.hpp"

#include <utility>

#include "services/common/http_text.hpp"

namespace vcity::gateway {
namespace {

using codec::Json;

constexpr std::size_t kDeliveriesMax = 100;
constexpr std::string_view kDeliveriesPart = "deliveries";
constexpr std::string_view kResendPart = "/resend";

ApiError api_error(ErrorCode code, std::string message, std::string param = {}) {
    ApiError error;
    error.code = code;
    error.message = std::move(message);
    error.param = std::move(param);
    return error;
}

ApiError to_api_error(const Error& error) {
    if (error.code == Errc::kExhausted) return api_error(ErrorCode::kWebhookQuotaExceeded, error.message);
    if (error.code == Errc::kNotFound) return api_error(ErrorCode::kWebhookNotFound, error.message);
    return api_error(ErrorCode::kInternalError, error.message);
}

ports::HttpResponse secret_json(const WebhookEndpoint& endpoint, const std::string& secret, unsigned status) {
    Json json = to_public_json(endpoint);
    json.set("secret", secret);
    ports::HttpResponse response = services::json_response(json);
    response.status = status;
    // The one time the secret is seen: no cache may keep it.
    response.headers.set("cache-control", "no-store");
    return response;
}

}  // namespace

Task<WebhookApi::Response> WebhookApi::answer(Exchange* exchange, Caller caller) {
    if (!desk_->is_open()) co_return api_error(ErrorCode::kWebhooksUnavailable, "this gateway sends no webhooks");
    std::string rest{services::path_of(exchange->request.target).substr(kWebhooksPath.size())};
    const std::string& method = exchange->request.method;
    if (rest.empty() && method == "GET") co_return list(caller);
    if (rest.empty()) {
        co_return co_await create(exchange, std::move(caller));
    }
    rest.erase(0, 1);
    const std::size_t slash = rest.find('/');
    const std::string part = slash == std::string::npos ? "" : rest.substr(slash + 1);
    std::optional<WebhookEndpoint> found = desk_->find(caller.account, rest.substr(0, slash));
    if (!found) co_return api_error(ErrorCode::kWebhookNotFound, "no webhook of this account has this id", "id");
    if (part.empty()) {
        co_return co_await one(exchange, *std::move(found));
    }
    if (part == "secret") {
        co_return co_await renew_secret(*std::move(found));
    }
    if (part == "test") co_return test(*found);
    if (part == kDeliveriesPart) co_return deliveries(*exchange, *found);
    const std::size_t begin = kDeliveriesPart.size() + 1;
    const std::string delivery = part.substr(begin, part.size() - begin - kResendPart.size());
    if (!desk_->resend(found->id, delivery)) {
        co_return api_error(ErrorCode::kWebhookNotFound, "no ended delivery of this webhook has this id", "id");
    }
    co_return services::json_response(
        codec::JsonObject{{"id", delivery}, {"object", "webhook.delivery"}, {"state", "pending"}});
}

WebhookApi::Response WebhookApi::list(const Caller& caller) const {
    codec::JsonArray data;
    for (const WebhookEndpoint& endpoint : desk_->of(caller.account)) data.push_back(to_public_json(endpoint));
    return services::json_response(
        codec::JsonObject{{"object", "list"}, {"data", std::move(data)}, {"next_cursor", Json{}}});
}

ApiResult<WebhookEndpoint> WebhookApi::read_fields(const Exchange& exchange, WebhookEndpoint endpoint) const {
    const ApiResult<Json> body = parse_body(exchange.request.body, shared_->options->limits);
    if (!body) return body.error();
    return with_webhook_fields(std::move(endpoint), *body,
                               [this](std::string_view url) { return desk_->may_call(url); });
}

Task<WebhookApi::Response> WebhookApi::create(Exchange* exchange, Caller caller) {
    WebhookEndpoint fresh;
    fresh.account = caller.account;
    ApiResult<WebhookEndpoint> endpoint = read_fields(*exchange, std::move(fresh));
    if (!endpoint) co_return std::move(endpoint).error();
    const Result<WebhookEndpoint> made = co_await desk_->put(*std::move(endpoint));
    if (!made) co_return to_api_error(made.error());
    shared_->log.info("webhook_created", {{"id", made->id}});
    co_return secret_json(*made, desk_->secret_of(*made), 201);
}

Task<WebhookApi::Response> WebhookApi::one(Exchange* exchange, WebhookEndpoint endpoint) {
    if (exchange->request.method == "GET") co_return services::json_response(to_public_json(endpoint));
    if (exchange->request.method == "DELETE") {
        const std::string id = endpoint.id;
        const Result<void> removed = co_await desk_->remove(id);
        if (!removed) co_return to_api_error(removed.error());
        co_return services::json_response(codec::JsonObject{{"id", id}, {"object", "webhook"}, {"deleted", true}});
    }
    ApiResult<WebhookEndpoint> changed = read_fields(*exchange, std::move(endpoint));
    if (!changed) co_return std::move(changed).error();
    const Result<WebhookEndpoint> kept = co_await desk_->put(*std::move(changed));
    if (!kept) co_return to_api_error(kept.error());
    co_return services::json_response(to_public_json(*kept));
}

Task<WebhookApi::Response> WebhookApi::renew_secret(WebhookEndpoint endpoint) {
    ++endpoint.secret_version;
    const Result<WebhookEndpoint> kept = co_await desk_->put(std::move(endpoint));
    if (!kept) co_return to_api_error(kept.error());
    co_return secret_json(*kept, desk_->secret_of(*kept), 200);
}

WebhookApi::Response WebhookApi::deliveries(const Exchange& exchange, const WebhookEndpoint& endpoint) const {
    const std::string state{services::query_of(exchange.request.target, "state")};
    const bool is_known = state.empty() || state == "pending" || state == "delivered" || state == "dead";
    if (!is_known) {
        return api_error(ErrorCode::kInvalidValue, "'state' must be pending, delivered or dead", "state");
    }
    codec::JsonArray data;
    for (const WebhookDelivery& delivery : desk_->deliveries(endpoint.id, SIZE_MAX)) {
        if (data.size() == kDeliveriesMax) break;
        if (state.empty() || to_string(delivery.state) == state) data.push_back(to_public_json(delivery));
    }
    return services::json_response(
        codec::JsonObject{{"object", "list"}, {"data", std::move(data)}, {"next_cursor", Json{}}});
}

WebhookApi::Response WebhookApi::test(const WebhookEndpoint& endpoint) {
    desk_->publish_to(endpoint, "webhook.test", codec::JsonObject{{"id", endpoint.id}});
    ports::HttpResponse response = services::json_response(codec::JsonObject{{"id", endpoint.id}, {"queued", true}});
    response.status = 202;
    return response;
}

}  // namespace vcity::gateway
