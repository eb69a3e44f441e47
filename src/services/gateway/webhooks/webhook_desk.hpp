// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "async/task_group.hpp"
#include "ports/http.hpp"
#include "services/gateway/state/write_behind.hpp"
#include "services/gateway/webhooks/webhook_record.hpp"
#include "telemetry/log.hpp"

namespace vcity::gateway {

struct WebhookOptions {
    std::vector<std::string> origins;  // of the operator's own servers, which need be neither https nor public
    std::size_t endpoints_max = 10'000;
    std::size_t endpoints_per_account_max = 20;
    std::size_t pending_max = 10'000;       // deliveries, of all accounts
    std::size_t pending_per_account = 500;  // more are dead at once
    std::size_t kept_per_endpoint = 100;    // ended deliveries
    std::size_t senders_max = 16;           // at the same time
    Duration answer_patience = std::chrono::seconds{15};
};

// Tells accounts of events by Standard Webhooks: signed POSTs, 8 tries, and a list of those that nobody took. The
// client must refuse addresses that are not public, and follow no redirects: URLs come from strangers.
class WebhookDesk {
  public:
    struct Parts {
        Runtime* runtime = nullptr;
        ports::Store* store = nullptr;
        WriteBehind* writes = nullptr;
        ports::HttpClient* http = nullptr;  // null: nothing is sent, and nothing can be subscribed
        Hash secret;                        // that of all endpoints is derived from it
        Log log;
    };
    WebhookDesk(Parts parts, WebhookOptions options);

    bool is_open() const { return parts_.http != nullptr; }
    Task<Result<void>> load();
    // Sends what is due, until stop().
    Task<void> run();
    void stop();

    // --- endpoints; changes are durable before they are announced
    bool may_call(std::string_view url) const { return is_webhook_url(url, options_.origins); }
    std::vector<WebhookEndpoint> of(const Address& account) const;
    std::optional<WebhookEndpoint> find(const Address& account, std::string_view id) const;
    // Without an id it gets one: kExhausted when there are as many as there may be.
    Task<Result<WebhookEndpoint>> put(WebhookEndpoint endpoint);
    Task<Result<void>> remove(std::string id);
    std::string secret_of(const WebhookEndpoint& endpoint) const;

    // --- events
    bool is_awaited(const Address& account, std::string_view type) const;
    // To every endpoint of the account that wants the type; data: what the event is about.
    void publish(const Address& account, std::string_view type, const codec::Json& data);
    // To this endpoint, whatever it wants.
    void publish_to(const WebhookEndpoint& endpoint, std::string_view type, const codec::Json& data);
    // Newest first.
    std::vector<WebhookDelivery> deliveries(std::string_view endpoint, std::size_t limit) const;
    // Once more, from the first try on. False: no such delivery, or it waits already.
    bool resend(std::string_view endpoint, std::string_view id);

  private:
    struct Mailbox {
        WebhookEndpoint endpoint;
        std::deque<std::string> order;  // ids of its deliveries, oldest first
        std::size_t sending = 0;
    };

    Hash secret_hash(const WebhookEndpoint& endpoint) const;
    std::string fresh_id(std::string_view prefix) const;
    std::uint64_t now_seconds() const;
    void add(const WebhookEndpoint& endpoint, WebhookDelivery delivery);
    void enqueue(WebhookDelivery* delivery, std::uint64_t at);
    void write(const WebhookDelivery& delivery);
    void end(WebhookDelivery* delivery, DeliveryState state);
    void forget_old(Mailbox* mailbox);
    void start_due();
    Task<void> send(std::string id);
    Task<Result<unsigned>> post(WebhookEndpoint endpoint, WebhookDelivery delivery);
    void note_answer(std::string_view id, const Result<unsigned>& answer);
    TimePoint next_wake() const;

    Parts parts_;
    WebhookOptions options_;
    std::map<std::string, Mailbox, std::less<>> mailboxes_;
    std::unordered_map<Address, std::vector<std::string>> of_account_;
    std::unordered_map<std::string, WebhookDelivery> deliveries_;
    std::unordered_map<Address, std::size_t> pending_of_;
    std::set<std::pair<std::uint64_t, std::string>> due_;  // time and delivery, of those that wait
    std::size_t pending_ = 0;
    TaskGroup senders_;
    Notifier wake_;
    bool stopping_ = false;
};

}  // namespace vcity::gateway
