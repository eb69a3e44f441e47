// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "async/channel.hpp"
#include "model/chain.hpp"
#include "ports/link.hpp"
#include "ports/signer.hpp"
#include "services/common/peer_link.hpp"
#include "services/gateway/api/offers.hpp"
#include "services/gateway/job_progress.hpp"
#include "services/gateway/work/work_calls.hpp"
#include "telemetry/log.hpp"

namespace vcity::gateway {

struct SchedulerLinkOptions {
    std::vector<std::string> endpoints{"ws://127.0.0.1:8070/link"};  // of the processes that may act for the scheduler
    std::string software_version = "vcity-gateway/0.1.0";
    // A heartbeat goes with every request for fresh offers.
    services::SessionTuning session{
        .heartbeat_every = std::chrono::seconds{2}, .lost_after = std::chrono::seconds{15}, .outbox_max = 8'192};
    services::BackoffRange backoff{.first = std::chrono::milliseconds{100}, .longest = std::chrono::seconds{2}};
    std::size_t events_per_job_max = 4'096;
};

// One job's events in order, between the link and the request that waits for them.
class UpstreamJob {
  public:
    UpstreamJob(Runtime* runtime, std::size_t events_max) : events_{runtime, events_max} {}

    // kTimeout at the deadline. LinkLost and EventsLost are events, and the last ones.
    Task<Result<JobEvent>> next(TimePoint deadline);

    // What was not received in time ends the job with EventsLost.
    void deliver(JobEvent event);
    void end_with(JobEvent last);

  private:
    Channel<JobEvent> events_;
    JobEvent last_ = LinkLost{};
};

// The gateway's one connection to its scheduler: keeps the offers fresh, carries many jobs, and comes back after a
// break. Jobs that ran across a break are lost to their clients; the scheduler is told to cancel them as soon as it is
// there again.
class SchedulerLink final : private services::PeerLinkHandler {
  public:
    struct Deps {
        Runtime* runtime = nullptr;
        ports::LinkDialer* dialer = nullptr;
        ports::Signer* signer = nullptr;
        const Deployment* deployment = nullptr;  // outlives the link
        Log log;
    };

    SchedulerLink(const Deps& deps, const SchedulerLinkOptions& options);
    SchedulerLink(const SchedulerLink&) = delete;
    SchedulerLink& operator=(const SchedulerLink&) = delete;

    // Until stop().
    Task<void> run() { return link_.run(); }
    void stop() { link_.stop(); }

    bool is_connected() const { return session_ != nullptr; }
    // Of the scheduler that answered last; zero before the first welcome.
    const Address& scheduler() const { return scheduler_; }
    const OfferBook& offers() const { return offers_; }

    // kUnavailable without a connection, kExhausted when the scheduler takes nothing off us. The job is shared by the
    // link, which delivers, and the request, which waits: either may be the first to go. forget() must follow.
    Result<std::shared_ptr<UpstreamJob>> submit(JobOrder order);
    void cancel(const JobId& job_id);
    void forget(const JobId& job_id) { jobs_.erase(job_id); }
    std::size_t jobs() const { return jobs_.size(); }

    // What the scheduler knows of a job. kUnavailable, kTimeout.
    Task<Result<JobStatusReply>> status(JobId job_id, TimePoint deadline);
    // A message of a tunnel; false without a connection, or when the scheduler takes nothing off us.
    bool tell(Message message) { return send(std::move(message)); }
    void set_on_tunnel(std::function<void(const TunnelRefused&)> on_tunnel) { on_tunnel_ = std::move(on_tunnel); }
    // Work on units: orders, quotes, what became of them, and what is on offer. Errors as of WorkCalls::ask().
    Task<Result<WorkAnswer>> ask(WorkQuestion question, TimePoint deadline);

  private:
    void on_connected(services::LinkSession* session, const LinkWelcome& welcome) override;
    void on_message(Message message) override;
    void on_disconnected() override;
    Heartbeat make_heartbeat() override;
    Task<void> on_denied() override;

    void deliver(const JobId& job_id, JobEvent event);
    void on_status(const JobStatusReply& reply);
    bool send(Message message);

    Runtime* runtime_;
    Log log_;
    std::size_t events_per_job_max_;
    Address scheduler_;
    OfferBook offers_;
    services::LinkSession* session_ = nullptr;
    std::unordered_map<JobId, std::shared_ptr<UpstreamJob>> jobs_;
    std::unordered_multimap<JobId, std::shared_ptr<Channel<JobStatusReply>>> status_waits_;
    WorkCalls work_;
    std::function<void(const TunnelRefused&)> on_tunnel_;
    std::deque<JobId> orphans_;  // to be cancelled once connected
    services::PeerLink link_;
};

}  // namespace vcity::gateway
