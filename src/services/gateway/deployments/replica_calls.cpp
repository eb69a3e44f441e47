// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/deployments/replica_calls.hpp"

#include <utility>

#include "services/gateway/tunnels/http_proxy.hpp"

namespace vcity::gateway {
namespace {

constexpr Duration kGlance = std::chrono::milliseconds{500};  // how soon a client that has gone is noticed

// Whether the tunnel did not come about for a reason that says nothing of the replica.
bool is_no_news(const Error& error) {
    return error.code == Errc::kExhausted || error.message == "no connection to the scheduler" ||
           error.message == "the gateway is stopping";
}

// Takes the head of an answer and nothing else.
class HeadOnly final : public ports::HttpResponder {
  public:
    Task<Result<void>> respond(ports::HttpResponse response) override {
        status = response.status;
        co_return Result<void>{};
    }
    Task<Result<void>> start(ports::HttpResponse head) override {
        status = head.status;
        co_return make_error(Errc::kUnavailable, "enough is known");
    }
    Task<Result<void>> write(std::string /*chunk*/) override {
        co_return make_error(Errc::kUnavailable, "enough is known");
    }
    Task<Result<void>> finish() override { co_return Result<void>{}; }
    bool is_connected() const override { return true; }

    unsigned status = 0;
};

// The client's own responder, with an eye on what goes through.
class Observer final : public ports::HttpResponder {
  public:
    Observer(Runtime* runtime, const Exchange* outer, std::string label)
        : runtime_{runtime}, outer_{outer}, label_{std::move(label)} {}

    Task<Result<void>> respond(ports::HttpResponse response) override {
        begin(&response);
        is_finished = true;
        co_return co_await outer_->responder->respond(std::move(response));
    }
    Task<Result<void>> start(ports::HttpResponse head) override {
        begin(&head);
        co_return co_await outer_->responder->start(std::move(head));
    }
    Task<Result<void>> write(std::string chunk) override {
        co_return co_await outer_->responder->write(std::move(chunk));
    }
    Task<Result<void>> finish() override {
        is_finished = true;
        co_return co_await outer_->responder->finish();
    }
    bool is_connected() const override { return outer_->responder->is_connected(); }

    unsigned status = 0;
    bool is_begun = false;
    bool is_finished = false;
    TimePoint begun_at;
    std::function<void()> on_begin;

  private:
    void begin(ports::HttpResponse* head) {
        is_begun = true;
        status = head->status;
        begun_at = runtime_->now();
        for (const auto& [name, value] : outer_->headers.fields) head->headers.set(name, value);
        head->headers.set("x-vcity-replica", label_);
        on_begin();
    }

    Runtime* runtime_;
    const Exchange* outer_;
    std::string label_;
};

}  // namespace

// Ends a call that takes too long, or that nobody waits for.
struct ReplicaCalls::Watch {
    explicit Watch(Runtime* runtime) : changed{runtime} {}

    TimePoint deadline;
    const ports::HttpResponder* client = nullptr;  // none: nobody who could go
    ports::WebSocket* socket = nullptr;            // while there is one
    bool is_over = false;
    bool is_late = false;
    Notifier changed;

    void end() {
        is_over = true;
        client = nullptr;
        socket = nullptr;
        changed.notify();
    }
};

Task<void> ReplicaCalls::guard(Runtime* runtime, std::shared_ptr<Watch> watch) {
    while (!watch->is_over) {
        const bool is_late = runtime->now() >= watch->deadline;
        const bool is_alone = watch->client != nullptr && !watch->client->is_connected();
        if (watch->socket != nullptr && (is_late || is_alone)) {
            watch->is_late = is_late;
            watch->socket->abort();
            watch->socket = nullptr;
            co_return;
        }
        const TimePoint next = runtime->now() + kGlance;
        co_await watch->changed.wait_until(next);
    }
}

Task<CallResult> ReplicaCalls::call(
    Exchange* exchange, ReplicaPlace place, std::string prefix, std::string rest, Watch* watch) {
    CallResult result;
    TunnelOpen wanted;
    wanted.job_id = place.job_id;
    wanted.client = place.client;
    wanted.group = place.group;
    wanted.target.port = place.port;
    Result<std::unique_ptr<TunnelBook::Half>> node = co_await tunnels_->open(std::move(wanted));
    if (!node) {
        result.outcome = is_no_news(node.error()) ? CallOutcome::kNoNews : CallOutcome::kBroken;
        result.problem = node.error().message;
        watch->end();
        co_return result;
    }
    watch->socket = (*node)->socket();
    ProxyRequest proxied{.prefix = std::move(prefix), .rest = std::move(rest), .port = place.port};
    const Refusal refused = co_await proxy_http(exchange, (*node)->socket(), std::move(proxied));
    result.outcome = refused ? CallOutcome::kBroken : CallOutcome::kAnswered;
    if (refused) result.problem = watch->is_late ? "it did not answer in time" : refused->message;
    watch->end();
    co_return result;
}

Task<CallResult> ReplicaCalls::probe(ReplicaPlace place, std::string path, TimePoint deadline) {
    HeadOnly head;
    Exchange exchange;
    exchange.responder = &head;
    exchange.request.method = "GET";
    exchange.log = shared_->log;
    const auto watch = std::make_shared<Watch>(shared_->runtime);
    watch->deadline = deadline;
    shared_->runtime->spawn(guard(shared_->runtime, watch));
    std::string none;
    CallResult result = co_await call(&exchange, std::move(place), std::move(none), std::move(path), watch.get());
    result.status = head.status;
    if (result.outcome == CallOutcome::kAnswered && head.status == 0) result.outcome = CallOutcome::kBroken;
    co_return result;
}

Task<CallResult> ReplicaCalls::forward(
    Exchange* exchange, ReplicaPlace place, std::string prefix, std::string rest, std::string label) {
    const TimePoint begun = shared_->runtime->now();
    const auto watch = std::make_shared<Watch>(shared_->runtime);
    watch->deadline = begun + shared_->options->request_deadline;
    watch->client = exchange->responder;
    Observer observer{shared_->runtime, exchange, std::move(label)};
    observer.on_begin = [watch] { watch->deadline = TimePoint::max(); };
    Exchange inner;
    inner.request_id = exchange->request_id;
    inner.started = exchange->started;
    inner.log = exchange->log;
    inner.request = exchange->request;
    inner.responder = &observer;
    shared_->runtime->spawn(guard(shared_->runtime, watch));
    CallResult result = co_await call(&inner, std::move(place), std::move(prefix), std::move(rest), watch.get());
    result.status = observer.status;
    result.is_begun = observer.is_begun;
    if (observer.is_begun) result.first_byte = observer.begun_at - begun;
    const bool is_cut = observer.is_begun && !observer.is_finished && exchange->responder->is_connected();
    if (is_cut) result.outcome = CallOutcome::kBroken;
    co_return result;
}

}  // namespace vcity::gateway
