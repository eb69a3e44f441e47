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

}  // namespace vcity::scheduler
