// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "nodes.hpp"

namespace vcity::trial {

struct Totals {
    std::uint64_t accepted = 0;
    std::uint64_t succeeded = 0;
    std::uint64_t failed = 0;
    std::uint64_t lost = 0;     // acknowledged once, and unknown to the scheduler later
    std::uint64_t refused = 0;  // for now; ordered again

    Totals& operator+=(const Totals& other);
};

// A gateway of one scheduler identity. Keeps so many jobs under way; an order that was not answered is sent again under
// the same id, whatever happened to the link; a job that was accepted is asked after until it has ended. An accepted
// job that the scheduler does not know any more is lost.
class OrderDesk final : private services::PeerLinkHandler {
  public:
    // what happened, the job, a number: "up" with the epoch, "accepted", "ended" with the state, "lost".
    using OnEvent = std::function<void(const char*, const JobId&, std::uint64_t)>;

    OrderDesk(const World& world, crypto::PrivateKey gateway, SignedCap cap);

    void on_event(OnEvent callback) { callback_ = std::move(callback); }
    Task<void> run() { return link_.run(); }
    // Orders and asks, until the program ends.
    Task<void> work();
    void stop_ordering() { is_ordering_ = false; }
    std::size_t open() const { return jobs_.size(); }
    const Totals& totals() const { return totals_; }

  private:
    struct Job {
        WorkOrder order;
        bool is_accepted = false;
        TimePoint asked;
    };

    void on_connected(services::LinkSession* session, const LinkWelcome& welcome) override;
    void on_message(Message message) override;
    void on_disconnected() override;
    Heartbeat make_heartbeat() override { return {}; }
    Task<void> on_denied() override;

    void start_job();
    void ask(Job* job, TimePoint now);
    void on_accepted(const WorkAccepted& accepted);
    void on_failed(const JobFailed& failed);
    void on_status(const WorkStatusReply& reply);

    World world_;
    cli::KeySigner signer_;
    SignedCap cap_;
    OnEvent callback_;
    std::map<JobId, Job> jobs_;
    Totals totals_;
    bool is_ordering_ = true;
    services::LinkSession* session_ = nullptr;
    services::PeerLink link_;
};

}  // namespace vcity::trial
