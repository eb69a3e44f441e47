// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "services/gateway/accounts/caller.hpp"
#include "services/gateway/exchange.hpp"
#include "services/gateway/webhooks/webhook_desk.hpp"

namespace vcity::gateway {

inline constexpr std::string_view kWebhooksPath = "/api/v1/webhooks";

// Webhooks of an account (docs/api/webhooks.md).
class WebhookApi {
  public:
    WebhookApi(const Shared* shared, WebhookDesk* desk) : shared_{shared}, desk_{desk} {}

    // exchange: of a path of Route::kWebhooks.
    Task<ApiResult<ports::HttpResponse>> answer(Exchange* exchange, Caller caller);

  private:
    using Response = ApiResult<ports::HttpResponse>;

    Response list(const Caller& caller) const;
    Task<Response> create(Exchange* exchange, Caller caller);
    Task<Response> one(Exchange* exchange, WebhookEndpoint endpoint);
    Task<Response> renew_secret(WebhookEndpoint endpoint);
    Response deliveries(const Exchange& exchange, const WebhookEndpoint& endpoint) const;
    Response test(const WebhookEndpoint& endpoint);
    ApiResult<WebhookEndpoint> read_fields(const Exchange& exchange, WebhookEndpoint endpoint) const;

    const Shared* shared_;
    WebhookDesk* desk_;
};

}  // namespace vcity::gateway
