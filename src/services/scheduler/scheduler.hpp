// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "services/scheduler/audit_desk.hpp"
#include "services/scheduler/capacity_desk.hpp"
#include "services/scheduler/job_driver.hpp"
#include "services/scheduler/settler.hpp"
#include "services/scheduler/tunnels/tunnel_desk.hpp"
#include "services/scheduler/work/work_desk.hpp"

namespace vcity::scheduler {

// Takes orders from gateways, places them on nodes under leases, checks and countersigns what comes back, has it
// audited and settles it on chain. One logical thread; run() returns after stop() once all its tasks have ended.
//
// All state that matters is in the store: one record per job, caps, batches, flags and the fencing counter. A restart
// reads it back and goes on: delivered receipts are never lost, jobs in flight are finished by their node's resent
// result, moved to another node, or failed.
class Scheduler {
  public:
    Scheduler(SchedulerDeps deps, SchedulerOptions options);

    // Ends early with an error when the registration is refused or the store is damaged or does not take writes.
    Task<Result<void>> run();
    void stop();

    // Registered, recovered and listening.
    bool is_ready() const { return ready_; }
    std::size_t live_jobs() const { return book_.live().size(); }
    std::size_t unsettled_jobs() const { return book_.delivered().size(); }
    const Directory& directory() const { return directory_; }
    const WorkDesk& work() const { return work_; }

  private:
    Task<Result<void>> prepare();
    Task<Result<void>> recover_caps();
    Task<Result<void>> recover_flags();
    Task<Result<void>> recover_probations();
    Task<Result<void>> recover_reputations();
    Task<void> keep_reputations();
    Task<void> accept_links();
    Task<void> serve(std::unique_ptr<ports::Connection> connection);
    Task<void> serve_session(std::unique_ptr<ports::Connection> connection, services::LinkPeer peer);
    void welcome(SessionId session, const services::LinkPeer& peer);
    void farewell(SessionId session, const services::LinkPeer& peer, TimePoint heard);
    void route(SessionId session, const services::LinkPeer& peer, Message message);
    void route_from_node(SessionId session, const Address& node, Message message);
    void on_node_ready(SessionId session, const Address& node, NodeReady ready);
    bool route_to_work(const Address& node, const Message& message);
    void route_from_gateway(SessionId session, Message message);
    void route_from_verifier(SessionId session, const services::LinkPeer& peer, Message message);
    void on_status_request(SessionId session, const JobId& job_id);
    Task<void> answer_status(SessionId session, JobId job_id);
    Task<Result<void>> add_settlement(JobStatusReply* reply, JobRecord record);

    Context context_;
    Switchboard switchboard_;
    Directory directory_;
    ModelRouter router_;
    CapLedger caps_;
    JobBook book_;
    TokenSource tokens_;
    AuditDesk audits_;
    CapacityDesk capacity_;
    Settler settler_;
    JobDriver driver_;
    WorkDesk work_;
    TunnelDesk tunnels_;
    bool ready_ = false;
    std::size_t connections_ = 0;
    std::size_t status_queries_ = 0;
};

}  // namespace vcity::scheduler
