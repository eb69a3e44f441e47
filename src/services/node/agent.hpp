// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "async/task_group.hpp"
#include "ports/inference.hpp"
#include "ports/monitor.hpp"
#include "ports/signer.hpp"
#include "ports/store.hpp"
#include "services/common/peer_link.hpp"
#include "services/node/capacity_desk.hpp"
#include "services/node/intake.hpp"
#include "services/node/lease_record.hpp"
#include "services/node/metrics.hpp"
#include "services/node/status.hpp"
#include "services/node/steps/step_runner.hpp"
#include "services/node/tunnels/tunnel_desk.hpp"

namespace vcity::node {

// The pointers are borrowed and must outlive the agent.
struct NodeDeps {
    Runtime* runtime = nullptr;
    ports::Store* store = nullptr;
    ports::Signer* signer = nullptr;
    ports::LinkDialer* dialer = nullptr;
    ports::Inference* inference = nullptr;
    ports::Sandbox* sandbox = nullptr;  // for commands of customers; nullptr: only the model is served
    ports::Volumes* volumes = nullptr;  // for files of steps, with the next; nullptr: no unit offers files
    ports::Transfer* transfer = nullptr;
    ports::WebSocketClient* tunnels = nullptr;  // dials gateways for tunnels into steps; nullptr: opens none
    ports::Sealer* sealer = nullptr;            // the monitor of this machine; nullptr: it has none
    ports::CapacityProver* capacity = nullptr;  // the cards; nullptr: no proof of capacity is offered
    ports::ChainReader* chain_reader = nullptr;
    ports::ChainWriter* chain_writer = nullptr;  // signs as the node's identity
    MetricRegistry* metrics = &null_metrics();
    Deployment deployment;
    Log log{nullptr, "node"};
};

struct NodeOptions {
    std::vector<std::string> scheduler_endpoints;  // of the processes that may act for its scheduler
    NodeKind kind = NodeKind::kFlexible;
    Hardware hardware;
    std::string did_document_uri;
    Vcai stake;
    TokenPrices prices;
    std::vector<UnitOffer> units;  // for work of customers; needs a sandbox
    StepLimits steps;
    StepMachine machine;
    std::string software_version;
    Duration monitor_poll = std::chrono::seconds{10};    // between two looks at the monitor's key
    Duration monitor_timeout = std::chrono::seconds{5};  // of one question to it
    Duration model_load_timeout = std::chrono::minutes{10};
    Duration token_timeout = std::chrono::seconds{60};  // between two events of one generation
    Duration resend_every = std::chrono::seconds{20};   // of a receipt that is not acknowledged
    std::size_t unacknowledged_max = 256;               // finished results kept; beyond it leases are refused
    std::size_t traces_max = 64;                        // finished jobs whose trace the worker keeps for audits
    std::size_t openings_queued_max = 64;
    std::size_t output_bytes_max = 1U << 20U;
    services::SessionTuning session;
    services::BackoffRange backoff;
};

// The daemon on a provider's machine. It registers its identity, dials out to one scheduler, takes leases, runs them
// through ports::Inference, streams the output and signs a receipt for each. One logical thread; run() returns after
// stop() once all its tasks have ended.
//
// Promises: a receipt is in the store before it is sent, together with the output it bills, and is sent again until the
// scheduler acknowledges it or refuses it for good; after a crash an unfinished lease is reported as failed; work under
// a fencing token that is not newer than a known one for the job is refused. Payment is claimed on chain by the
// scheduler's keeper, since the proof needs the earnings of all nodes; see scheduler/settler.hpp.
class NodeAgent final : private services::PeerLinkHandler {
  public:
    NodeAgent(NodeDeps deps, NodeOptions options);

    // Ends early with kDenied when the registration is refused, kUnavailable when the model does not load, kCorrupt
    // when the store is damaged.
    Task<Result<void>> run();
    void stop();

    bool is_connected() const { return session_ != nullptr; }
    std::size_t active_leases() const;

    // --- what the owner says (owner.cpp); see Intake. Each is in the store before it takes effect.
    // Takes nothing new; what runs goes on, and its results are sent as always.
    Task<Result<void>> drain();
    // Likewise, and steps that run end at once, with their checkpoints kept, to go on elsewhere.
    Task<Result<void>> drain_now();
    Task<Result<void>> resume();
    // kInvalid, kExhausted: see Intake::plan().
    Task<Result<void>> maintain(Maintenance window);
    Task<Result<void>> cancel_maintenance();
    // Takes nothing new for a reason of the machine's own, e.g. "the owner is using it", until the reason is empty
    // again. Forgotten with the process.
    void set_pause(std::string reason);
    // As set_pause(), and steps that run end as well, with their checkpoints kept, to go on elsewhere.
    void give_way(std::string reason);
    bool takes_work() const;
    NodeStatus status() const;

  private:
    // A lease from its grant to the acknowledgement of its receipt.
    struct Work {
        Lease lease;
        std::optional<LeaseGrant> grant;  // none after a restart
        std::vector<TokenChunk> chunks;
        std::string text;
        std::uint64_t tokens = 0;
        UnixMillis started_at{0};
        ports::MonitorKey monitor_key;            // that the trace names
        ports::Generation* generation = nullptr;  // borrowed from run_lease() while it waits
        bool cancelled = false;
        std::optional<FinishedWork> finished;  // set once it is in the store
        // What the present session has seen of it.
        std::size_t chunks_posted = 0;
        std::optional<TimePoint> finished_posted_at;
    };

    // --- link
    void on_connected(services::LinkSession* session, const LinkWelcome& welcome) override;
    void on_message(Message message) override;
    void on_disconnected() override;
    Heartbeat make_heartbeat() override;
    Task<void> on_denied() override;
    void post(Message message);
    bool post_bulk(Message message);  // false: no link, or too little room on it

    // --- start
    Task<Result<void>> prepare();
    Task<Result<void>> recover();
    Task<Result<void>> register_identity();
    NodeRecord registration() const;
    NodeAnnouncement announcement() const;
    void announce();

    // --- intake (owner.cpp)
    Task<Result<void>> recover_intake();
    Task<Result<void>> keep_intake(Intake intake);
    Task<void> watch_intake();
    void announce_intake();
    void note_done();

    // --- leases (lease.cpp)
    void on_grant(LeaseGrant grant);
    Result<void> check_grant(const LeaseGrant& grant) const;
    Task<void> run_lease(JobId job_id);
    Task<Result<void>> work_on(Work* work);
    Task<Result<WorkerDone>> generate(Work* work);
    Result<void> take_token(Work* work, const WorkerToken& token);
    Task<Result<void>> finish(Work* work, WorkerDone done);
    Result<SignedReceipt> make_receipt(const Work& work, const WorkerDone& done) const;
    void on_cancel(const JobCancel& cancel);
    Task<void> on_ack(ReceiptAck ack);
    Task<Result<void>> keep_receipt(SignedReceipt receipt);
    Task<void> forget_lease(JobId job_id);
    void drop_old_traces(const JobId& newest);

    // --- monitor (monitor.cpp)
    Task<void> watch_monitor();
    Task<void> learn_monitor_key();
    Task<void> seal_root(ports::MonitorKey key, SignedReceipt receipt, Hash client_nonce);

    // --- sending: one task posts chunks and receipts in order, as far as the session has room
    Task<void> run_pump();
    bool pump();
    bool pump_work(Work* work);

    // --- audits
    Task<void> run_openings();
    using AuditCall = std::variant<ReplayRequest, OpenRequest>;
    void on_audit_call(AuditCall call);
    Task<void> answer_audit_call(AuditCall call);
    Task<void> answer_replay(ReplayRequest request);
    Task<void> answer_opening(OpenRequest request);
    // Whether this is our receipt of that job: kNotFound for another one, other codes when that cannot be told now.
    Task<Result<void>> check_receipt_hash(JobId job_id, Hash receipt_hash);
    Task<Result<Hash>> receipt_hash_of(JobId job_id);

    NodeDeps deps_;
    NodeOptions options_;
    NodeMetrics metrics_;
    Log log_;
    TaskGroup group_;
    Notifier changed_;
    Notifier stopped_;
    Notifier intake_changed_;
    CapacityDesk capacity_;
    StepRunner steps_;
    TunnelDesk tunnels_;
    Channel<AuditCall> openings_;
    std::vector<AuditCall> audit_calls_;  // queued or being answered: verifiers ask again
    std::unique_ptr<services::PeerLink> link_;
    services::LinkSession* session_ = nullptr;
    std::optional<WorkerReady> model_;
    std::optional<Address> scheduler_;
    ports::MonitorKey monitor_key_;  // zero: no monitor, or it does not answer
    std::map<JobId, std::unique_ptr<Work>> works_;
    std::vector<Lease> lost_leases_;  // found unfinished after a restart, not yet reported
    std::deque<JobId> traces_;
    Intake intake_;
    std::string pause_;
    bool announced_open_ = true;  // as the scheduler was told last
    std::deque<TimePoint> done_;  // when results of the last hour were signed
    bool stopping_ = false;
};

}  // namespace vcity::node
