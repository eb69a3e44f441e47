// SPDX-License-Identifier: Apache-2.0
#include "work/job.hpp"

#include <algorithm>
#include <utility>

#include "base/check.hpp"
#include "model/work_messages.hpp"
#include "work/plan.hpp"
#include "work/spec_check.hpp"

namespace vcity::work {
namespace {

bool is_over(StepState state) {
    return state == StepState::kDone || state == StepState::kFailed || state == StepState::kCancelled;
}

Error conflict(std::string message) {
    return make_error(Errc::kConflict, std::move(message));
}

// A service has done its work when its time is over.
bool is_success(const StepGroup& group, std::int32_t exit_code) {
    return group.setup.is_service ? exit_code == kTimeLimitExit : exit_code == 0;
}

// Another attempt would end the same way.
bool is_wrong_order(const StepGroup& group, std::int32_t exit_code) {
    return !group.setup.program.empty() && exit_code == kWrongOrderExit;
}

std::uint64_t between(UnixMillis from, UnixMillis to) {
    return to > from ? (to - from).count() : 0;
}

}  // namespace

void Effects::clear() {
    events.clear();
    ended.clear();
    stopped.clear();
}

Result<Job> Job::submit(WorkOrder order, UnixMillis now, Effects* effects, std::vector<Usd> hourly_max) {
    TRY_OK(work::check(order));
    Job job;
    TRY_OK(job.commit({now, Submitted{std::make_shared<const WorkOrder>(std::move(order)), std::move(hourly_max)}},
                      effects));
    return job;
}

Result<Job> Job::replay(std::span<const Event> events) {
    if (events.empty()) return make_error(Errc::kCorrupt, "a job has no events");
    Job job;
    for (const Event& event : events) {
        TRY_OK(job.apply(event));
    }
    return job;
}

Result<void> Job::apply(const Event& event) {
    if (const auto allowed = check(event.change); !allowed) {
        return make_error(Errc::kCorrupt, "event " + std::to_string(events_) + ": " + allowed.error().message);
    }
    take(event, nullptr);
    return {};
}

Result<void> Job::commit(Event event, Effects* effects) {
    TRY_OK(check(event.change));
    take(event, effects);
    effects->events.push_back(std::move(event));
    return {};
}

// --- whether it may happen

Result<void> Job::check(const Change& change) const {
    if (const auto* submitted = std::get_if<Submitted>(&change)) {
        if (order_ != nullptr) return conflict("the job is submitted already");
        TRY_OK(work::check(*submitted->order));
        const std::size_t promises = submitted->hourly_max.size();
        if (promises == 0 || promises == submitted->order->spec.groups.size()) return {};
        return make_error(Errc::kInvalid, "a quote has another number of groups");
    }
    if (order_ == nullptr) return conflict("the job is not submitted yet");
    if (is_terminal()) return conflict("the job has ended");
    return std::visit([this](const auto& one) { return this->check_change(one); }, change);
}

Result<void> Job::check_step(std::uint32_t step) const {
    if (step >= steps_.size()) return conflict("the job has no step " + std::to_string(step));
    return {};
}

Result<void> Job::check_live(std::uint32_t step, std::uint64_t fencing_token) const {
    TRY_OK(check_step(step));
    if (find_live(step, fencing_token) == nullptr) {
        return conflict("no live attempt at step " + std::to_string(step) + " has fencing token " +
                        std::to_string(fencing_token));
    }
    return {};
}

Result<void> Job::check_terms(const LeaseTerms& terms, std::uint64_t token_before) const {
    TRY_OK(check_step(terms.step));
    if (terms.fencing_token <= token_before) return conflict("a fencing token does not grow");
    if (terms.attempt != steps_[terms.step].attempts + 1) return conflict("an attempt is counted wrongly");
    return {};
}

Result<void> Job::check_hourly(const LeaseTerms& terms) const {
    const std::optional<Usd> most = hourly_max(steps_[terms.step].group);
    if (!most || terms.hourly <= *most) return {};
    return make_error(Errc::kDenied, "an hour for " + to_string(terms.hourly) + " USD is above the maximum of " +
                                         to_string(*most) + " USD");
}

Result<void> Job::check_money(Usd quote) const {
    switch (afford(quote)) {
        case Affordable::kNow: return {};
        case Affordable::kLater: return make_error(Errc::kExhausted, "the budget is bound by attempts that still run");
        case Affordable::kNever: break;
    }
    return make_error(Errc::kDenied, "the budget of " + to_string(order_->budget) + " USD has " + to_string(charged_) +
                                         " USD charged and does not cover an attempt for " + to_string(quote) + " USD");
}

Result<void> Job::check_change(const Leased& change) const {
    const LeaseTerms& terms = change.terms;
    TRY_OK(check_terms(terms, last_token_));
    if (is_gang(terms.step)) return conflict("a gang is leased as a whole");
    const Step& step = steps_[terms.step];
    const bool is_queued = step.state == StepState::kQueued;
    if (!is_queued && !may_copy(terms.step)) {
        return conflict("step " + std::to_string(terms.step) + " is " + std::string{to_string(step.state)});
    }
    TRY_OK(check_hourly(terms));
    TRY_OK(check_inputs(terms.step));
    return check_money(terms.quote);
}

Result<void> Job::check_change(const GangLeased& change) const {
    if (change.members.empty()) return conflict("a gang without members");
    std::uint64_t token = last_token_;
    Usd quote;
    const std::uint32_t first = change.members.front().step;
    TRY_OK(check_step(first));
    const Group& group = groups_[steps_[first].group];
    if (!is_gang(first) || group.first != first || change.members.size() != group_of(first).count) {
        return conflict("the members are not those of a gang");
    }
    if (steps_[first].state != StepState::kQueued) {
        return conflict("the gang is " + std::string{to_string(steps_[first].state)});
    }
    for (std::size_t member = 0; member < change.members.size(); ++member) {
        const LeaseTerms& terms = change.members[member];
        if (terms.step != first + member) return conflict("the members are not in the order of their steps");
        TRY_OK(check_terms(terms, token));
        TRY_OK(check_hourly(terms));
        TRY_OK(check_inputs(terms.step));
        token = terms.fencing_token;
        TRY(quote, add(quote, terms.quote));
    }
    return check_money(quote);
}

Result<void> Job::check_change(const Started& change) const {
    TRY_OK(check_live(change.step, change.fencing_token));
    if (find_live(change.step, change.fencing_token)->started_at.count() != 0)
        return conflict("it has started already");
    return {};
}

Result<void> Job::check_change(const Finished& change) const {
    TRY_OK(check_live(change.step, change.fencing_token));
    const Usd quote = find_live(change.step, change.fencing_token)->terms.quote;
    if (change.amount > quote) {
        return make_error(Errc::kInvalid, "an attempt asks for " + to_string(change.amount) + " USD, its quote is " +
                                              to_string(quote) + " USD");
    }
    const bool is_promised =
        change.exit_code != kGaveWayExit || steps_[change.step].checkpoint_token == change.fencing_token;
    if (!is_promised) return make_error(Errc::kInvalid, "it gave way without a checkpoint to go on from");
    const bool has_other = steps_[change.step].live > 1;
    if (change.exit_code == kLostRaceExit && !has_other) return conflict("no other copy was faster");
    return check_files(change.files);
}

Result<void> Job::check_change(const Checkpointed& change) const {
    TRY_OK(check_live(change.step, change.fencing_token));
    const Step& step = steps_[change.step];
    const auto age = [](std::uint64_t token, std::uint32_t sequence) { return std::pair{token, sequence}; };
    const auto newest = age(step.checkpoint_token, step.checkpoint_sequence);
    if (age(change.fencing_token, change.sequence) <= newest) return conflict("there is a newer checkpoint");
    return check_files(change.files);
}

Result<void> Job::check_change(const Unreachable& change) const {
    TRY_OK(check_live(change.step, change.fencing_token));
    if (change.away_ms > find_live(change.step, change.fencing_token)->away_ms) return {};
    return conflict("it was away for longer before");
}

Result<void> Job::check_change(const AttemptFailed& change) const {
    return check_live(change.step, change.fencing_token);
}

Result<void> Job::check_change(const GivenUp& change) const {
    TRY_OK(check_step(change.step));
    if (change.step != leader_of(change.step)) return conflict("a gang is named by its first step");
    const StepState state = steps_[change.step].state;
    if (state != StepState::kQueued) {
        return conflict("step " + std::to_string(change.step) + " is " + std::string{to_string(state)});
    }
    return {};
}

Result<void> Job::check_change(const Stopped& change) {
    if (change.state == WorkState::kFailed || change.state == WorkState::kCancelled) return {};
    return conflict("a job cannot be stopped as " + std::string{to_string(change.state)});
}

// --- what it changes

void Job::take(const Event& event, Effects* effects) {
    std::visit([&](const auto& change) { take_change(change, event.at, effects); }, event.change);
    ++events_;
    CHECK(!is_terminal() || live_.empty());
}

void Job::take_change(const Submitted& change, UnixMillis at, Effects* /*effects*/) {
    order_ = change.order;
    promised_ = change.hourly_max;
    submitted_at_ = at;
    groups_.reserve(spec().groups.size());
    std::size_t count = 0;
    for (const StepGroup& group : spec().groups) count += group.count;
    steps_.resize(count);
    open_steps_ = static_cast<std::uint32_t>(count);
    std::uint32_t next = 0;
    for (const StepGroup& group : spec().groups) {
        const auto number = static_cast<std::uint32_t>(groups_.size());
        groups_.push_back({.first = next,
                           .undone = group.count,
                           .needs_open = static_cast<std::uint32_t>(group.needs.size()),
                           .is_dead = false,
                           .run_ms = {}});
        for (std::uint32_t index = 0; index < group.count; ++index, ++next) {
            steps_[next].id = step_id(order_->job_id, group.name, index);
            steps_[next].group = number;
            steps_[next].index = index;
        }
        if (group.needs.empty()) open_group(number);
    }
}

void Job::take_change(const Leased& change, UnixMillis at, Effects* /*effects*/) {
    begin_attempt(change.terms, at);
}

void Job::take_change(const GangLeased& change, UnixMillis at, Effects* /*effects*/) {
    for (const LeaseTerms& terms : change.members) begin_attempt(terms, at);
}

void Job::take_change(const Started& change, UnixMillis at, Effects* /*effects*/) {
    const auto attempt = std::ranges::find_if(live_, [&](const Attempt& one) {
        return one.terms.step == change.step && one.terms.fencing_token == change.fencing_token;
    });
    // A clock that stands at zero must not look like "not started".
    attempt->started_at = std::max(at, UnixMillis{1});
    Step& step = steps_[change.step];
    step.state = StepState::kRunning;
    if (step.fencing_token == change.fencing_token) step.started_at = attempt->started_at;
}

void Job::take_change(const Finished& change, UnixMillis at, Effects* effects) {
    const Attempt attempt = end_attempt(change.step, change.fencing_token);
    if (effects != nullptr) effects->ended.push_back(attempt);
    Step& step = steps_[change.step];
    // Both sums are below the budget, see check_money.
    charged_.micro += change.amount.micro;
    step.charged.micro += change.amount.micro;
    show(attempt);
    step.exit_code = change.exit_code;
    step.output_bytes = change.output_bytes;
    step.receipt_hash = change.receipt_hash;
    step.files = change.files;
    step.ended_at = at;
    if (change.is_cut_short) {
        stop_step(change.step, effects);
        close_step(&step, StepState::kCancelled, "stopped while it ran", at);
        return;
    }
    if (!is_success(group_of(change.step), change.exit_code)) {
        take_failure(change, attempt, at, effects);
        return;
    }
    step.state = StepState::kDone;
    stop_step(change.step, effects);
    --open_steps_;
    Group& group = groups_[step.group];
    if (group_of(change.step).is_speculative) {
        const std::uint64_t ran = between(attempt.started_at.count() != 0 ? attempt.started_at : attempt.leased_at, at);
        group.run_ms.insert(std::ranges::upper_bound(group.run_ms, ran), ran);
    }
    if (--group.undone == 0) complete_group(step.group);
    end_if_over(at);
}

// Delivered and charged, and not what the customer wants.
void Job::take_failure(const Finished& change, const Attempt& attempt, UnixMillis at, Effects* effects) {
    Step& step = steps_[change.step];
    Step& leader = steps_[leader_of(change.step)];
    if (change.exit_code == kLostRaceExit) {
        step.reason = "another copy of it was faster";
    } else if (change.exit_code == kGaveWayExit) {
        step.reason = "had to give way: it goes on from its checkpoint";
        ++leader.preemptions;
        failures_.push_back({leader_of(change.step), attempt.terms.node, at});
    } else {
        step.reason = change.exit_code == 0 ? "a service ended by itself"
                                            : "ended with exit code " + std::to_string(change.exit_code);
        ++leader.failures;
    }
    if (is_wrong_order(group_of(change.step), change.exit_code)) {
        step.reason += ": what it was given is wrong, see its output";
        leader.is_hopeless = true;
    }
    after_failure(change.step, at, effects);
}

void Job::take_change(const AttemptFailed& change, UnixMillis at, Effects* effects) {
    const Attempt attempt = end_attempt(change.step, change.fencing_token);
    if (effects != nullptr) effects->ended.push_back(attempt);
    show(attempt);
    steps_[change.step].ended_at = at;
    steps_[change.step].reason = change.reason;
    Step& leader = steps_[leader_of(change.step)];
    switch (change.fault) {
        case Fault::kNode:
            ++leader.node_faults;
            failures_.push_back({leader_of(change.step), attempt.terms.node, at});
            break;
        case Fault::kStep:
            ++leader.failures;
            // What could not be had from there can perhaps be had from elsewhere.
            if (change.code == Errc::kNotFound) failures_.push_back({leader_of(change.step), attempt.terms.node, at});
            break;
        case Fault::kPreempted: ++leader.preemptions; break;
    }
    last_code_ = change.code;
    after_failure(change.step, at, effects);
}

void Job::take_change(const GivenUp& change, UnixMillis at, Effects* /*effects*/) {
    last_code_ = change.code;
    fail_step(change.step, change.reason, at);
    end_if_over(at);
}

void Job::take_change(const Stopped& change, UnixMillis at, Effects* effects) {
    for (Attempt& attempt : live_) {
        steps_[attempt.terms.step].live = 0;
        if (effects != nullptr) effects->stopped.push_back(std::move(attempt));
    }
    live_.clear();
    quoted_live_ = {};
    for (Step& step : steps_) {
        if (!is_over(step.state)) close_step(&step, StepState::kCancelled, change.reason, at);
    }
    ready_.clear();
    state_ = change.state;
    error_ = change.reason;
    error_code_ = change.code;
    ended_at_ = at;
}

void Job::take_change(const Checkpointed& change, UnixMillis at, Effects* /*effects*/) {
    Step& step = steps_[change.step];
    step.checkpoint = change.files;
    step.checkpoint_token = change.fencing_token;
    step.checkpoint_sequence = change.sequence;
    step.checkpoint_at = at;
}

void Job::take_change(const Unreachable& change, UnixMillis /*at*/, Effects* /*effects*/) {
    const auto attempt = std::ranges::find_if(live_, [&](const Attempt& one) {
        return one.terms.step == change.step && one.terms.fencing_token == change.fencing_token;
    });
    attempt->away_ms = change.away_ms;
}

// --- pieces of these

void Job::begin_attempt(const LeaseTerms& terms, UnixMillis at) {
    Step& step = steps_[terms.step];
    const bool is_copy = step.live > 0;
    if (!is_copy) unqueue(leader_of(terms.step));
    live_.push_back({.terms = terms, .leased_at = at, .started_at = UnixMillis{0}, .is_copy = is_copy, .away_ms = 0});
    quoted_live_.micro += terms.quote.micro;
    last_token_ = terms.fencing_token;
    ++step.attempts;
    ++step.live;
    show(live_.back());
    step.reason = terms.reason;
    step.ended_at = UnixMillis{0};
    step.exit_code = 0;
    if (!is_copy) step.state = StepState::kLeased;
}

Attempt Job::end_attempt(std::uint32_t step, std::uint64_t fencing_token) {
    const auto found = std::ranges::find_if(live_, [&](const Attempt& attempt) {
        return attempt.terms.step == step && attempt.terms.fencing_token == fencing_token;
    });
    CHECK(found != live_.end());
    Attempt attempt = std::move(*found);
    live_.erase(found);
    quoted_live_.micro -= attempt.terms.quote.micro;
    --steps_[step].live;
    return attempt;
}

void Job::stop_step(std::uint32_t step, Effects* effects) {
    while (steps_[step].live > 0) {
        const auto found = std::ranges::find(live_, step, [](const Attempt& one) { return one.terms.step; });
        Attempt attempt = end_attempt(step, found->terms.fencing_token);
        if (effects != nullptr) effects->stopped.push_back(std::move(attempt));
    }
}

void Job::show(const Attempt& attempt) {
    Step& step = steps_[attempt.terms.step];
    step.fencing_token = attempt.terms.fencing_token;
    step.node = attempt.terms.node;
    step.unit = attempt.terms.unit;
    step.hourly = attempt.terms.hourly;
    step.started_at = attempt.started_at;
}

bool Job::is_exhausted(std::uint32_t step) const {
    const Step& leader = steps_[leader_of(step)];
    return leader.is_hopeless || leader.failures > group_of(step).retries || leader.node_faults >= kNodeFaultsMax ||
           leader.preemptions >= kPreemptionsMax;
}

void Job::after_failure(std::uint32_t step, UnixMillis at, Effects* effects) {
    if (is_gang(step)) {
        restart_gang(step, at, effects);
    } else if (steps_[step].live > 0) {
        const auto other = std::ranges::find(live_, step, [](const Attempt& one) { return one.terms.step; });
        other->is_copy = false;
        show(*other);
        steps_[step].state = other->started_at.count() != 0 ? StepState::kRunning : StepState::kLeased;
        steps_[step].ended_at = UnixMillis{0};
    } else if (is_exhausted(step)) {
        const std::string reason = steps_[step].reason;
        fail_step(step, reason, at);
    } else {
        queue(step);
    }
    end_if_over(at);
}

void Job::restart_gang(std::uint32_t step, UnixMillis at, Effects* effects) {
    const std::uint32_t first = leader_of(step);
    const std::uint32_t end = first + group_of(step).count;
    for (std::uint32_t member = first; member < end; ++member) stop_step(member, effects);
    if (is_exhausted(first)) {
        const std::string reason = steps_[step].reason;
        fail_step(first, reason, at);
        return;
    }
    Group& group = groups_[steps_[first].group];
    for (std::uint32_t member = first; member < end; ++member) {
        if (steps_[member].state == StepState::kDone) ++group.undone;
        // Done, or stopped with a job whose other members go on.
        if (is_over(steps_[member].state)) ++open_steps_;
        steps_[member].state = StepState::kQueued;
        if (member != step) steps_[member].reason = "starts again with " + name_of(step);
    }
    queue(first);
}

void Job::queue(std::uint32_t step) {
    steps_[step].state = StepState::kQueued;
    const auto rank = [this](std::uint32_t one) { return std::pair{!is_training(group_of(one)), one}; };
    if (!ready_.empty() && rank(ready_.back()) < rank(step)) {
        ready_.push_back(step);
        return;
    }
    ready_.insert(std::ranges::lower_bound(ready_, rank(step), {}, rank), step);
}

void Job::unqueue(std::uint32_t step) {
    const auto found = std::ranges::find(ready_, step);
    if (found != ready_.end()) ready_.erase(found);
}

void Job::open_group(std::uint32_t number) {
    const std::uint32_t first = groups_[number].first;
    const StepGroup& group = spec().groups[number];
    for (std::uint32_t step = first; step < first + group.count; ++step) {
        if (group.is_gang && step != first) {
            steps_[step].state = StepState::kQueued;
        } else {
            queue(step);
        }
    }
}

void Job::complete_group(std::uint32_t number) {
    const std::string& name = spec().groups[number].name;
    for (std::uint32_t other = 0; other < groups_.size(); ++other) {
        if (groups_[other].is_dead ||
            std::ranges::find(spec().groups[other].needs, name) == spec().groups[other].needs.end()) {
            continue;
        }
        if (--groups_[other].needs_open == 0) open_group(other);
    }
}

void Job::close_step(Step* step, StepState state, const std::string& reason, UnixMillis at) {
    step->state = state;
    step->reason = reason;
    step->ended_at = at;
    --open_steps_;
}

void Job::fail_step(std::uint32_t step, const std::string& reason, UnixMillis at) {
    const std::uint32_t group = steps_[step].group;
    if (error_.empty()) {
        error_ = name_of(step) + ": " + reason;
        error_code_ = last_code_;
    }
    unqueue(leader_of(step));
    const std::uint32_t end = is_gang(step) ? groups_[group].first + group_of(step).count : step + 1;
    for (; step < end; ++step) {
        if (!is_over(steps_[step].state)) close_step(&steps_[step], StepState::kFailed, reason, at);
    }
    kill_dependants(group, at);
}

void Job::kill_dependants(std::uint32_t number, UnixMillis at) {
    if (std::exchange(groups_[number].is_dead, true)) return;
    std::vector<std::uint32_t> dead{number};
    while (!dead.empty()) {
        const std::string& name = spec().groups[dead.back()].name;
        dead.pop_back();
        for (std::uint32_t other = 0; other < groups_.size(); ++other) {
            const StepGroup& group = spec().groups[other];
            if (groups_[other].is_dead || std::ranges::find(group.needs, name) == group.needs.end()) continue;
            groups_[other].is_dead = true;
            dead.push_back(other);
            const std::string reason = "needs " + name + ", which failed";
            for (std::uint32_t index = 0; index < group.count; ++index) {
                close_step(&steps_[groups_[other].first + index], StepState::kCancelled, reason, at);
            }
        }
    }
}

void Job::end_if_over(UnixMillis at) {
    if (open_steps_ > 0 || is_terminal()) return;
    const bool is_done = std::ranges::all_of(steps_, [](const Step& step) { return step.state == StepState::kDone; });
    state_ = is_done ? WorkState::kSucceeded : WorkState::kFailed;
    ended_at_ = at;
    if (is_done || !error_.empty()) return;
    // Some steps were cut short before the job itself was stopped, and the others ended by themselves.
    state_ = WorkState::kCancelled;
    error_ = "stopped while it ran";
    error_code_ = Errc::kDenied;
}

}  // namespace vcity::work
