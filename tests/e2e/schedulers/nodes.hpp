// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "adapters/link/link.hpp"
#include "adapters/runtime_asio/runtime.hpp"
#include "cli/keys.hpp"
#include "model/chain.hpp"
#include "model/messages.hpp"
#include "services/common/peer_link.hpp"

namespace vcity::trial {

// What the peers of one scheduler identity share.
struct World {
    adapters::AsioRuntime* runtime = nullptr;
    adapters::WebSocketDialer* dialer = nullptr;
    const Deployment* deployment = nullptr;
    std::vector<std::string> endpoints;
    Address scheduler;
    // Something that must never be; told with its sentence.
    std::function<void(const std::string&)> violation;
};

services::PeerLinkOptions link_options(const World& world, ports::Signer* signer, Role role);
std::uint64_t random_below(Runtime* runtime, std::uint64_t bound);

// A node of several units that each take one step at a time. It does what a real one must, and watches the schedulers:
// no unit may be granted while it works, no fencing token may go back, no attempt may come twice with other terms.
class WatchfulNode final : private services::PeerLinkHandler {
  public:
    static constexpr std::uint32_t kUnits = 8;

    WatchfulNode(const World& world, crypto::PrivateKey key, std::string name);

    Task<void> run() { return link_.run(); }
    // Ends steps whose time has come; until the program ends.
    Task<void> work();
    std::uint64_t grants() const { return grants_; }
    std::uint64_t finished() const { return finished_; }

  private:
    struct Step {
        StepGrant grant;
        UnixMillis started_at{0};
        TimePoint ends;
        std::optional<StepFinished> result;  // sent until it is acknowledged
        TimePoint sent;
    };

    void on_connected(services::LinkSession* session, const LinkWelcome& welcome) override;
    void on_message(Message message) override;
    void on_disconnected() override { session_ = nullptr; }
    Heartbeat make_heartbeat() override { return {}; }
    Task<void> on_denied() override;

    void on_grant(StepGrant grant);
    void on_cancel(const JobCancel& cancel);
    void on_ack(const ReceiptAck& ack);
    void finish(Step* step);
    void post(Message message);
    NodeAnnouncement announcement() const;

    World world_;
    cli::KeySigner signer_;
    std::string name_;
    std::map<JobId, Step> steps_;
    std::map<std::uint32_t, std::uint64_t> tokens_;  // the last one of each unit
    std::uint64_t epoch_ = 0;
    std::uint64_t grants_ = 0;
    std::uint64_t finished_ = 0;
    services::LinkSession* session_ = nullptr;
    services::PeerLink link_;
};

}  // namespace vcity::trial
