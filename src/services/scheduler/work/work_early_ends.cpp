// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <utility>

#include "services/scheduler/work/work_desk.hpp"
#include "work/plan.hpp"

// Attempts that are told to end before their time through no fault of their own. They stay leases until their nodes
// have said what they did, so that this is paid; a node that does not say so in time has had its chance.
namespace vcity::scheduler {

bool WorkDesk::can_end_early(const Running& running) const {
    return running.is_granted && running.granted_on != kNoSession && !running.early_end;
}

void WorkDesk::end_early(const JobId& attempt, EarlyEnd end) {
    Running& running = attempts_.at(attempt);
    JobCancel cancel;
    cancel.job_id = attempt;
    cancel.fencing_token = running.terms.fencing_token;
    cancel.gives_way = end.ending == Ending::kGivesWay;
    parts_.switchboard->post(running.granted_on, cancel);
    set_timer(end.until, attempt);
    running.early_end = std::move(end);
}

Result<SignedReceipt> WorkDesk::check_early_end(const LiveWork& work,
                                                const Running& running,
                                                const StepFinished& finished,
                                                SignedReceipt receipt) {
    // What came to its end all the same is a result like any other.
    if (!running.early_end || finished.exit_code == 0) return receipt;
    const bool has_winner = work.job.steps()[running.step].live > 1;
    const bool is_race = running.early_end->ending == Ending::kLosesRace;
    if (is_race ? has_winner : finished.exit_code == work::kGaveWayExit) return receipt;
    return make_error(Errc::kExhausted, "it had to end, and nothing of it is kept: " + running.early_end->reason);
}

bool WorkDesk::holds_back(const LiveWork& work, const Address& node, const StepFinished& finished) {
    const Running& winner = attempts_.at(finished.finished.job_id);
    if (winner.early_end) return false;  // it was too late for stopping
    for (const work::Attempt& other : work.job.live()) {
        if (other.terms.step != winner.step || other.terms.fencing_token == winner.terms.fencing_token) continue;
        const JobId id = attempt_id(work.job.steps()[other.terms.step].id, other.terms.attempt);
        const auto found = attempts_.find(id);
        if (found == attempts_.end()) continue;
        // The result comes again when its node has been away meanwhile.
        if (found->second.early_end && found->second.early_end->winner) return true;
        if (!can_end_early(found->second)) continue;
        end_early(id, {Ending::kLosesRace, "another copy of it was faster",
                       context_->now() + context_->options.cancel_grace, std::pair{node, finished}});
        return true;
    }
    return false;
}

void WorkDesk::count_winners() {
    while (!winners_.empty()) {
        const auto [node, finished] = std::move(winners_.front());
        winners_.pop_front();
        on_finished(node, finished);
    }
}

}  // namespace vcity::scheduler
