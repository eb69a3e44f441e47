// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "adapters/link/link.hpp"
#include "adapters/runtime_asio/runtime.hpp"
#include "cli/keys.hpp"
#include "model/chain.hpp"
#include "model/messages.hpp"
#include "services/common/peer_link.hpp"

// The two sides of a scheduler as a benchmark plays them: nodes that take every step, and a gateway that orders.
namespace vcity::bench {

// Ends the program with the reason.
[[noreturn]] void fail(const Error& error);
template <class T>
T or_fail(Result<T> result) {
    if (!result) fail(result.error());
    return *std::move(result);
}
inline void or_fail(const Result<void>& result) {
    if (!result) fail(result.error());
}

struct World {
    adapters::AsioRuntime* runtime = nullptr;
    adapters::WebSocketDialer* dialer = nullptr;
    const Deployment* deployment = nullptr;
    std::string endpoint;
};

constexpr std::uint32_t kGpusPerUnit = 8;
// Units of eight large GPUs, all alike.
NodeAnnouncement offer_units(std::uint32_t units);
// A job of one step on one GPU, without its id and deadline.
WorkOrder order_pattern(SignedCap cap);

// One identity that offers many units and starts whatever it is granted. Nothing ever ends.
class UnitNode final : private services::PeerLinkHandler {
  public:
    UnitNode(const World& world, crypto::PrivateKey key, std::uint32_t units);

    Task<void> run() { return link_.run(); }
    void stop() { link_.stop(); }
    bool is_connected() const { return session_ != nullptr; }
    std::uint64_t grants() const { return grants_; }
    // Grants of a GPU that was taken. Must be zero.
    std::uint64_t double_grants() const { return double_grants_; }

  private:
    void on_connected(services::LinkSession* session, const LinkWelcome& welcome) override;
    void on_message(Message message) override;
    void on_disconnected() override { session_ = nullptr; }
    Heartbeat make_heartbeat() override { return {}; }
    Task<void> on_denied() override;

    void on_grant(const StepGrant& grant);

    Runtime* runtime_;
    cli::KeySigner signer_;
    std::vector<std::uint32_t> taken_;  // GPUs of each unit, as bits
    std::uint64_t grants_ = 0;
    std::uint64_t double_grants_ = 0;
    services::LinkSession* session_ = nullptr;
    services::PeerLink link_;
};

// What became of one order.
struct Outcome {
    TimePoint due;  // when it should have been sent
    TimePoint answered;
    bool is_placed = false;  // durable, and its step has a unit
    Errc refusal = Errc::kInternal;
    bool is_refused = false;
};

// A gateway's link: sends orders of one step and hears what becomes of them.
class OrderDesk final : private services::PeerLinkHandler {
  public:
    OrderDesk(const World& world, crypto::PrivateKey gateway, SignedCap cap);

    Task<void> run() { return link_.run(); }
    void stop() { link_.stop(); }
    bool is_connected() const { return session_ != nullptr; }
    void on_outcome(std::function<void(const Outcome&)> callback) { callback_ = std::move(callback); }
    // An order that was due at that time goes out now. False: the link is down.
    bool order(TimePoint due);
    std::size_t open() const { return open_.size(); }

  private:
    void on_connected(services::LinkSession* session, const LinkWelcome& welcome) override;
    void on_message(Message message) override;
    void on_disconnected() override;
    Heartbeat make_heartbeat() override { return {}; }
    Task<void> on_denied() override;

    void conclude(const JobId& job_id, Outcome outcome);

    Runtime* runtime_;
    cli::KeySigner signer_;
    WorkOrder pattern_;
    std::unordered_map<JobId, TimePoint> open_;
    std::function<void(const Outcome&)> callback_;
    services::LinkSession* session_ = nullptr;
    services::PeerLink link_;
};

}  // namespace vcity::bench
