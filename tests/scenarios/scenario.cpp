// SPDX-License-Identifier: Apache-2.0
#include "scenarios/scenario.hpp"

#include <algorithm>

#include "scenarios/cluster.hpp"
#include "scenarios/faults.hpp"
#include "scenarios/host_machine.hpp"
#include "scenarios/invariants.hpp"

namespace vcity::scenarios {
namespace {

using namespace std::chrono_literals;

constexpr Duration kFaultsBegin = 6s;
constexpr Duration kFaultsEnd = 80s;
constexpr Duration kPatience = 15min;           // for everything to end after the faults
constexpr Duration kStopPatience = 2min;        // a node may still wait for a replay of its worker
constexpr std::uint64_t kStepsMax = 1'000'000;  // a run takes about ten thousand
constexpr std::uint64_t kStepsPerLook = 64;

void plant(Cluster* cluster) {
    sim::DiskFaults& faults = cluster->scheduler->disk.faults;
    switch (cluster->options.planted) {
        case Planted::kNone: break;
        case Planted::kDoublePayment:
            // Slow blocks: the scheduler posts again while its first transaction still waits.
            cluster->world.chain.faults.block_time = 8s;
            break;
        case Planted::kStaleToken:
            faults.lies_about = "fence";
            faults.lie_window = 1h;
            break;
        case Planted::kUnpersistedReceipt: faults.lies_about = "job/"; break;
        case Planted::kNoFence:
            cluster->database->faults.ignores_expectations_on = std::string{scheduler::kShardEpochKey};
            break;
        case Planted::kNoMargin: break;  // of the machines
        case Planted::kHiddenEpochs: cluster->world.network.faults.hides_epochs = true; break;
    }
}

class Run {
  public:
    explicit Run(const ScenarioOptions& options) : cluster_{options}, invariants_{&cluster_}, faults_{&cluster_} {
        cluster_.world.runtime.set_after_step([this] { invariants_.after_step(); });
        plant(&cluster_);
    }

    Outcome run() {
        cluster_.start_all();
        go_to(TimePoint{} + kFaultsBegin);
        faults_.start();
        go_to(TimePoint{} + kFaultsEnd);
        faults_.stop();
        const TimePoint give_up = now() + kPatience;
        while (is_good() && now() < give_up && !invariants_.is_at_rest()) go_to(now() + 1s);
        outcome_.violation = invariants_.violation();
        if (outcome_.steps >= kStepsMax) outcome_.violation = "something goes round in circles";
        if (is_good() && !invariants_.is_at_rest()) outcome_.violation = "something never came to an end";
        if (is_good()) {
            invariants_.check_end();
            outcome_.violation = invariants_.violation();
        }
        if (is_good()) stop_all();
        return account();
    }

  private:
    TimePoint now() const { return cluster_.world.runtime.now(); }
    bool is_good() const { return invariants_.violation().empty() && outcome_.steps < kStepsMax; }

    void go_to(TimePoint when) {
        while (is_good()) {
            const std::uint64_t taken = cluster_.world.runtime.run_until(when, kStepsPerLook);
            outcome_.steps += taken;
            if (taken < kStepsPerLook) break;
        }
    }

    // Every role ends in good order when it is asked to.
    void stop_all() {
        for (Machine* machine : cluster_.machines()) machine->stop();
        go_to(now() + kStopPatience);
        for (const Machine* machine : cluster_.machines()) {
            if (machine->is_up()) outcome_.violation = machine->name() + " did not stop";
        }
    }

    Outcome account() {
        outcome_.checks = invariants_.checks();
        const auto elapsed = std::chrono::duration_cast<std::chrono::seconds>(now() - TimePoint{});
        outcome_.virtual_seconds = static_cast<std::uint64_t>(elapsed.count());
        outcome_.faults = faults_.count();
        outcome_.jobs = cluster_.book.jobs.size();
        outcome_.proofs_checked = cluster_.book.proofs_checked;
        outcome_.epochs = invariants_.epochs();
        for (const auto& [job_id, job] : cluster_.book.jobs) {
            if (job.status == ClientJob::Status::kDone) ++outcome_.jobs_done;
        }
        for (const auto& [job_id, record] : invariants_.disk().jobs()) {
            if (record.state == JobState::kSettled) ++outcome_.jobs_settled;
            if (record.state == JobState::kRejected) ++outcome_.results_rejected;
        }
        return outcome_;
    }

    Cluster cluster_;
    Invariants invariants_;
    FaultDriver faults_;
    Outcome outcome_;
};

std::string_view name_of(Planted planted) {
    switch (planted) {
        case Planted::kNone: return "none";
        case Planted::kDoublePayment: return "double-payment";
        case Planted::kStaleToken: return "stale-token";
        case Planted::kUnpersistedReceipt: return "unpersisted-receipt";
        case Planted::kNoFence: return "no-fence";
        case Planted::kNoMargin: return "no-margin";
        case Planted::kHiddenEpochs: return "hidden-epochs";
    }
    return "none";
}

}  // namespace

Outcome run_scenario(const ScenarioOptions& options) {
    Run run{options};
    return run.run();
}

std::string replay_command(const ScenarioOptions& options) {
    std::string command = "vcity_scenario --seed " + std::to_string(options.seed);
    if (options.schedulers != 1) command += " --schedulers " + std::to_string(options.schedulers);
    if (options.planted != Planted::kNone) command += " --planted " + std::string{name_of(options.planted)};
    return command + " --verbose";
}

}  // namespace vcity::scenarios
