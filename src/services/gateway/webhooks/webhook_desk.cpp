// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/webhooks/webhook_desk.hpp"

#include <algorithm>

#include "base/check.hpp"
#include "codec/hex.hpp"
#include "crypto/sha256.hpp"
#include "services/gateway/accounts/siwe_message.hpp"

namespace vcity::gateway {
namespace {

using codec::Json;

constexpr std::size_t kScanPage = 256;
constexpr std::string_view kEndpointPrefix = "gateway/webhook/";
constexpr std::string_view kDeliveryPrefix = "gateway/webhook-delivery/";
constexpr std::size_t kSendingPerEndpoint = 4;
constexpr std::size_t kErrorMax = 200;
constexpr unsigned kGone = 410;
constexpr Duration kIdleWait = std::chrono::seconds{30};
constexpr Duration kJoinPatience = std::chrono::minutes{1};

std::string endpoint_key(std::string_view id) {
    return std::string{kEndpointPrefix} + std::string{id};
}

std::string delivery_key(std::string_view id) {
    return std::string{kDeliveryPrefix} + std::string{id};
}

}  // namespace

WebhookDesk::WebhookDesk(Parts parts, WebhookOptions options)
    : parts_{std::move(parts)}, options_{std::move(options)}, senders_{parts_.runtime}, wake_{parts_.runtime} {}

std::uint64_t WebhookDesk::now_seconds() const {
    return parts_.runtime->unix_now().count() / 1000;
}

std::string WebhookDesk::fresh_id(std::string_view prefix) const {
    FixedBytes<struct WebhookIdTag, 12> bytes;
    parts_.runtime->random_bytes(bytes.bytes);
    return std::string{prefix} + codec::to_hex(bytes).substr(2);
}

Hash WebhookDesk::secret_hash(const WebhookEndpoint& endpoint) const {
    const std::string name = endpoint.id + "." + std::to_string(endpoint.secret_version);
    return crypto::hmac_sha256(parts_.secret.view(), as_bytes(name));
}

std::string WebhookDesk::secret_of(const WebhookEndpoint& endpoint) const {
    return webhook_secret_text(secret_hash(endpoint));
}

// --- endpoints

Task<Result<void>> WebhookDesk::load() {
    for (const std::string_view each : {kEndpointPrefix, kDeliveryPrefix}) {
        const std::string prefix{each};
        std::string after;
        while (true) {
            CO_TRY(const std::vector<ports::StoreEntry> page, co_await parts_.store->scan(prefix, after, kScanPage));
            for (const ports::StoreEntry& entry : page) {
                if (each == kEndpointPrefix) {
                    CO_TRY(const WebhookEndpoint endpoint, parse_webhook_endpoint(as_text(entry.value)));
                    mailboxes_[endpoint.id].endpoint = endpoint;
                    of_account_[endpoint.account].push_back(endpoint.id);
                    continue;
                }
                CO_TRY(WebhookDelivery delivery, parse_webhook_delivery(as_text(entry.value)));
                // One whose endpoint was removed just before the end.
                if (!mailboxes_.contains(delivery.endpoint)) continue;
                std::string id = delivery.id;
                deliveries_[std::move(id)] = std::move(delivery);
            }
            if (page.size() < kScanPage) break;
            after = page.back().key;
        }
    }
    std::vector<std::pair<std::uint64_t, std::string>> order;
    order.reserve(deliveries_.size());
    for (const auto& [id, delivery] : deliveries_) order.emplace_back(delivery.created_unix_seconds, id);
    std::ranges::sort(order);
    for (const auto& [created, id] : order) {
        WebhookDelivery& delivery = deliveries_.at(id);
        mailboxes_.at(delivery.endpoint).order.push_back(id);
        if (delivery.state != DeliveryState::kPending) continue;
        ++pending_;
        ++pending_of_[delivery.account];
        due_.emplace(delivery.next_try_unix_seconds, id);
    }
    co_return Result<void>{};
}

std::vector<WebhookEndpoint> WebhookDesk::of(const Address& account) const {
    std::vector<WebhookEndpoint> endpoints;
    const auto theirs = of_account_.find(account);
    if (theirs == of_account_.end()) return endpoints;
    for (const std::string& id : theirs->second) endpoints.push_back(mailboxes_.find(id)->second.endpoint);
    return endpoints;
}

std::optional<WebhookEndpoint> WebhookDesk::find(const Address& account, std::string_view id) const {
    const auto found = mailboxes_.find(id);
    if (found == mailboxes_.end() || found->second.endpoint.account != account) return std::nullopt;
    return found->second.endpoint;
}

Task<Result<WebhookEndpoint>> WebhookDesk::put(WebhookEndpoint endpoint) {
    const bool is_new = endpoint.id.empty();
    if (is_new) {
        const auto theirs = of_account_.find(endpoint.account);
        const std::size_t count = theirs == of_account_.end() ? 0 : theirs->second.size();
        if (count >= options_.endpoints_per_account_max || mailboxes_.size() >= options_.endpoints_max) {
            co_return make_error(Errc::kExhausted, "there are as many webhooks as there may be");
        }
        endpoint.id = fresh_id("we_");
        endpoint.created_unix_seconds = now_seconds();
    }
    const std::string text = codec::dump_json(to_json(endpoint));
    ports::StoreChange change;
    change.puts.push_back({endpoint_key(endpoint.id), Bytes(text.begin(), text.end())});
    CO_TRY_OK(co_await parts_.store->commit(std::move(change)));
    if (is_new) of_account_[endpoint.account].push_back(endpoint.id);
    mailboxes_[endpoint.id].endpoint = endpoint;
    co_return endpoint;
}

Task<Result<void>> WebhookDesk::remove(std::string id) {
    const auto found = mailboxes_.find(id);
    if (found == mailboxes_.end()) co_return make_error(Errc::kNotFound, "no webhook has this id");
    std::erase(of_account_[found->second.endpoint.account], id);
    ports::StoreChange change;
    change.deletes.push_back(endpoint_key(id));
    for (const std::string& each : found->second.order) {
        WebhookDelivery& delivery = deliveries_.at(each);
        if (delivery.state == DeliveryState::kPending) end(&delivery, DeliveryState::kDead);
        parts_.writes->erase(delivery_key(each));
        deliveries_.erase(each);
    }
    mailboxes_.erase(found);
    co_return co_await parts_.store->commit(std::move(change));
}

// --- events

bool WebhookDesk::is_awaited(const Address& account, std::string_view type) const {
    const auto theirs = of_account_.find(account);
    return theirs != of_account_.end() && std::ranges::any_of(theirs->second, [&](const std::string& id) {
               return mailboxes_.find(id)->second.endpoint.wants(type);
           });
}

void WebhookDesk::publish(const Address& account, std::string_view type, const Json& data) {
    for (const WebhookEndpoint& endpoint : of(account)) {
        if (endpoint.wants(type)) publish_to(endpoint, type, data);
    }
}

void WebhookDesk::publish_to(const WebhookEndpoint& endpoint, std::string_view type, const Json& data) {
    if (!is_open() || stopping_) return;
    WebhookDelivery delivery;
    delivery.id = fresh_id("msg_");
    delivery.endpoint = endpoint.id;
    delivery.account = endpoint.account;
    delivery.type = type;
    delivery.created_unix_seconds = now_seconds();
    delivery.body = codec::dump_json(codec::JsonObject{
        {"id", delivery.id},
        {"object", "event"},
        {"type", type},
        {"created_at", delivery.created_unix_seconds},
        {"timestamp", to_rfc3339(delivery.created_unix_seconds)},
        {"data", data},
    });
    add(endpoint, std::move(delivery));
}

void WebhookDesk::add(const WebhookEndpoint& endpoint, WebhookDelivery delivery) {
    Mailbox& mailbox = mailboxes_.find(endpoint.id)->second;
    const bool has_room =
        pending_ < options_.pending_max && pending_of_[endpoint.account] < options_.pending_per_account;
    const std::string id = delivery.id;
    mailbox.order.push_back(id);
    WebhookDelivery& kept = deliveries_[id] = std::move(delivery);
    if (has_room) {
        ++pending_;
        ++pending_of_[endpoint.account];
        enqueue(&kept, now_seconds());
    } else {
        kept.state = DeliveryState::kDead;
        kept.last_error = "too many events wait for this account";
    }
    write(kept);
    forget_old(&mailbox);
    wake_.notify();
}

void WebhookDesk::enqueue(WebhookDelivery* delivery, std::uint64_t at) {
    delivery->next_try_unix_seconds = at;
    due_.emplace(at, delivery->id);
}

void WebhookDesk::write(const WebhookDelivery& delivery) {
    parts_.writes->put(delivery_key(delivery.id), codec::dump_json(to_json(delivery)));
}

void WebhookDesk::end(WebhookDelivery* delivery, DeliveryState state) {
    CHECK(delivery->state == DeliveryState::kPending && pending_ > 0);
    due_.erase({delivery->next_try_unix_seconds, delivery->id});
    delivery->state = state;
    --pending_;
    const auto theirs = pending_of_.find(delivery->account);
    if (--theirs->second == 0) pending_of_.erase(theirs);
}

void WebhookDesk::forget_old(Mailbox* mailbox) {
    std::size_t ended = 0;
    for (auto id = mailbox->order.rbegin(); id != mailbox->order.rend(); ++id) {
        if (deliveries_.at(*id).state != DeliveryState::kPending) ++ended;
    }
    while (ended > options_.kept_per_endpoint) {
        const auto oldest = std::ranges::find_if(mailbox->order, [this](const std::string& id) {
            return deliveries_.at(id).state != DeliveryState::kPending;
        });
        parts_.writes->erase(delivery_key(*oldest));
        deliveries_.erase(*oldest);
        mailbox->order.erase(oldest);
        --ended;
    }
}

std::vector<WebhookDelivery> WebhookDesk::deliveries(std::string_view endpoint, std::size_t limit) const {
    std::vector<WebhookDelivery> found;
    const auto mailbox = mailboxes_.find(endpoint);
    if (mailbox == mailboxes_.end()) return found;
    const std::deque<std::string>& order = mailbox->second.order;
    for (auto id = order.rbegin(); id != order.rend() && found.size() < limit; ++id) {
        found.push_back(deliveries_.at(*id));
    }
    return found;
}

bool WebhookDesk::resend(std::string_view endpoint, std::string_view id) {
    const auto found = deliveries_.find(std::string{id});
    if (found == deliveries_.end() || found->second.endpoint != endpoint) return false;
    WebhookDelivery& delivery = found->second;
    if (delivery.state == DeliveryState::kPending) return false;
    delivery.state = DeliveryState::kPending;
    delivery.tries = 0;
    ++pending_;
    ++pending_of_[delivery.account];
    enqueue(&delivery, now_seconds());
    write(delivery);
    wake_.notify();
    return true;
}

// --- sending

Task<void> WebhookDesk::run() {
    while (!stopping_) {
        start_due();
        const TimePoint until = next_wake();
        (void)co_await wake_.wait_until(until);
    }
    while (senders_.running() > 0) {
        const TimePoint patience = parts_.runtime->now() + kJoinPatience;
        (void)co_await senders_.join(patience);
    }
}

void WebhookDesk::stop() {
    stopping_ = true;
    wake_.notify();
}

TimePoint WebhookDesk::next_wake() const {
    const TimePoint now = parts_.runtime->now();
    // A sender that ends wakes the loop, so those who wait for one need no time.
    if (due_.empty() || senders_.running() >= options_.senders_max) return now + kIdleWait;
    const std::uint64_t first = due_.begin()->first;
    const std::uint64_t seconds = std::max<std::uint64_t>(first > now_seconds() ? first - now_seconds() : 0, 1);
    return now + std::min<Duration>(kIdleWait, std::chrono::seconds{seconds});
}

void WebhookDesk::start_due() {
    const std::uint64_t now = now_seconds();
    auto next = due_.begin();
    while (next != due_.end() && next->first <= now && senders_.running() < options_.senders_max) {
        const WebhookDelivery& delivery = deliveries_.at(next->second);
        Mailbox& mailbox = mailboxes_.find(delivery.endpoint)->second;
        if (mailbox.sending >= kSendingPerEndpoint) {
            ++next;
            continue;
        }
        ++mailbox.sending;
        const std::string id = next->second;
        next = due_.erase(next);
        senders_.spawn(send(id));
    }
}

Task<Result<unsigned>> WebhookDesk::post(WebhookEndpoint endpoint, WebhookDelivery delivery) {
    const std::uint64_t timestamp = now_seconds();
    ports::HttpRequest request;
    request.method = "POST";
    request.target = endpoint.url;
    request.headers.set("content-type", "application/json");
    request.headers.set("user-agent", "vcity-webhooks/1");
    request.headers.set("webhook-id", delivery.id);
    request.headers.set("webhook-timestamp", std::to_string(timestamp));
    request.headers.set("webhook-signature",
                        webhook_signature(secret_hash(endpoint), delivery.id, timestamp, delivery.body));
    request.body = std::move(delivery.body);
    const TimePoint deadline = parts_.runtime->now() + options_.answer_patience;
    // Only the status matters; the body stays where it is.
    CO_TRY(const std::unique_ptr<ports::HttpStream> answer, co_await parts_.http->open(std::move(request), deadline));
    co_return answer->head().status;
}

Task<void> WebhookDesk::send(std::string id) {
    const WebhookDelivery delivery = deliveries_.at(id);
    const WebhookEndpoint endpoint = mailboxes_.find(delivery.endpoint)->second.endpoint;
    const Result<unsigned> answer = co_await post(endpoint, delivery);
    // The endpoint may have been removed in the meantime.
    const auto mailbox = mailboxes_.find(delivery.endpoint);
    if (mailbox != mailboxes_.end()) --mailbox->second.sending;
    note_answer(id, answer);
    wake_.notify();
}

void WebhookDesk::note_answer(std::string_view id, const Result<unsigned>& answer) {
    const auto found = deliveries_.find(std::string{id});
    if (found == deliveries_.end()) return;
    WebhookDelivery& delivery = found->second;
    Mailbox& mailbox = mailboxes_.find(delivery.endpoint)->second;
    ++delivery.tries;
    delivery.last_status = answer ? *answer : 0;
    delivery.last_error = answer ? std::string{} : answer.error().message.substr(0, kErrorMax);
    if (answer && *answer >= 200 && *answer < 300) {
        end(&delivery, DeliveryState::kDelivered);
    } else if (delivery.tries >= kWebhookTriesMax || delivery.last_status == kGone || !mailbox.endpoint.enabled) {
        end(&delivery, DeliveryState::kDead);
        parts_.log.info("webhook_dead", {{"endpoint", delivery.endpoint}, {"delivery", delivery.id}});
    } else {
        enqueue(&delivery, now_seconds() + webhook_pause_seconds(delivery.tries, parts_.runtime->random_u64()));
    }
    write(delivery);
    forget_old(&mailbox);
}

}  // namespace vcity::gateway
