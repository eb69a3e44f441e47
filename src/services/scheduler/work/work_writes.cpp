// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include <fmt/format.h>

#include "base/check.hpp"
#include "codec/hex.hpp"
#include "market/batch.hpp"
#include "market/typed_hashes.hpp"
#include "services/scheduler/work/work_desk.hpp"
#include "work/pricing.hpp"

namespace vcity::scheduler {
namespace {

constexpr std::size_t kWaitingPerTurn = 64;  // jobs looked at when a unit has become free
// Beyond the longest run: for starting and reporting, and for files on their way to the node and from it.
constexpr std::uint64_t kLeaseMarginMillis = 60'000;
constexpr std::uint64_t kFilesMarginMillis = 3'600'000;

std::string why(const UnitSeat& seat, Usd hourly) {
    const placement::Terms& terms = seat.terms;
    const auto percent = [&](std::uint64_t term) { return 100 * term / std::max<std::uint64_t>(1, terms.score()); };
    return fmt::format(
        "the best of all units that fit: {} USD/h, in {}, record {} of 100 (what counted: price {} %, "
        "record {} %, distance {} %, packing {} %)",
        to_string(hourly), seat.region, seat.reputation_bp / 100, percent(terms.price), percent(terms.quality),
        percent(terms.latency), percent(terms.packing));
}

}  // namespace

WorkDesk::LiveWork* WorkDesk::find(const JobId& job_id) {
    const auto found = jobs_.find(job_id);
    return found == jobs_.end() ? nullptr : found->second.get();
}

Hash WorkDesk::inputs_hash(LiveWork* work, std::uint32_t group) {
    std::optional<Hash>& known = work->inputs[group];
    if (!known) known = work::inputs_hash(work->job.spec().groups[group].inputs);
    return *known;
}

// Leases whatever finds a unit now; the job waits for units when something does not.
void WorkDesk::place_ready(LiveWork* work) {
    if (work->stopping) {
        end_if_wound_up(work);
        return;
    }
    bool is_done = true;
    std::optional<std::uint32_t> failed_group;  // its other steps would not find a unit either
    const auto runnable = work->job.runnable();
    const std::vector<std::uint32_t> steps{runnable.begin(), runnable.end()};
    for (const std::uint32_t step : steps) {
        if (work->job.is_terminal()) return;
        const std::uint32_t group = work->job.steps()[step].group;
        if (failed_group == group) continue;
        const bool is_placed = work->job.is_gang(step) ? place_gang(work, step) : place_step(work, step);
        if (is_placed) continue;
        is_done = false;
        failed_group = group;
    }
    if (is_done || work->is_waiting || work->job.is_terminal()) return;
    work->is_waiting = true;
    waiting_.push_back(work->job.order().job_id);
}

std::optional<work::LeaseTerms> WorkDesk::terms_for(LiveWork* work, std::uint32_t step, const UnitSeat& seat) {
    const StepGroup& group = work->job.group_of(step);
    const Result<Usd> hourly = work::hourly_of(group.ask, seat.offered);
    if (!hourly) return std::nullopt;
    const Result<Usd> quote = work::quote_of(*hourly, group.seconds_max);
    if (!quote) return std::nullopt;
    work::LeaseTerms terms;
    terms.step = step;
    terms.node = seat.node;
    terms.unit = seat.unit;
    terms.gpu_mask = seat.gpu_mask;
    terms.hourly = *hourly;
    terms.quote = *quote;
    constexpr std::uint64_t kMillis = 1000;
    const bool has_files = (work::features_of(group) & bit(UnitFeature::kFiles)) != 0;
    const std::uint64_t margin = kLeaseMarginMillis + (has_files ? kFilesMarginMillis : 0);
    terms.expires_at = UnixMillis{context_->runtime()->unix_now().count() + group.seconds_max * kMillis + margin};
    terms.reason = why(seat, *hourly);
    return terms;
}

UnitQuery WorkDesk::query_for(const work::Job& job, std::uint32_t step, std::span<const Address> avoid) const {
    return {.spec = &job.spec(),
            .group = &job.group_of(step),
            .avoid = avoid,
            .hourly_max = job.hourly_max(job.steps()[step].group)};
}

bool WorkDesk::place_step(LiveWork* work, std::uint32_t step) {
    if (is_spot(work->job, step)) return false;  // see spot_round
    return buy_step(work, step);
}

bool WorkDesk::buy_step(LiveWork* work, std::uint32_t step) {
    const std::optional<std::uint64_t> token = take_tokens(1);
    if (!token) return false;
    const std::vector<Address> avoid = avoided(work->job, step);
    const UnitQuery query = query_for(work->job, step, avoid);
    Result<std::optional<UnitSeat>> seat = place_spread(work->job, query, *token);
    while (seat && *seat && parts_.directory->is_barred((*seat)->node)) {
        units_.give_back(*token);
        units_.close((*seat)->node);
        seat = place_spread(work->job, query, *token);
    }
    if (seat && !*seat) make_room(query);
    if (!seat || !*seat) return false;
    return lease_seat(work, step, *token, terms_for(work, step, **seat));
}

bool WorkDesk::lease_seat(LiveWork* work,
                          std::uint32_t step,
                          std::uint64_t token,
                          std::optional<work::LeaseTerms> terms) {
    const UnixMillis now = context_->runtime()->unix_now();
    Result<void> leased = make_error(Errc::kDenied, "the price is beyond all bounds");
    if (terms) {
        terms->fencing_token = token;
        leased = work->job.lease(*terms, now, &work->effects);
    }
    if (leased) {
        begin(work, step, token);
        return true;
    }
    units_.give_back(token);
    // Not affordable before others have ended; or a second copy that is not affordable at all.
    if (leased.error().code != Errc::kDenied || work->job.steps()[step].live > 0) return false;
    const Result<void> ended = work->job.give_up(step, Errc::kExhausted, leased.error().message, now, &work->effects);
    CHECK(ended.has_value());
    settle_effects(work);
    return true;
}

bool WorkDesk::place_gang(LiveWork* work, std::uint32_t first) {
    const StepGroup& group = work->job.group_of(first);
    const std::optional<std::uint64_t> token = take_tokens(group.count);
    if (!token) return false;
    const std::vector<Address> avoid = avoided(work->job, first);
    const UnitQuery query = query_for(work->job, first, avoid);
    const Result<std::optional<std::vector<UnitSeat>>> seats = units_.place_gang(query, group.count, *token);
    if (!seats || !*seats) return false;
    std::vector<work::LeaseTerms> members;
    for (std::uint32_t index = 0; index < group.count; ++index) {
        std::optional<work::LeaseTerms> terms = terms_for(work, first + index, (**seats)[index]);
        if (!terms) break;
        terms->fencing_token = *token + index;
        members.push_back(*std::move(terms));
    }
    const UnixMillis now = context_->runtime()->unix_now();
    Result<void> leased = make_error(Errc::kDenied, "the price is beyond all bounds");
    if (members.size() == group.count) leased = work->job.lease_gang(std::move(members), now, &work->effects);
    for (std::uint32_t index = 0; index < group.count; ++index) {
        if (leased) {
            begin(work, first + index, *token + index);
        } else {
            units_.give_back(*token + index);
        }
    }
    if (leased) return true;
    if (leased.error().code != Errc::kDenied) return false;
    const Result<void> ended = work->job.give_up(first, Errc::kExhausted, leased.error().message, now, &work->effects);
    CHECK(ended.has_value());
    settle_effects(work);
    return true;
}

// The lease is in the job's events; it is granted once they are written.
void WorkDesk::begin(LiveWork* work, std::uint32_t step, std::uint64_t token) {
    const work::Attempt* attempt = work->job.find_live(step, token);
    CHECK(attempt != nullptr);
    const work::Job::Step& state = work->job.steps()[step];
    const JobId id = attempt_id(state.id, attempt->terms.attempt);
    Running running;
    running.job = work->job.order().job_id;
    running.step = step;
    running.terms = attempt->terms;
    running.request_hash = work::step_hash(work->job.group_of(step), state.index, inputs_hash(work, state.group));
    running.leased_at = context_->now();
    running.expires = mono_of(attempt->terms.expires_at);
    set_timer(running.expires, id);
    by_node_[attempt->terms.node].insert(id);
    if (attempt->terms.is_spot) spot_attempts_.insert(id);
    if (work->job.spec().is_exclusive) exclusive_.insert(id);
    attempts_.emplace(id, std::move(running));
    work->granted.push_back(id);
}

std::optional<std::uint64_t> WorkDesk::take_tokens(std::size_t count) {
    const std::optional<std::uint64_t> first = parts_.tokens->take(count);
    is_short_of_tokens_ = is_short_of_tokens_ || !first;
    if (parts_.tokens->left() < kTokensLow) woken_.notify();  // run() fetches more
    return first;
}

// A unit has become free or has come: the jobs that wait longest have a try each, a few in a turn.
void WorkDesk::place_waiting() {
    to_try_ = std::min(to_try_, waiting_.size());
    const std::size_t tries = std::min(to_try_, kWaitingPerTurn);
    to_try_ -= tries;
    for (std::size_t done = 0; done < tries && !context_->stopping; ++done) {
        const JobId job_id = waiting_.front();
        waiting_.pop_front();
        LiveWork* work = find(job_id);
        if (work == nullptr) continue;
        work->is_waiting = false;
        place_ready(work);
        save(work);
    }
}

// What the job's last commands ended besides what they were called for.
void WorkDesk::settle_effects(LiveWork* work) {
    for (const work::Attempt& attempt : work->effects.ended) {
        const JobId id = attempt_id(work->job.steps()[attempt.terms.step].id, attempt.terms.attempt);
        forget(id);
        const auto leaving = leaving_.find(id);
        if (leaving == leaving_.end()) {
            units_.release(attempt.terms.fencing_token);
        } else {
            set_timer(leaving->second.until, id);
        }
    }
    for (const work::Attempt& attempt : work->effects.stopped) {
        const JobId id = attempt_id(work->job.steps()[attempt.terms.step].id, attempt.terms.attempt);
        const auto running = attempts_.find(id);
        if (running == attempts_.end()) continue;
        if (!running->second.is_granted) {
            std::erase(work->granted, id);
            units_.release(attempt.terms.fencing_token);
            forget(id);
            continue;
        }
        // A node that is away hears of it when it comes back.
        const bool is_away = running->second.gone_at.has_value();
        leave_running(work, id, is_away ? running->second.expires : context_->now() + context_->options.cancel_grace);
        forget(id);
        set_timer(leaving_.at(id).until, id);
    }
    const bool has_freed = !work->effects.ended.empty();
    work->effects.ended.clear();
    work->effects.stopped.clear();
    if (has_freed) place_heir(work->heir);
    woken_.notify();
}

void WorkDesk::leave_running(LiveWork* work, const JobId& attempt, TimePoint until) {
    const work::LeaseTerms& terms = attempts_.at(attempt).terms;
    leaving_.insert_or_assign(attempt, Leaving{terms.fencing_token, terms.node, until, work->heir});
    JobCancel cancel;
    cancel.job_id = attempt;
    cancel.fencing_token = terms.fencing_token;
    work->outbox.push_back({parts_.directory->session_of(terms.node), cancel});
}

// Has what is new written, unless a write is on its way: that one goes on with it.
void WorkDesk::save(LiveWork* work) {
    if (work->is_writing || work->effects.events.empty()) return;
    work->is_writing = true;
    context_->tasks.spawn(write(work->job.order().job_id));
}

ports::StoreChange WorkDesk::take_change(LiveWork* work) {
    ports::StoreChange change = std::exchange(work->change, {});
    const JobId& job_id = work->job.order().job_id;
    const std::string key = work_key(job_id, work->written);
    // Nobody else has written this part of the job's life.
    change.expectations.push_back({key, std::nullopt});
    change.puts.push_back({key, encode_events(work->effects.events)});
    work->written += static_cast<std::uint32_t>(work->effects.events.size());
    work->effects.events.clear();
    if (work->job.is_terminal()) {
        // A job may have begun and ended before its first write.
        const std::string live_key = work_live_key(job_id);
        std::erase_if(change.puts, [&](const ports::StoreEntry& put) { return put.key == live_key; });
        change.deletes.push_back(live_key);
    }
    return change;
}

Task<void> WorkDesk::write(JobId job_id) {
    while (true) {
        LiveWork* work = find(job_id);
        const bool is_first = work->written == 0;
        std::vector<Outgoing> outbox = answers(work);
        const ports::StoreChange change = take_change(work);
        const std::vector<JobId> granted = std::exchange(work->granted, {});
        std::vector<JobRecord> delivered = std::exchange(work->delivered, {});
        std::ranges::move(std::exchange(work->outbox, {}), std::back_inserter(outbox));
        const Result<bool> written = co_await context_->commit_new(change);
        if (!written) co_return;  // the scheduler stops; nothing of this was announced
        if (!*written) {
            CHECK(is_first);
            for (const Outgoing& out : outbox) {
                if (std::holds_alternative<WorkAccepted>(out.message)) work->askers.push_back({out.session, true});
            }
            co_await abandon(job_id);
            co_return;
        }
        announce(work, granted, std::move(delivered));
        for (Outgoing& out : outbox) parts_.switchboard->post(out.session, std::move(out.message));
        if (!work->effects.events.empty()) continue;
        work->is_writing = false;
        for (Outgoing& out : answers(work)) parts_.switchboard->post(out.session, std::move(out.message));
        if (work->job.is_terminal()) retire(work);
        co_return;
    }
}

// The store knows a job of this id, which has ended: this one never was.
Task<void> WorkDesk::abandon(JobId job_id) {
    LiveWork* work = find(job_id);
    WorkOrder order = work->job.order();
    const std::vector<Asker> askers = std::exchange(work->askers, {});
    for (const work::Attempt& attempt : work->job.live()) {
        units_.release(attempt.terms.fencing_token);
        forget(attempt_id(work->job.steps()[attempt.terms.step].id, attempt.terms.attempt));
    }
    parts_.caps->release(work->cap_id, order.budget);
    drop_timer(job_id);
    jobs_.erase(job_id);
    const Result<WorkAccepted> known = co_await acceptance_of(std::move(order));
    for (const Asker& asker : askers) {
        if (known) {
            parts_.switchboard->post(asker.gateway, *known);
        } else {
            refuse(asker.gateway, job_id, known.error());
        }
    }
}

// What is durable now may be told.
void WorkDesk::announce(LiveWork* work, const std::vector<JobId>& granted, std::vector<JobRecord> delivered) {
    for (const JobId& attempt : granted) grant(work, attempt);
    for (JobRecord& record : delivered) {
        settling_.erase(record.job_id);
        parts_.caps->consume(work->cap_id, record.receipt.receipt.amount, record.receipt.receipt.amount);
        context_->metrics.jobs_delivered->increment();
        ReceiptAck ack;
        ack.receipt_hash = market::receipt_hash(record.receipt.receipt);
        ack.accepted = true;
        ack.receipt = record.receipt;
        parts_.switchboard->post(parts_.directory->session_of(record.lease.node), std::move(ack));
        parts_.book->add_delivered(std::move(record));
        parts_.on_delivered();
    }
}

void WorkDesk::grant(LiveWork* work, const JobId& attempt) {
    const auto found = attempts_.find(attempt);
    if (found == attempts_.end()) return;  // stopped meanwhile
    Running& running = found->second;
    running.is_granted = true;
    StepGrant grant;
    grant.lease.job_id = attempt;
    grant.lease.fencing_token = running.terms.fencing_token;
    grant.lease.node = running.terms.node;
    grant.lease.attempt = running.terms.attempt;
    grant.lease.expires_at = running.terms.expires_at;
    grant.client = work->job.order().client;
    grant.unit = running.terms.unit;
    grant.gpu_mask = running.terms.gpu_mask;
    grant.work = work->job.work_of(running.step);
    grant.hourly = running.terms.hourly;
    grant.quote = running.terms.quote;
    grant.trace_id = work->job.order().trace_id;
    context_->log.debug("step_granted", {{"attempt", codec::to_hex(attempt)}, {"trace_id", grant.trace_id}});
    running.granted_on = parts_.directory->session_of(running.terms.node);
    if (!parts_.switchboard->post(running.granted_on, std::move(grant))) {
        running.gone_at = context_->now();
        running.granted_on = kNoSession;
        set_timer(context_->now() + context_->options.node_grace, attempt);
    }
    context_->metrics.leases_granted->increment();
}

void WorkDesk::retire(LiveWork* work) {
    const Result<Usd> unspent = subtract(work->job.order().budget, work->job.charged());
    CHECK(unspent.has_value());
    parts_.caps->release(work->cap_id, *unspent);
    const bool is_good = work->job.state() == WorkState::kSucceeded;
    if (!is_good) context_->metrics.jobs_failed->increment();
    context_->log.info("work_ended", {{"job", codec::to_hex(work->job.order().job_id)},
                                      {"state", std::string{to_string(work->job.state())}},
                                      {"charged_micro", work->job.charged().micro}});
    const JobId job_id = work->job.order().job_id;
    drop_timer(job_id);
    jobs_.erase(job_id);
}

}  // namespace vcity::scheduler
