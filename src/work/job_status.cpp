// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "work/job.hpp"

namespace vcity::work {
namespace {

std::string_view words(Fault fault) {
    switch (fault) {
        case Fault::kNode: return "was lost by its node";
        case Fault::kStep: return "failed";
        case Fault::kPreempted: return "gave way to dearer work";
    }
    return "failed";
}

std::string lease_text(const LeaseTerms& terms, const Job& job) {
    std::string text = fmt::format("{} got unit {} for at most {} USD (attempt {})", job.name_of(terms.step),
                                   terms.unit, to_string(terms.quote), terms.attempt);
    return terms.reason.empty() ? text : text + ": " + terms.reason;
}

std::string text_of(const Submitted& change, const Job& job) {
    return fmt::format("submitted with {} steps and a budget of {} USD", job.steps().size(),
                       to_string(change.order->budget));
}
std::string text_of(const Leased& change, const Job& job) {
    return lease_text(change.terms, job);
}
std::string text_of(const GangLeased& change, const Job& job) {
    return fmt::format("the gang {} got {} units at once: {}", job.group_of(change.members.front().step).name,
                       change.members.size(), change.members.front().reason);
}
std::string text_of(const Started& change, const Job& job) {
    return job.name_of(change.step) + " runs";
}
std::string text_of(const Finished& change, const Job& job) {
    return fmt::format("{} ended with exit code {} and {} bytes of output, charged {} USD", job.name_of(change.step),
                       change.exit_code, change.output_bytes, to_string(change.amount));
}
std::string text_of(const AttemptFailed& change, const Job& job) {
    return fmt::format("{} {}, nothing charged: {}", job.name_of(change.step), words(change.fault), change.reason);
}
std::string text_of(const GivenUp& change, const Job& job) {
    return job.name_of(change.step) + " gets no unit: " + change.reason;
}
std::string text_of(const Stopped& change, const Job& /*job*/) {
    return fmt::format("{}: {}", to_string(change.state), change.reason);
}

}  // namespace

std::string Job::name_of(std::uint32_t step) const {
    const StepGroup& group = group_of(step);
    return group.count == 1 ? group.name : fmt::format("{}[{}]", group.name, steps_[step].index);
}

StepStatus Job::status(std::uint32_t step) const {
    const Step& known = steps_[step];
    StepStatus status{.step_id = known.id,
                      .group = group_of(step).name,
                      .index = known.index,
                      .state = known.state,
                      .attempt = known.attempts,
                      .node = known.node,
                      .unit = known.unit,
                      .hourly = known.hourly,
                      .charged = known.charged,
                      .started_at = known.started_at,
                      .ended_at = known.ended_at,
                      .exit_code = known.exit_code,
                      .reason = known.reason};
    if (!status.reason.empty()) return status;
    if (known.state == StepState::kWaiting) {
        status.reason = fmt::format("waits for {}", fmt::join(group_of(step).needs, ", "));
    } else if (known.state == StepState::kQueued) {
        status.reason = "waits for a unit";
    }
    return status;
}

std::vector<StepStatus> Job::statuses() const {
    std::vector<StepStatus> all;
    all.reserve(steps_.size());
    for (std::uint32_t step = 0; step < steps_.size(); ++step) all.push_back(status(step));
    return all;
}

WorkEventLine line_of(const Event& event, const Job& job) {
    return {event.at, std::visit([&](const auto& change) { return text_of(change, job); }, event.change)};
}

}  // namespace vcity::work
