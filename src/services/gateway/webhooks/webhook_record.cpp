// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/webhooks/webhook_record.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "codec/base64.hpp"
#include "codec/hex.hpp"
#include "codec/url.hpp"
#include "crypto/sha256.hpp"

namespace vcity::gateway {
namespace {

using codec::Json;

constexpr std::array<std::string_view, 13> kTypes = {
    "job.succeeded",          "job.failed",
    "job.cancelled",          "batch.completed",
    "batch.failed",           "batch.expired",
    "batch.cancelled",        "fine_tuning.job.succeeded",
    "fine_tuning.job.failed", "fine_tuning.job.cancelled",
    "budget.exceeded",        "budget.soft_exceeded",
    "webhook.test",
};
constexpr std::size_t kDescriptionMax = 256;
constexpr std::size_t kEventsMax = 32;
constexpr std::array<std::string_view, 3> kStates = {"pending", "delivered", "dead"};
constexpr std::array<std::uint64_t, kWebhookTriesMax - 1> kPauses = {5,         5 * 60,     30 * 60,   2 * 3'600,
                                                                     5 * 3'600, 10 * 3'600, 24 * 3'600};

bool covers(std::string_view pattern, std::string_view type) {
    if (pattern.ends_with(".*")) return type.starts_with(pattern.substr(0, pattern.size() - 1));
    return pattern == type;
}

ApiError bad_field(std::string_view name, std::string_view expected) {
    ApiError error;
    error.code = ErrorCode::kInvalidValue;
    error.message = "'" + std::string{name} + "' must be " + std::string{expected};
    error.param = name;
    return error;
}

Error not_whole(std::string_view name) {
    return make_error(Errc::kCorrupt, "'" + std::string{name} + "' of a stored webhook is missing or wrong");
}

Result<std::string> text_of(const Json& json, std::string_view name) {
    const Json* value = json.find(name);
    if (value == nullptr || value->get_string() == nullptr) return not_whole(name);
    return *value->get_string();
}

Result<std::uint64_t> number_of(const Json& json, std::string_view name) {
    const Json* value = json.find(name);
    std::uint64_t number = 0;
    if (value == nullptr || !value->get_u64(&number)) return not_whole(name);
    return number;
}

Result<Address> address_of(const Json& json, std::string_view name) {
    TRY(const std::string text, text_of(json, name));
    return codec::parse_fixed<Address>(text);
}

std::optional<std::vector<std::string>> read_events(const Json& value) {
    std::vector<std::string> events;
    if (value.is_null()) return events;
    const codec::JsonArray* items = value.get_array();
    if (items == nullptr || items->size() > kEventsMax) return std::nullopt;
    for (const Json& item : *items) {
        const std::string* text = item.get_string();
        const bool is_known = text != nullptr && std::ranges::any_of(kTypes, [text](std::string_view type) {
                                  return covers(*text, type);
                              });
        if (!is_known) return std::nullopt;
        events.push_back(*text);
    }
    return events;
}

Refusal read_field(const std::string& name, const Json& value, const UrlRule& rule, WebhookEndpoint* endpoint) {
    const std::string* text = value.get_string();
    if (name == "url") {
        if (text == nullptr || !rule(*text)) {
            return bad_field(name, "an https URL on port 443 or 8443, without a user name");
        }
        endpoint->url = *text;
    } else if (name == "description") {
        if (text == nullptr || text->size() > kDescriptionMax) return bad_field(name, "at most 256 bytes of text");
        endpoint->description = *text;
    } else if (name == "events") {
        std::optional<std::vector<std::string>> events = read_events(value);
        if (!events) return bad_field(name, "a list of types of events, such as \"job.succeeded\" or \"job.*\"");
        endpoint->events = *std::move(events);
    } else if (name == "enabled") {
        if (value.get_bool() == nullptr) return bad_field(name, "true or false");
        endpoint->enabled = *value.get_bool();
    } else {
        ApiError error = bad_field(name.substr(0, 64), "left out: a webhook has no such field");
        error.code = ErrorCode::kUnknownParameter;
        return error;
    }
    return std::nullopt;
}

}  // namespace

std::span<const std::string_view> webhook_event_types() {
    return kTypes;
}

bool WebhookEndpoint::wants(std::string_view type) const {
    if (!enabled) return false;
    return events.empty() ||
           std::ranges::any_of(events, [type](const std::string& pattern) { return covers(pattern, type); });
}

std::string_view to_string(DeliveryState state) {
    return kStates[static_cast<std::size_t>(state)];
}

Json to_json(const WebhookEndpoint& endpoint) {
    return codec::JsonObject{
        {"id", endpoint.id},
        {"account", codec::to_hex(endpoint.account)},
        {"url", endpoint.url},
        {"description", endpoint.description},
        {"events", codec::JsonArray(endpoint.events.begin(), endpoint.events.end())},
        {"enabled", endpoint.enabled},
        {"secret_version", endpoint.secret_version},
        {"created", endpoint.created_unix_seconds},
    };
}

Result<WebhookEndpoint> parse_webhook_endpoint(std::string_view text) {
    TRY(const Json json, codec::parse_json(text));
    WebhookEndpoint endpoint;
    TRY(endpoint.id, text_of(json, "id"));
    TRY(endpoint.account, address_of(json, "account"));
    TRY(endpoint.url, text_of(json, "url"));
    TRY(endpoint.description, text_of(json, "description"));
    const Json* events = json.find("events");
    if (events == nullptr || events->get_array() == nullptr) return not_whole("events");
    for (const Json& each : *events->get_array()) {
        if (each.get_string() == nullptr) return not_whole("events");
        endpoint.events.push_back(*each.get_string());
    }
    const Json* enabled = json.find("enabled");
    if (enabled == nullptr || enabled->get_bool() == nullptr) return not_whole("enabled");
    endpoint.enabled = *enabled->get_bool();
    TRY(endpoint.secret_version, number_of(json, "secret_version"));
    TRY(endpoint.created_unix_seconds, number_of(json, "created"));
    return endpoint;
}

Json to_json(const WebhookDelivery& delivery) {
    return codec::JsonObject{
        {"id", delivery.id},
        {"endpoint", delivery.endpoint},
        {"account", codec::to_hex(delivery.account)},
        {"type", delivery.type},
        {"body", delivery.body},
        {"state", static_cast<std::uint64_t>(delivery.state)},
        {"tries", delivery.tries},
        {"created", delivery.created_unix_seconds},
        {"next_try", delivery.next_try_unix_seconds},
        {"last_status", delivery.last_status},
        {"last_error", delivery.last_error},
    };
}

Result<WebhookDelivery> parse_webhook_delivery(std::string_view text) {
    TRY(const Json json, codec::parse_json(text));
    WebhookDelivery delivery;
    TRY(delivery.id, text_of(json, "id"));
    TRY(delivery.endpoint, text_of(json, "endpoint"));
    TRY(delivery.account, address_of(json, "account"));
    TRY(delivery.type, text_of(json, "type"));
    TRY(delivery.body, text_of(json, "body"));
    TRY(const std::uint64_t state, number_of(json, "state"));
    if (state >= kStates.size()) return not_whole("state");
    delivery.state = static_cast<DeliveryState>(state);
    TRY(delivery.tries, number_of(json, "tries"));
    TRY(delivery.created_unix_seconds, number_of(json, "created"));
    TRY(delivery.next_try_unix_seconds, number_of(json, "next_try"));
    TRY(delivery.last_status, number_of(json, "last_status"));
    TRY(delivery.last_error, text_of(json, "last_error"));
    return delivery;
}

Json to_public_json(const WebhookEndpoint& endpoint) {
    return codec::JsonObject{
        {"id", endpoint.id},
        {"object", "webhook"},
        {"url", endpoint.url},
        {"description", endpoint.description},
        {"events", codec::JsonArray(endpoint.events.begin(), endpoint.events.end())},
        {"enabled", endpoint.enabled},
        {"created_at", endpoint.created_unix_seconds},
    };
}

Json to_public_json(const WebhookDelivery& delivery) {
    const bool is_pending = delivery.state == DeliveryState::kPending;
    const Result<Json> body = codec::parse_json(delivery.body);
    return codec::JsonObject{
        {"id", delivery.id},
        {"object", "webhook.delivery"},
        {"type", delivery.type},
        {"state", to_string(delivery.state)},
        {"tries", delivery.tries},
        {"created_at", delivery.created_unix_seconds},
        {"next_try_at", is_pending ? Json{delivery.next_try_unix_seconds} : Json{}},
        {"last_status", delivery.last_status == 0 ? Json{} : Json{delivery.last_status}},
        {"last_error", delivery.last_error.empty() ? Json{} : Json{delivery.last_error}},
        {"event", body ? *body : Json{}},
    };
}

ApiResult<WebhookEndpoint> with_webhook_fields(WebhookEndpoint endpoint, const Json& body, const UrlRule& rule) {
    const codec::JsonObject* fields = body.get_object();
    if (fields == nullptr) return bad_field("body", "a JSON object");
    for (const auto& [name, value] : *fields) {
        if (Refusal refused = read_field(name, value, rule, &endpoint)) return *std::move(refused);
    }
    if (!endpoint.url.empty()) return endpoint;
    ApiError error = bad_field("url", "there");
    error.code = ErrorCode::kMissingParameter;
    return error;
}

namespace {

// A name with a top-level domain of letters: no address in any notation, and none of the names that are only known
// inside. What the name stands for is looked at when the connection is made.
bool is_public_name(std::string_view host) {
    const std::size_t point = host.find_last_of('.');
    if (point == std::string_view::npos || point + 1 == host.size()) return false;
    const std::string_view top = host.substr(point + 1);
    if (top == "localhost" || top == "local" || top == "internal") return false;
    return (top.front() >= 'a' && top.front() <= 'z') || (top.front() >= 'A' && top.front() <= 'Z');
}

}  // namespace

bool is_webhook_url(std::string_view url, std::span<const std::string> origins) {
    const Result<codec::Url> parsed = codec::parse_url(url);
    if (!parsed) return false;
    const std::string origin = parsed->scheme + "://" + parsed->authority();
    if (std::ranges::find(origins, origin) != origins.end()) return true;
    return parsed->scheme == "https" && (parsed->port == 443 || parsed->port == 8443) && is_public_name(parsed->host);
}

std::string webhook_secret_text(const Hash& secret) {
    return "whsec_" + codec::to_base64(secret.view());
}

std::string webhook_signature(const Hash& secret, std::string_view id, std::uint64_t timestamp, std::string_view body) {
    std::string text{id};
    text += "." + std::to_string(timestamp) + ".";
    text += body;
    return "v1," + codec::to_base64(crypto::hmac_sha256(secret.view(), as_bytes(text)).view());
}

std::uint64_t webhook_pause_seconds(std::uint64_t tries, std::uint64_t draw) {
    const std::size_t index = std::min<std::size_t>(tries == 0 ? 0 : tries - 1, kPauses.size() - 1);
    const std::uint64_t pause = kPauses[index];
    const std::uint64_t tenth = pause / 10;
    return pause - tenth + draw % (2 * tenth + 1);
}

}  // namespace vcity::gateway
