// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <tuple>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "model/work_messages.hpp"
#include "work/job.hpp"
#include "work/plan.hpp"

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
    if (change.is_cut_short) {
        return fmt::format("{} was stopped, charged {} USD for its time", job.name_of(change.step),
                           to_string(change.amount));
    }
    return fmt::format("{} ended with exit code {} and {} bytes of output, charged {} USD", job.name_of(change.step),
                       change.exit_code, change.output_bytes, to_string(change.amount));
}
std::string text_of(const AttemptFailed& change, const Job& job) {
    return fmt::format("{} {}, nothing charged: {}", job.name_of(change.step), words(change.fault), change.reason);
}
std::string text_of(const GivenUp& change, const Job& job) {
    return job.name_of(change.step) + " gets no unit: " + change.reason;
}
std::string text_of(const Checkpointed& change, const Job& job) {
    return fmt::format("{} kept a checkpoint of {} files", job.name_of(change.step), change.files.size());
}
std::string text_of(const Unreachable& change, const Job& job) {
    return fmt::format("{} could not be reached for {:.1f} s in all", job.name_of(change.step),
                       static_cast<double>(change.away_ms) / 1000);
}
std::string text_of(const Stopped& change, const Job& /*job*/) {
    return fmt::format("{}: {}", to_string(change.state), change.reason);
}

constexpr std::size_t kAvoidedMax = 8;
constexpr std::size_t kFilesShownMax = 4096;  // in the statuses of one job

std::uint64_t between(UnixMillis from, UnixMillis to) {
    return to > from ? (to - from).count() : 0;
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
                      .reason = known.reason,
                      .files = known.files};
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
    std::size_t files = 0;
    for (std::uint32_t step = 0; step < steps_.size(); ++step) {
        files += all.emplace_back(status(step)).files.size();
        if (files > kFilesShownMax) all.back().files.clear();
    }
    return all;
}

template <class Visit>
void Job::for_each_taken(const StepGroup& group, Visit visit) const {
    for (const std::string& take : group.takes) {
        const auto from = std::ranges::find(spec().groups, take, &StepGroup::name);
        const std::uint32_t first = groups_[static_cast<std::size_t>(from - spec().groups.begin())].first;
        for (std::uint32_t index = 0; index < from->count; ++index) visit(steps_[first + index]);
    }
}

Result<void> Job::check_inputs(std::uint32_t step) const {
    const StepGroup& group = group_of(step);
    std::size_t files = group.inputs.size() + steps_[step].checkpoint.size();
    for_each_taken(group, [&](const Step& other) { files += other.files.size(); });
    if (files <= kStepInputsMax) return {};
    return make_error(Errc::kDenied,
                      fmt::format("it would get {} files, at most {} can be had", files, kStepInputsMax));
}

StepWork Job::work_of(std::uint32_t step) const {
    const StepGroup& group = group_of(step);
    StepWork work = step_work(group, steps_[step].index);
    work.files_url = order_->files_url;
    for_each_taken(group, [&](const Step& other) {
        const std::string folder = fmt::format("{}{}/{}/", kTakenFolder, spec().groups[other.group].name, other.index);
        for (const StepFile& file : other.files) work.inputs.push_back(input_of(file, folder));
    });
    for (const StepFile& file : steps_[step].checkpoint) work.inputs.push_back(input_of(file, kCheckpointFolder));
    return work;
}

bool Job::may_copy(std::uint32_t step) const {
    return group_of(step).is_speculative && !is_gang(step) && steps_[step].live == 1 && !is_exhausted(step);
}

std::vector<std::uint32_t> Job::stragglers(UnixMillis now) const {
    std::vector<std::uint32_t> found;
    for (const Attempt& attempt : live_) {
        const std::uint32_t step = attempt.terms.step;
        if (!may_copy(step)) continue;
        const std::vector<std::uint64_t>& run_ms = groups_[steps_[step].group].run_ms;
        const bool is_slow = attempt.started_at.count() != 0 && run_ms.size() >= kStragglerSample &&
                             between(attempt.started_at, now) / kStragglerRatio > run_ms[run_ms.size() / 2];
        const bool is_spare = ready_.empty() && copies_of(spec(), group_of(step)) > 1;
        if (is_slow || is_spare) found.push_back(step);
    }
    return found;
}

Affordable Job::afford(Usd quote) const {
    const Usd budget = order_->budget;
    if (quote > budget || charged_.micro > budget.micro - quote.micro) return Affordable::kNever;
    if (quoted_live_.micro > budget.micro - quote.micro - charged_.micro) return Affordable::kLater;
    return Affordable::kNow;
}

std::vector<Address> Job::avoid(std::uint32_t step, UnixMillis now) const {
    std::vector<Address> nodes;
    const auto add_node = [&](const Address& node) {
        if (nodes.size() < kAvoidedMax && std::ranges::find(nodes, node) == nodes.end()) nodes.push_back(node);
    };
    for (const Attempt& attempt : live_) {
        if (attempt.terms.step == step) add_node(attempt.terms.node);
    }
    for (auto failure = failures_.rbegin(); failure != failures_.rend(); ++failure) {
        const bool is_recent = between(failure->at, now) < kAvoidFor.count();
        if (is_recent && failure->step == leader_of(step)) add_node(failure->node);
    }
    return nodes;
}

std::optional<Usd> Job::hourly_max(std::uint32_t group) const {
    if (promised_.empty()) return spec().hourly_max;
    return spec().hourly_max ? std::min(*spec().hourly_max, promised_[group]) : promised_[group];
}

const Attempt* Job::find_live(std::uint32_t step, std::uint64_t fencing_token) const {
    const auto found = std::ranges::find_if(live_, [&](const Attempt& attempt) {
        return attempt.terms.step == step && attempt.terms.fencing_token == fencing_token;
    });
    return found == live_.end() ? nullptr : &*found;
}

bool Job::operator==(const Job& other) const {
    const auto values = [](const Job& job) {
        return std::tie(*job.order_, job.promised_, job.groups_, job.steps_, job.ready_, job.live_, job.failures_,
                        job.state_, job.error_code_, job.last_code_, job.error_, job.submitted_at_, job.ended_at_,
                        job.charged_, job.quoted_live_, job.last_token_, job.events_, job.open_steps_);
    };
    return values(*this) == values(other);
}

WorkEventLine line_of(const Event& event, const Job& job) {
    return {event.at, std::visit([&](const auto& change) { return text_of(change, job); }, event.change)};
}

}  // namespace vcity::work
