// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <deque>
#include <string>
#include <vector>

#include "services/common/peer_link.hpp"
#include "services/verifier/verifier.hpp"

namespace vcity::verifier {

// One scheduler: what it hands over, the way back to it, and the proofs of capacity of its nodes.
class Verifier::Source final : private services::PeerLinkHandler {
  public:
    Source(Verifier* owner, std::vector<std::string> endpoints);

    Task<void> run() { return link_.run(); }
    Task<void> run_capacity() { return capacity_.run(); }
    void stop();

    bool is_connected() const { return session_ != nullptr; }
    // Changes with every connection; null without one.
    const services::LinkSession* session() const { return session_; }
    // Zero before the first welcome.
    const Address& scheduler() const { return scheduler_; }
    bool post(Message message) { return session_ != nullptr && session_->post(std::move(message)); }
    std::optional<AuditTask> take_task();

  private:
    void on_connected(services::LinkSession* session, const LinkWelcome& welcome) override;
    void on_message(Message message) override;
    void on_disconnected() override;
    Heartbeat make_heartbeat() override { return {}; }
    Task<void> on_denied() override { return owner_->register_again(); }

    Verifier* owner_;
    Address scheduler_;
    services::LinkSession* session_ = nullptr;
    std::deque<AuditTask> tasks_;
    CapacityRounds capacity_;
    services::PeerLink link_;
};

}  // namespace vcity::verifier
