// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "async/channel.hpp"
#include "base/check.hpp"
#include "codec/hex.hpp"
#include "crypto/secp256k1.hpp"
#include "market/pricing.hpp"
#include "market/typed_hashes.hpp"
#include "ports/http.hpp"
#include "ports/link.hpp"
#include "ports/signer.hpp"
#include "ports/store.hpp"

// What the gateway's tests stand on: a store in memory, a client that reads, and a scheduler that follows a script.
namespace vcity::gateway::test {

inline Deployment a_deployment() {
    Deployment deployment;
    deployment.chain_id = 31'337;
    deployment.settlement.bytes.fill(0x5e);
    deployment.escrow.bytes.fill(0xe5);
    deployment.registry.bytes.fill(0x4e);
    return deployment;
}

inline crypto::PrivateKey a_private_key(std::uint8_t number) {
    Bytes bytes(32, 0);
    bytes.back() = number;
    return *crypto::PrivateKey::make(bytes);
}

class KeySigner final : public ports::Signer {
  public:
    explicit KeySigner(std::uint8_t number) : key_{a_private_key(number)} {}
    Address address() const override { return key_.address(); }
    Result<Signature> sign(const Hash& digest) override { return key_.sign(digest); }

  private:
    crypto::PrivateKey key_;
};

class MemoryStore final : public ports::Store {
  public:
    Task<Result<void>> commit(ports::StoreChange change) override {
        if (broken) co_return make_error(Errc::kUnavailable, "the disk is gone");
        for (auto& entry : change.puts) entries[entry.key] = std::move(entry.value);
        for (const auto& key : change.deletes) entries.erase(key);
        co_return Result<void>{};
    }
    Task<Result<std::optional<Bytes>>> get(std::string key) override {
        const auto found = entries.find(key);
        if (found == entries.end()) co_return std::optional<Bytes>{};
        co_return std::optional<Bytes>{found->second};
    }
    Task<Result<std::vector<ports::StoreEntry>>> scan(std::string prefix,
                                                      std::string after,
                                                      std::size_t limit) override {
        std::vector<ports::StoreEntry> page;
        for (const auto& [key, value] : entries) {
            if (key.starts_with(prefix) && key > after && page.size() < limit) page.push_back({key, value});
        }
        co_return page;
    }

    std::map<std::string, Bytes> entries;
    bool broken = false;
};

class RecordingResponder : public ports::HttpResponder {
  public:
    Task<Result<void>> respond(ports::HttpResponse response) override {
        CHECK(!answered && !started);
        answered = true;
        head = std::move(response);
        co_return Result<void>{};
    }
    Task<Result<void>> start(ports::HttpResponse response) override {
        CHECK(!answered && !started);
        started = true;
        head = std::move(response);
        co_return Result<void>{};
    }
    Task<Result<void>> write(std::string chunk) override {
        CHECK(started && !finished);
        if (!connected) co_return make_error(Errc::kUnavailable, "the client has gone");
        chunks.push_back(std::move(chunk));
        co_return Result<void>{};
    }
    Task<Result<void>> finish() override {
        CHECK(started && !finished);
        finished = true;
        co_return Result<void>{};
    }
    bool is_connected() const override { return connected; }
    Task<Result<std::string>> read_body() override {
        if (arriving.empty() && arrival_breaks) co_return make_error(Errc::kUnavailable, "the client has gone");
        std::string piece;
        if (arriving.empty()) co_return piece;
        piece = std::move(arriving.front());
        arriving.erase(arriving.begin());
        co_return piece;
    }

    std::string body() const {
        std::string all = head.body;
        for (const std::string& chunk : chunks) all += chunk;
        return all;
    }
    bool has_ended() const { return answered || finished; }

    ports::HttpResponse head;
    std::vector<std::string> chunks;
    bool answered = false;
    bool started = false;
    bool finished = false;
    bool connected = true;
    std::vector<std::string> arriving;  // of a streamed body
    bool arrival_breaks = false;        // after them
};

// The other end of the gateway's link. Answers the handshake, offers and jobs; what a job does is the test's choice.
class ScriptedScheduler final : public ports::LinkDialer {
  public:
    explicit ScriptedScheduler(Runtime* runtime) : runtime_{runtime} {
        OffersReply::Entry entry;
        entry.node = node_key.address();
        entry.offer.model = "vcity/test";
        entry.offer.model_root.bytes.fill(7);
        entry.offer.prices = {.input = 100'000, .output = 400'000};
        entry.offer.context_tokens_max = 512;
        entry.offer.slots = 2;
        entry.free_slots = 2;
        offers.entries.push_back(entry);
        on_job = [this](const JobOrder& order) { run_honestly(order, {"Hello", " world"}); };
    }

    Task<Result<std::unique_ptr<ports::Connection>>> dial(std::string, TimePoint) override;

    void send(Message message) {
        if (to_gateway_) (void)to_gateway_->try_send(std::move(message));
    }
    void break_link() {
        if (to_gateway_) to_gateway_->close();
    }

    void place(const JobOrder& order, std::uint64_t fencing_token = 1, std::uint32_t attempt = 1) {
        JobPlaced placed;
        placed.job_id = order.job_id;
        placed.lease = {.job_id = order.job_id,
                        .fencing_token = fencing_token,
                        .node = node_key.address(),
                        .attempt = attempt,
                        .expires_at = order.deadline};
        placed.prices = offers.entries.front().offer.prices;
        placed.reason = {.node = node_key.address(), .text = "the only node", .candidates = 1, .rejected = 0};
        send(std::move(placed));
    }
    void chunk(const JobOrder& order, std::uint64_t sequence, std::string text, std::uint64_t fencing_token = 1) {
        send(TokenChunk{.job_id = order.job_id,
                        .fencing_token = fencing_token,
                        .sequence = sequence,
                        .text = std::move(text),
                        .tokens = 1});
    }
    UsageReceipt receipt_for(const JobOrder& order, std::string_view text, std::uint64_t output_tokens) const {
        UsageReceipt receipt;
        receipt.job_id = order.job_id;
        receipt.client = order.client;
        receipt.node = node_key.address();
        receipt.scheduler = scheduler_key.address();
        receipt.fencing_token = 1;
        receipt.units = {.input = 10, .output = output_tokens};
        receipt.quote = order.quote;
        receipt.amount = *market::charge_of(receipt.units, offers.entries.front().offer.prices, order.quote);
        receipt.model_root.bytes.fill(7);
        receipt.request_hash = market::request_hash(order.request);
        receipt.response_hash = market::response_hash(text);
        receipt.verification_root.bytes.fill(9);
        receipt.started_at = runtime_->unix_now();
        receipt.finished_at = runtime_->unix_now();
        return receipt;
    }
    void finish(const UsageReceipt& receipt, FinishReason reason = FinishReason::kStop) {
        const Hash digest = market::receipt_digest(a_deployment(), receipt);
        JobDone done;
        done.receipt = {.receipt = receipt,
                        .node_signature = node_key.sign(digest),
                        .scheduler_signature = scheduler_key.sign(digest)};
        done.reason = reason;
        send(done);
    }
    void run_honestly(const JobOrder& order, const std::vector<std::string>& pieces) {
        place(order);
        std::string text;
        for (std::size_t index = 0; index < pieces.size(); ++index) {
            chunk(order, index, pieces[index]);
            text += pieces[index];
        }
        finish(receipt_for(order, text, pieces.size()));
    }
    void fail(const JobOrder& order, Errc code, std::string message, bool retryable, std::uint32_t retry_after_ms = 0) {
        send(JobFailed{.job_id = order.job_id,
                       .code = code,
                       .message = std::move(message),
                       .retryable = retryable,
                       .retry_after_ms = retry_after_ms});
    }

    // What the gateway sent.
    void on_message(const Message& message) {
        if (std::holds_alternative<LinkHello>(message)) {
            send(LinkWelcome{.scheduler = scheduler_key.address(), .chain_id = a_deployment().chain_id});
        } else if (std::holds_alternative<OffersRequest>(message)) {
            send(offers);
        } else if (const auto* request = std::get_if<JobRequest>(&message)) {
            orders.push_back(request->order);
            on_job(request->order);
        } else if (const auto* cancel = std::get_if<JobCancel>(&message)) {
            cancels.emplace_back(cancel->job_id, runtime_->now());
            if (on_cancel) on_cancel(cancel->job_id);
        } else if (const auto* status = std::get_if<JobStatusRequest>(&message)) {
            JobStatusReply reply;
            reply.job_id = status->job_id;
            reply.known = true;
            reply.state = JobState::kBatched;
            reply.batch_transaction.bytes.fill(4);
            send(std::move(reply));
        } else if (on_work) {
            on_work(message);
        } else if (std::holds_alternative<UnitsRequest>(message)) {
            send(UnitsReply{});
        }
    }

    crypto::PrivateKey node_key = a_private_key(11);
    crypto::PrivateKey scheduler_key = a_private_key(12);
    OffersReply offers;
    std::function<void(const JobOrder&)> on_job;
    std::function<void(const JobId&)> on_cancel;
    std::function<void(const Message&)> on_work;  // everything else
    std::vector<JobOrder> orders;
    std::vector<std::pair<JobId, TimePoint>> cancels;
    bool refuses_connections = false;

  private:
    Runtime* runtime_;
    std::shared_ptr<Channel<Message>> to_gateway_;
};

class ScriptedConnection final : public ports::Connection {
  public:
    ScriptedConnection(ScriptedScheduler* scheduler, std::shared_ptr<Channel<Message>> incoming)
        : scheduler_{scheduler}, incoming_{std::move(incoming)} {}
    Task<Result<void>> send(Message message) override {
        if (incoming_->is_closed()) co_return make_error(Errc::kUnavailable, "broken");
        scheduler_->on_message(message);
        co_return Result<void>{};
    }
    Task<Result<Message>> receive(TimePoint deadline) override { return incoming_->receive(deadline); }
    void close() override { incoming_->close(); }
    std::string remote() const override { return "scripted"; }

  private:
    ScriptedScheduler* scheduler_;
    std::shared_ptr<Channel<Message>> incoming_;
};

inline Task<Result<std::unique_ptr<ports::Connection>>> ScriptedScheduler::dial(std::string, TimePoint) {
    if (refuses_connections) co_return make_error(Errc::kUnavailable, "refused");
    to_gateway_ = std::make_shared<Channel<Message>>(runtime_, 100'000);
    LinkChallenge challenge;
    challenge.challenge.bytes.fill(1);
    send(challenge);
    std::unique_ptr<ports::Connection> connection = std::make_unique<ScriptedConnection>(this, to_gateway_);
    co_return connection;
}

inline SignedCap a_cap(const Address& scheduler, std::uint64_t expiry_unix_seconds) {
    const crypto::PrivateKey client = a_private_key(13);
    SignedCap cap;
    cap.cap = {.client = client.address(),
               .scheduler = scheduler,
               .limit = Usd{50'000'000},
               .expiry_unix_seconds = expiry_unix_seconds,
               .nonce = 1};
    cap.signature = client.sign(market::cap_digest(a_deployment(), cap.cap));
    return cap;
}

}  // namespace vcity::gateway::test
