// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "services/node/steps/step_runner.hpp"

// Whether a step can be reached, and what a service may bill: nobody pays for a service while its node cannot be
// reached.
namespace vcity::node {
namespace {

constexpr std::uint64_t kAwayMsMax = std::uint64_t{400} * 86'400 * 1000;  // longer than any lease

}  // namespace

std::optional<StepRunner::StepReach> StepRunner::running_step(const JobId& attempt, std::uint64_t fencing_token) const {
    const auto found = steps_.find(attempt);
    if (found == steps_.end()) return std::nullopt;
    const Step& step = *found->second;
    if (step.process == nullptr || step.lease.fencing_token != fencing_token) return std::nullopt;
    return StepReach{.process = step.process, .setup = &step.grant->work.setup};
}

void StepRunner::on_disconnected(TimePoint heard) {
    if (!link_lost_at_) link_lost_at_ = heard;
}

// Up to now, as far as the link is down.
void StepRunner::count_away(Step* step) const {
    if (!link_lost_at_) return;
    step->away += parts_.runtime->now() - std::max(*link_lost_at_, step->started_on);
}

void StepRunner::end_outage() {
    for (const auto& [attempt, step] : steps_) {
        if (step->process != nullptr) count_away(step.get());
    }
    link_lost_at_.reset();
}

void StepRunner::on_away(const StepAway& away) {
    const auto found = steps_.find(away.step_id);
    if (found == steps_.end() || found->second->lease.fencing_token != away.fencing_token) return;
    // The scheduler's clock decides for the customer; this one's for nobody but its owner, who reads the log.
    const std::chrono::milliseconds told{static_cast<std::int64_t>(std::min<std::uint64_t>(away.away_ms, kAwayMsMax))};
    found->second->away_told = std::max<Duration>(found->second->away_told, told);
    parts_.log.info("step_was_away", {{"told_ms", away.away_ms}});
}

std::chrono::milliseconds StepRunner::billed_time(const Step& step) const {
    const Duration unpaid = step.grant->work.setup.is_service ? std::max(step.away, step.away_told) : Duration{};
    return std::chrono::ceil<std::chrono::milliseconds>(step.ran - std::min(step.ran, unpaid));
}

}  // namespace vcity::node
