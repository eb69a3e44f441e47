// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.hpp"
#include "codec/json.hpp"
#include "services/gateway/api/api_error.hpp"

namespace vcity::gateway {

// Every type of event, in the words of the documentation.
std::span<const std::string_view> webhook_event_types();

// Where an account wants to be told of events. Its secret is in no store: it is derived from one that the gateway has.
struct WebhookEndpoint {
    std::string id;  // "we_" and 24 hexadecimal digits
    Address account;
    std::string url;
    std::string description;          // for people; at most 256 bytes
    std::vector<std::string> events;  // types, or "job.*"; empty: all
    bool enabled = true;
    std::uint64_t secret_version = 1;
    std::uint64_t created_unix_seconds = 0;

    bool operator==(const WebhookEndpoint&) const = default;

    bool wants(std::string_view type) const;
};

enum class DeliveryState : std::uint8_t { kPending, kDelivered, kDead };
std::string_view to_string(DeliveryState state);

// One event on its way to one endpoint.
struct WebhookDelivery {
    std::string id;  // "msg_" and 24 hexadecimal digits: the webhook-id of every try
    std::string endpoint;
    Address account;
    std::string type;
    std::string body;
    DeliveryState state = DeliveryState::kPending;
    std::uint64_t tries = 0;
    std::uint64_t created_unix_seconds = 0;
    std::uint64_t next_try_unix_seconds = 0;
    std::uint64_t last_status = 0;  // of the last answer; 0: there was none
    std::string last_error;

    bool operator==(const WebhookDelivery&) const = default;
};

codec::Json to_json(const WebhookEndpoint& endpoint);
Result<WebhookEndpoint> parse_webhook_endpoint(std::string_view text);
codec::Json to_json(const WebhookDelivery& delivery);
Result<WebhookDelivery> parse_webhook_delivery(std::string_view text);
// Forms for people.
codec::Json to_public_json(const WebhookEndpoint& endpoint);
codec::Json to_public_json(const WebhookDelivery& delivery);

// Whether the operator lets the gateway call this URL.
using UrlRule = std::function<bool(std::string_view url)>;
// The body of POST and PATCH over what the endpoint holds; errors name the field. The URL must be there for POST.
ApiResult<WebhookEndpoint> with_webhook_fields(WebhookEndpoint endpoint, const codec::Json& body, const UrlRule& rule);
// https to port 443 or 8443, or one of the origins, such as "http://127.0.0.1:8080".
bool is_webhook_url(std::string_view url, std::span<const std::string> origins);

// "whsec_" and base64 of 32 bytes, as Standard Webhooks has it.
std::string webhook_secret_text(const Hash& secret);
// "v1," and base64 of HMAC-SHA256 over "id.timestamp.body".
std::string webhook_signature(const Hash& secret, std::string_view id, std::uint64_t timestamp, std::string_view body);

inline constexpr std::size_t kWebhookTriesMax = 8;
// Seconds between that many tries and the next one: 5 s at first, 42 hours in all, each up to a tenth shorter or longer
// by draw, which is uniform.
std::uint64_t webhook_pause_seconds(std::uint64_t tries, std::uint64_t draw);

}  // namespace vcity::gateway
