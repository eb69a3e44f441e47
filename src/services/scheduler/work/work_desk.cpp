// SPDX-License-Identifier: Apache-2.0
#include "services/scheduler/work/work_desk.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/check.hpp"
#include "codec/hex.hpp"
#include "work/pricing.hpp"
#include "work/reservation.hpp"
#include "work/spec_check.hpp"

namespace vcity::scheduler {
namespace {

constexpr std::size_t kQueriesMax = 64;
constexpr std::size_t kTraceMax = 128;
constexpr std::size_t kExplanationsMax = 4;  // groups; each looks at every unit

WorkStatusReply status_of(const work::Job& job) {
    WorkStatusReply reply;
    reply.job_id = job.order().job_id;
    reply.known = true;
    reply.state = job.state();
    reply.name = job.spec().name;
    reply.budget = job.order().budget;
    reply.charged = job.charged();
    reply.submitted_at = job.submitted_at();
    reply.ended_at = job.ended_at();
    reply.steps = job.statuses();
    reply.error = job.error();
    return reply;
}

bool is_same_order(const WorkOrder& a, const WorkOrder& b) {
    return a.client == b.client && a.spec == b.spec && a.budget == b.budget;
}

Error other_job() {
    return make_error(Errc::kConflict, "this job id names another job");
}

}  // namespace

void WorkDesk::refuse(SessionId gateway, const JobId& job_id, const Error& error) {
    context_->metrics.orders_refused->increment();
    JobFailed failed;
    failed.job_id = job_id;
    failed.code = error.code;
    failed.message = error.message;
    failed.retryable = services::is_transient(error.code);
    parts_.switchboard->post(gateway, std::move(failed));
}

void WorkDesk::on_submit(SessionId gateway, WorkOrder order) {
    context_->metrics.orders->increment();
    if (LiveWork* known = find(order.job_id)) {
        meet(gateway, known, order);
        return;
    }
    if (const auto found = admissions_.find(order.job_id); found != admissions_.end()) {
        if (is_same_order(found->second.order, order)) {
            found->second.gateway = gateway;  // whoever asked last hears the answer
        } else {
            refuse(gateway, order.job_id, other_job());
        }
        return;
    }
    const bool is_full = jobs_.size() + admissions_.size() >= context_->options.work_live_max;
    if (context_->stopping || is_full) {
        refuse(gateway, order.job_id, make_error(Errc::kExhausted, "the scheduler is full: try again later"));
        return;
    }
    const JobId job_id = order.job_id;
    admissions_.emplace(job_id, Admission{gateway, std::move(order)});
    context_->tasks.spawn(submit(job_id));
}

// The order has come before, and its job lives.
void WorkDesk::meet(SessionId gateway, LiveWork* known, const WorkOrder& order) {
    if (is_same_order(known->job.order(), order)) {
        ask(known, {gateway, true});
    } else {
        refuse(gateway, order.job_id, other_job());
    }
}

// Nothing is told that is not written.
void WorkDesk::ask(LiveWork* work, Asker asker) {
    work->askers.push_back(asker);
    if (work->is_writing || !work->effects.events.empty()) return;
    for (Outgoing& out : answers(work)) parts_.switchboard->post(out.session, std::move(out.message));
}

Task<void> WorkDesk::submit(JobId job_id) {
    WorkOrder order = admissions_.at(job_id).order;
    const Result<void> admitted = co_await admit(order);
    if (admitted) {
        admissions_.erase(job_id);
        co_return;
    }
    // Perhaps the job has been here and has ended; only the news of it were lost. An order that nobody could ever have
    // accepted is not worth the look.
    Error why = admitted.error();
    std::optional<WorkAccepted> known;
    if (work::check(order) && queries_ < kQueriesMax) {
        ++queries_;
        Result<WorkAccepted> stored = co_await acceptance_of(std::move(order));
        --queries_;
        if (stored) {
            known = *std::move(stored);
        } else if (services::is_transient(stored.error().code)) {
            why = stored.error();  // nobody knows: not a reason to give up
        }
    }
    const SessionId gateway = admissions_.at(job_id).gateway;
    admissions_.erase(job_id);
    if (known) {
        parts_.switchboard->post(gateway, *std::move(known));
    } else {
        refuse(gateway, job_id, why);
    }
}

Result<void> WorkDesk::check_order(const WorkOrder& order) const {
    TRY_OK(work::check(order));
    if (order.trace_id.size() > kTraceMax) return make_error(Errc::kInvalid, "the trace id is too long");
    if (order.client != order.cap.cap.client) return make_error(Errc::kDenied, "the cap is of another client");
    const UnixMillis now = context_->runtime()->unix_now();
    if (order.deadline <= now) return make_error(Errc::kTimeout, "the deadline has passed");
    const std::chrono::milliseconds ahead{(order.deadline - now).count()};
    if (ahead > context_->options.work_deadline_max) return make_error(Errc::kInvalid, "the deadline is too far away");
    return {};
}

// A group that no unit here could ever run is refused with the reason, once the nodes have had time to come.
Result<void> WorkDesk::check_places(const WorkOrder& order) {
    const bool are_arriving = context_->now() - started_at_ < context_->options.restart_grace;
    for (const StepGroup& group : order.spec.groups) {
        const UnitQuery query{&order.spec, &group, {}};
        Result<std::optional<UnitSeat>> seat = units_.look(query);
        if (!seat && !are_arriving) return std::move(seat).error();
        const bool is_possible = (seat && *seat) || are_arriving || units_.could_ever(query);
        if (!is_possible) {
            return make_error(Errc::kInvalid, fmt::format("group '{}' fits no unit of this network, not even an idle "
                                                          "one: {}",
                                                          group.name, units_.explain(query)));
        }
    }
    return {};
}

Task<Result<void>> WorkDesk::admit(WorkOrder order) {
    CO_TRY_OK(check_order(order));
    const bool is_reserved = work::is_reservation_number(order.quote_id);
    if (is_reserved) {
        CO_TRY_OK(reserved_prices(order));
    } else if (order.quote_id != 0) {
        CO_TRY_OK(quotes_.check(order, context_->now()));
    }
    CO_TRY_OK(check_places(order));
    CO_TRY(const CapId cap_id, co_await parts_.caps->admit(order.cap, order.deadline));
    if (context_->stopping) co_return make_error(Errc::kUnavailable, "the scheduler is stopping");
    const JobId job_id = order.job_id;
    const SessionId gateway = admissions_.at(job_id).gateway;
    if (LiveWork* known = find(job_id)) {
        meet(gateway, known, order);
        co_return Result<void>{};
    }
    const Usd budget = order.budget;
    const UnixMillis deadline = order.deadline;
    work::Effects effects;
    std::vector<Usd> promised;
    if (is_reserved) {
        CO_TRY(promised, reserved_prices(order));
    } else if (order.quote_id != 0) {
        CO_TRY(promised, quotes_.accept(order, context_->now()));
    }
    const UnixMillis now = context_->runtime()->unix_now();
    CO_TRY(work::Job job, work::Job::submit(std::move(order), now, &effects, std::move(promised)));
    CO_TRY_OK(parts_.caps->reserve(cap_id, budget));
    auto owned = std::make_unique<LiveWork>(std::move(job), cap_id);
    LiveWork* added = owned.get();
    added->askers.push_back({gateway, true});
    added->effects = std::move(effects);
    added->inputs.resize(added->job.spec().groups.size());
    const ByteView cap = cap_id.view();
    added->change.puts.push_back({work_live_key(job_id), Bytes{cap.begin(), cap.end()}});
    jobs_.emplace(job_id, std::move(owned));
    set_timer(mono_of(deadline), job_id);
    watch_stragglers(added);
    if (is_reserved) {
        take_reservation(added);
    } else {
        place_ready(added);
    }
    save(added);
    co_return Result<void>{};
}

// Of a job that is in the store, but not among the live ones: it has ended.
Task<Result<WorkAccepted>> WorkDesk::acceptance_of(WorkOrder order) {
    CO_TRY(const std::vector<work::Event> events, co_await load_events(context_, order.job_id));
    CO_TRY(const work::Job job, work::Job::replay(events));
    if (!is_same_order(job.order(), order)) co_return other_job();
    WorkAccepted accepted;
    accepted.job_id = order.job_id;
    accepted.reserved = order.budget;
    accepted.steps = job.statuses();
    co_return accepted;
}

Result<WorkQuote> WorkDesk::quote(const WorkOrder& order) {
    TRY_OK(check_order(order));
    return quotes_.quote(order, context_->runtime()->unix_now(), context_->now());
}

void WorkDesk::on_quote(SessionId gateway, const WorkOrder& order) {
    Result<WorkQuote> quoted = quote(order);
    if (quoted) {
        parts_.switchboard->post(gateway, *std::move(quoted));
    } else {
        refuse(gateway, order.job_id, quoted.error());
    }
}

void WorkDesk::on_cancel(SessionId gateway, const WorkCancel& cancel) {
    LiveWork* work = find(cancel.job_id);
    if (work != nullptr && work->job.order().client == cancel.client) {
        wind_up(work, WorkState::kCancelled, "cancelled by its customer");
        if (work->stopping && !work->job.is_terminal() && work->askers.size() < kQueriesMax) {
            work->askers.push_back({gateway, false});  // answered when it has ended
            return;
        }
    }
    on_status(gateway, {cancel.job_id, cancel.client, false});
}

void WorkDesk::on_status(SessionId gateway, const WorkStatusRequest& request) {
    LiveWork* live = find(request.job_id);
    const bool is_theirs = live != nullptr && live->job.order().client == request.client;
    if (is_theirs && !request.with_history) {
        if (live->askers.size() < kQueriesMax) ask(live, {gateway, false});
        return;
    }
    if (queries_ >= kQueriesMax) return;  // the caller has its own deadline
    ++queries_;
    context_->tasks.spawn(answer_status(gateway, request));
}

// Why steps still wait, group by group.
void WorkDesk::explain_waiting(const LiveWork& work, std::vector<StepStatus>* steps) const {
    std::map<std::string, std::string> reasons;
    for (StepStatus& step : *steps) {
        if (step.state != StepState::kQueued) continue;
        auto known = reasons.find(step.group);
        if (known == reasons.end()) {
            if (reasons.size() >= kExplanationsMax) continue;
            const auto group = std::ranges::find(work.job.spec().groups, step.group, &StepGroup::name);
            known = reasons.emplace(step.group, units_.explain({&work.job.spec(), &*group, {}, {}})).first;
        }
        step.reason = known->second;
    }
}

std::vector<WorkDesk::Outgoing> WorkDesk::answers(LiveWork* work) const {
    std::vector<Outgoing> result;
    for (const Asker& asker : std::exchange(work->askers, {})) {
        if (asker.is_submitting) {
            WorkAccepted accepted;
            accepted.job_id = work->job.order().job_id;
            accepted.reserved = work->job.order().budget;
            accepted.steps = work->job.statuses();
            result.push_back({asker.gateway, std::move(accepted)});
        } else {
            WorkStatusReply reply = status_of(work->job);
            explain_waiting(*work, &reply.steps);
            result.push_back({asker.gateway, std::move(reply)});
        }
    }
    return result;
}

// From the store: of a job that has ended, or with its history.
Task<void> WorkDesk::answer_status(SessionId gateway, WorkStatusRequest request) {
    WorkStatusReply reply;
    reply.job_id = request.job_id;
    Result<std::vector<work::Event>> events = co_await load_events(context_, request.job_id);
    --queries_;
    const Result<work::Job> job = events ? work::Job::replay(*events) : Result<work::Job>{events.error()};
    if (job && job->order().client == request.client) {
        reply = status_of(*job);
        if (const LiveWork* live = find(request.job_id)) explain_waiting(*live, &reply.steps);
        for (const work::Event& event : *events) {
            if (request.with_history) reply.history.push_back(work::line_of(event, *job));
        }
    }
    parts_.switchboard->post(gateway, std::move(reply));
}

void WorkDesk::on_output(SessionId gateway, const WorkOutputRequest& request) {
    if (queries_ >= kQueriesMax) return;
    ++queries_;
    context_->tasks.spawn(answer_output(gateway, request));
}

Task<void> WorkDesk::answer_output(SessionId gateway, WorkOutputRequest request) {
    WorkOutputReply reply;
    reply.job_id = request.job_id;
    reply.step_id = request.step_id;
    reply.offset = request.offset;
    Result<work::Job> stored = make_error(Errc::kNotFound, "unknown");
    const LiveWork* live = find(request.job_id);
    if (live == nullptr) {
        Result<std::vector<work::Event>> events = co_await load_events(context_, request.job_id);
        if (events && !events->empty()) stored = work::Job::replay(*events);
    }
    const work::Job* job = live != nullptr ? &live->job : stored ? &*stored : nullptr;
    std::string key;
    if (job != nullptr && job->order().client == request.client) {
        const auto step = std::ranges::find(job->steps(), request.step_id, &work::Job::Step::id);
        if (step != job->steps().end()) {
            reply.known = true;
            // The newest attempt, or the one that counts.
            const auto number = static_cast<std::uint32_t>(step - job->steps().begin());
            const work::Attempt* newest = job->find_live(number, step->fencing_token);
            const JobId attempt = newest != nullptr ? attempt_id(step->id, newest->terms.attempt) : JobId{};
            const auto running = attempts_.find(attempt);
            const std::size_t offset = std::min<std::size_t>(request.offset, kWorkOutputMax);
            if (running != attempts_.end()) {
                const std::string& output = running->second.output;
                const std::string_view part =
                    std::string_view{output}.substr(std::min(offset, output.size()), kStepOutputBytesMax);
                reply.bytes.assign(part.begin(), part.end());
            } else {
                const bool is_written = live == nullptr || (!live->is_writing && live->effects.events.empty());
                reply.is_end = is_written && (job->is_terminal() || step->state == StepState::kDone);
                key = work_output_key(step->id, step->fencing_token, offset / kWorkOutputChunk);
            }
        }
    }
    if (!key.empty()) {
        Result<std::optional<Bytes>> chunk = co_await context_->get(key);
        if (chunk && *chunk) {
            const std::size_t within = std::min(request.offset % kWorkOutputChunk, (*chunk)->size());
            reply.bytes.assign((*chunk)->begin() + static_cast<std::ptrdiff_t>(within), (*chunk)->end());
            reply.is_end = reply.is_end && (*chunk)->size() < kWorkOutputChunk;
        }
    }
    --queries_;
    parts_.switchboard->post(gateway, std::move(reply));
}

}  // namespace vcity::scheduler
