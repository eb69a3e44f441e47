// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "services/scheduler/work/work_desk.hpp"

namespace vcity::scheduler {

Result<ReachableStep> WorkDesk::reach(const JobId& job_id,
                                      const Address& client,
                                      std::string_view group,
                                      std::uint32_t index) const {
    const auto found = jobs_.find(job_id);
    if (found == jobs_.end() || found->second->job.order().client != client) {
        return make_error(Errc::kNotFound, "no job of this id runs for this client");
    }
    const work::Job& job = found->second->job;
    const std::span<const work::Job::Step> steps = job.steps();
    const auto step = std::ranges::find_if(steps, [&](const work::Job::Step& one) {
        return one.index == index && job.spec().groups[one.group].name == group;
    });
    if (step == steps.end()) {
        return make_error(Errc::kNotFound, "the job has no step " + std::string{group} + "/" + std::to_string(index));
    }
    if (step->state != StepState::kRunning) {
        return make_error(Errc::kUnavailable, "the step is " + std::string{to_string(step->state)});
    }
    const auto number = static_cast<std::uint32_t>(step - steps.begin());
    const work::Attempt* attempt = job.find_live(number, step->fencing_token);
    if (attempt == nullptr) return make_error(Errc::kUnavailable, "the step begins anew");
    return ReachableStep{.attempt = attempt_id(step->id, attempt->terms.attempt),
                         .fencing_token = step->fencing_token,
                         .node = attempt->terms.node,
                         .ports = job.group_of(number).setup.ports};
}

Duration WorkDesk::grace_of(const Running& running) const {
    const auto work = jobs_.find(running.job);
    const bool is_service = work != jobs_.end() && work->second->job.group_of(running.step).setup.is_service;
    return is_service ? context_->options.service_grace : context_->options.node_grace;
}

void WorkDesk::end_outage(const JobId& attempt, SessionId session) {
    Running& running = attempts_.at(attempt);
    if (!running.heard_at) return;
    const Duration outage = context_->now() - *running.heard_at;
    running.heard_at.reset();
    LiveWork* work = find(running.job);
    if (!work->job.group_of(running.step).setup.is_service) return;
    const work::Attempt* live = work->job.find_live(running.step, running.terms.fencing_token);
    if (live == nullptr) return;
    const auto outage_ms = std::chrono::floor<std::chrono::milliseconds>(outage).count();
    work::Unreachable away;
    away.step = running.step;
    away.fencing_token = running.terms.fencing_token;
    away.away_ms = live->away_ms + static_cast<std::uint64_t>(outage_ms);
    StepAway told;
    told.step_id = attempt;
    told.fencing_token = away.fencing_token;
    told.away_ms = away.away_ms;
    const Result<void> noted = work->job.note_away(away, context_->runtime()->unix_now(), &work->effects);
    if (!noted) return;
    // The node adopts what it is told; should this process end before that is written, it bills less than it might.
    parts_.switchboard->post(session, told);
    save(work);
}

Duration WorkDesk::billable(const LiveWork& work, const Running& running) const {
    const Duration elapsed = context_->now() - running.leased_at;
    const work::Attempt* live = work.job.find_live(running.step, running.terms.fencing_token);
    if (live == nullptr) return elapsed;
    return elapsed - std::min<Duration>(elapsed, std::chrono::milliseconds{live->away_ms});
}

}  // namespace vcity::scheduler
