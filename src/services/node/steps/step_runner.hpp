// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "async/task_group.hpp"
#include "model/chain.hpp"
#include "ports/sandbox.hpp"
#include "ports/signer.hpp"
#include "ports/store.hpp"
#include "services/node/metrics.hpp"
#include "services/node/status.hpp"
#include "services/node/steps/step_files.hpp"
#include "services/node/steps/step_record.hpp"
#include "telemetry/log.hpp"

namespace vcity::node {

struct StepLimits {
    std::size_t output_bytes_max = 1U << 20U;
    // Of all outputs that are held here, as long as the scheduler does not have them; beyond it leases are refused.
    std::size_t output_total_bytes_max = 64U << 20U;
    std::uint32_t processes_max = 64;
    std::size_t results_max = 256;   // that wait for their acknowledgement; beyond it leases are refused
    std::size_t reports_max = 1024;  // failures and refusals that wait for a link; beyond it the oldest are dropped
    Duration resend_every = std::chrono::seconds{20};
    Duration look_every = std::chrono::seconds{2};  // at how full the folder of a step is
};

// A program that a node brings along for steps (StepSetup::program).
struct StepProgram {
    std::vector<std::string> command;  // what stands before the step's own arguments
    std::vector<ports::SandboxMount> read_only;
    std::vector<std::string> environment;
};

// What of this machine stands behind the units.
struct StepMachine {
    std::map<std::string, StepProgram> programs;                  // by name
    std::map<std::uint32_t, std::vector<std::string>> unit_gpus;  // CDI names of a unit's GPUs, by the unit's number
};

// Runs steps of customers' jobs on the units of this node: checks each lease against what is free and what the node
// asks for it, runs the command in the sandbox, streams its output and signs a receipt for the time.
//
// A lease is in the store before its command starts, a result with its output before it is sent; after a crash of the
// agent it goes on with the steps whose sandboxes live on (containers), and reports the others as failed. What has
// happened is sent again after a reconnect, and a result until it is acknowledged. One logical thread with the agent.
class StepRunner {
  public:
    struct Parts {
        Runtime* runtime = nullptr;
        ports::Store* store = nullptr;
        ports::Signer* signer = nullptr;
        ports::Sandbox* sandbox = nullptr;    // nullptr: no unit may be offered
        ports::Volumes* volumes = nullptr;    // nullptr: no unit may offer UnitFeature::kFiles
        ports::Transfer* transfer = nullptr;  // likewise
        TaskGroup* group = nullptr;
        NodeMetrics* metrics = nullptr;
        const Deployment* deployment = nullptr;
        Log log{nullptr, "steps"};
        std::function<bool(Message)> post;   // false: no link, or no room on it
        std::function<void()> changed;       // something is to be pumped
        std::function<void()> done = [] {};  // a receipt was signed
        bool is_reachable = false;           // the sandbox has ways in, and somebody opens tunnels
    };

    StepRunner(Parts parts, std::vector<UnitOffer> units, StepLimits limits = {}, StepMachine machine = {})
        : parts_{std::move(parts)},
          units_{std::move(units)},
          limits_{limits},
          machine_{std::move(machine)},
          keeping_ended_{parts_.runtime} {}

    // Reads back what was running and what waits for its acknowledgement.
    Task<Result<void>> recover();
    // Ends every step; their tasks end in the group.
    void stop();

    // A step whose command runs, under this fencing token. Borrowed until the next await.
    struct StepReach {
        ports::SandboxProcess* process = nullptr;
        const StepSetup* setup = nullptr;
    };
    std::optional<StepReach> running_step(const JobId& attempt, std::uint64_t fencing_token) const;

    const std::vector<UnitOffer>& units() const { return units_; }
    bool owns(const JobId& attempt) const { return steps_.contains(attempt); }
    void add_leases(std::vector<Lease>* leases) const;
    std::size_t running() const;
    // Closed: new leases are refused; what runs goes on.
    void set_open(bool is_open) { is_open_ = is_open; }
    // The machine is wanted for something else: every step is told to end, and killed if it does not. What it has in
    // its checkpoint is kept; the attempt is reported as failed for this reason, so that it goes on elsewhere.
    void give_way(const std::string& reason);
    // Adds what it knows of units, steps and results.
    void describe(NodeStatus* status) const;

    // --- from the link; none of these wait
    void on_connected(const Address& scheduler);
    // heard: when the scheduler was heard last.
    void on_disconnected(TimePoint heard);
    void on_away(const StepAway& away);
    void on_grant(StepGrant grant);
    void on_cancel(const JobCancel& cancel);
    void on_ack(ReceiptAck ack);
    // Sends what is new; false when the link has no room.
    bool pump();

  private:
    struct Step {
        Lease lease;
        std::optional<StepGrant> grant;  // none of a result from before a restart
        Address scheduler;               // that granted it
        std::string output;
        UnixMillis started_at{0};
        TimePoint started_on;  // the same moment, to measure how long it ran
        Duration ran{};        // until its command ended
        Duration away{};       // of that, without a link
        Duration away_told{};  // likewise, as the scheduler counts
        std::shared_ptr<StepFiles> files;
        std::vector<StepFile> kept;  // of its result
        TimePoint look_at;           // at its folder
        TimePoint checkpoint_at;
        std::uint32_t checkpoints = 0;
        Duration checkpointed{};  // how long it had run at the newest of them
        bool is_keeping = false;  // a checkpoint, beside the command
        bool is_cancelled = false;
        std::string gives_way_to;                  // a reason to end it; empty: none
        ports::SandboxProcess* process = nullptr;  // borrowed from run() while it waits
        std::optional<SignedReceipt> receipt;      // set once it is in the store
        std::int32_t exit_code = 0;
        // What the present link has seen of it.
        bool is_start_posted = false;
        std::size_t output_posted = 0;
        std::optional<TimePoint> finish_posted_at;
    };

    Result<void> check_grant(const StepGrant& grant) const;
    Result<void> check_setup(const StepGrant& grant, const UnitOffer& unit) const;
    Result<void> check_room(const StepGrant& grant) const;
    bool are_gpus_free(const StepGrant& grant) const;
    Task<void> run(JobId attempt);
    Task<Result<void>> work_on(Step* step);
    Task<void> conclude(JobId attempt, Result<void> done);
    Task<Result<std::int32_t>> execute(Step* step);
    Task<Result<std::int32_t>> attend(Step* step, std::unique_ptr<ports::SandboxProcess> process);
    // --- what a restart of the agent leaves (step_heritage.cpp)
    bool outlives_agent(const StepWork& work) const { return parts_.sandbox->outlives_agent(work.setup.image); }
    static std::string sandbox_name(const Lease& lease);
    Task<Result<void>> bequeath(Step* step);
    Task<Result<void>> adopt(StepRecord record);
    Task<Result<void>> sweep(std::vector<std::string> sandboxes, std::vector<std::string> volumes);
    Task<void> go_on(JobId attempt, std::unique_ptr<ports::SandboxProcess> process);
    Task<Result<void>> prepare(Step* step);
    Task<std::optional<std::int32_t>> read_output(Step* step, TimePoint deadline);
    Task<bool> look_after(Step* step);
    Task<void> keep_checkpoint(JobId attempt);
    Task<Result<void>> send_checkpoint(Step* step);
    Task<Result<void>> keep_files(Step* step);
    Task<Result<std::int32_t>> give_up(Step* step);
    void give_way(const JobId& attempt, Step* step, const std::string& reason);
    Task<void> kill_later(JobId attempt, std::uint64_t fencing_token);
    TimePoint lease_end(const Step& step) const;
    void count_away(Step* step) const;
    void end_outage();
    std::chrono::milliseconds billed_time(const Step& step) const;
    Task<Result<void>> finish(Step* step);
    ports::SandboxSpec spec_of(const Step& step) const;
    Task<void> keep(JobId attempt, ReceiptAck ack);
    Task<void> forget(JobId attempt);
    bool pump_step(Step* step);
    void refuse(const StepGrant& grant, const Error& error);
    void report(Message message);
    void report_failure(const Lease& lease, Errc code, std::string reason);

    Parts parts_;
    std::vector<UnitOffer> units_;
    StepLimits limits_;
    StepMachine machine_;
    std::optional<Address> scheduler_;
    std::map<JobId, std::unique_ptr<Step>> steps_;
    std::deque<Message> reports_;  // failures and refusals that no link has taken yet
    std::optional<TimePoint> link_lost_at_;
    bool is_open_ = true;
    Notifier keeping_ended_;
    bool stopping_ = false;
};

}  // namespace vcity::node
