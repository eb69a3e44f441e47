// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "base/check.hpp"
#include "codec/hex.hpp"
#include "market/batch.hpp"
#include "market/typed_hashes.hpp"
#include "services/common/backoff.hpp"
#include "services/scheduler/work/work_desk.hpp"
#include "work/plan.hpp"
#include "work/pricing.hpp"
#include "work/reservation.hpp"

namespace vcity::scheduler {
namespace {

constexpr std::chrono::milliseconds kClockSkew{30'000};
constexpr std::chrono::seconds kTurn{1};      // waiting steps and stragglers are looked at so often at least
constexpr std::chrono::seconds kTryEvery{5};  // waiting steps, also when no unit has come: a node may do again

}  // namespace

TimePoint WorkDesk::mono_of(UnixMillis at) const {
    const UnixMillis now = context_->runtime()->unix_now();
    if (at <= now) return context_->now();
    return context_->now() + std::chrono::milliseconds{(at - now).count()};
}

Task<void> WorkDesk::run() {
    while (!context_->stopping) {
        if (parts_.tokens->left() < kTokensLow) {
            const Result<void> refilled = co_await parts_.tokens->refill();
            if (!refilled) co_return;
        }
        while (!timers_.empty() && timers_.begin()->first <= context_->now()) {
            const JobId id = timers_.begin()->second;
            drop_timer(id);
            on_timer(id);
        }
        const bool has_tokens_again = std::exchange(is_short_of_tokens_, false);
        const bool has_units = std::exchange(seen_generation_, units_.generation()) != units_.generation();
        if (has_units || has_tokens_again || context_->now() >= next_try_) {
            next_try_ = context_->now() + kTryEvery;
            to_try_ = waiting_.size();
        }
        count_winners();
        place_waiting();
        quotes_.expire(context_->now());
        spot_round();
        TimePoint next = context_->now() + kTurn;
        if (!timers_.empty()) next = std::min(next, timers_.begin()->first);
        if (to_try_ > 0) next = context_->now();
        co_await woken_.wait_until(next);
    }
}

void WorkDesk::set_timer(TimePoint at, const JobId& id) {
    const auto [due, is_new] = due_.emplace(id, at);
    if (!is_new && due->second <= at) return;
    if (!is_new) timers_.erase({due->second, id});
    due->second = at;
    timers_.emplace(at, id);
}

void WorkDesk::drop_timer(const JobId& id) {
    const auto due = due_.find(id);
    if (due == due_.end()) return;
    timers_.erase({due->second, id});
    due_.erase(due);
}

void WorkDesk::on_timer(const JobId& id) {
    if (attempts_.contains(id)) {
        check_attempt(id);
    } else if (leaving_.contains(id)) {
        release_leaving(id);
    } else if (LiveWork* work = find(id)) {
        check_job(work);
    }
}

void WorkDesk::check_job(LiveWork* work) {
    if (work->job.is_terminal()) return;  // its last write is on its way
    const UnixMillis now = context_->runtime()->unix_now();
    if (work->stopping) {
        if (context_->now() < work->stopping->until) set_timer(work->stopping->until, work->job.order().job_id);
    } else if (work->heir) {
        wind_up(work, WorkState::kCancelled, std::string{kHandedOver});
    } else if (work->job.order().deadline > now) {
        for (const std::uint32_t step : work->job.stragglers(now)) {
            if (!place_step(work, step)) break;
        }
        set_timer(mono_of(work->job.order().deadline), work->job.order().job_id);
        watch_stragglers(work);
    } else {
        wind_up(work, WorkState::kFailed, "its deadline has passed");
    }
    end_if_wound_up(work);
    save(work);
}

// What runs is told to stop and billed for its time, for whoever read its output until now has had it. Nodes that do
// not answer in time go unpaid.
void WorkDesk::wind_up(LiveWork* work, WorkState state, std::string reason) {
    if (work->stopping || work->job.is_terminal()) return;
    work->stopping = Stopping{state, context_->now() + context_->options.cancel_grace, std::move(reason)};
    for (const work::Attempt& attempt : work->job.live()) {
        const JobId id = attempt_id(work->job.steps()[attempt.terms.step].id, attempt.terms.attempt);
        const auto running = attempts_.find(id);
        if (running == attempts_.end() || !running->second.is_granted) continue;
        JobCancel cancel;
        cancel.job_id = id;
        cancel.fencing_token = attempt.terms.fencing_token;
        parts_.switchboard->post(running->second.granted_on, cancel);
    }
    set_timer(work->stopping->until, work->job.order().job_id);
    end_if_wound_up(work);
    save(work);
}

// The job's last event, once nothing of it runs any more.
void WorkDesk::end_if_wound_up(LiveWork* work) {
    if (!work->stopping || work->job.is_terminal()) return;
    const bool is_running = std::ranges::any_of(work->job.live(), [&](const work::Attempt& attempt) {
        const auto found = attempts_.find(attempt_id(work->job.steps()[attempt.terms.step].id, attempt.terms.attempt));
        return found != attempts_.end() && found->second.granted_on != kNoSession;
    });
    if (is_running && context_->now() < work->stopping->until) return;
    const UnixMillis now = context_->runtime()->unix_now();
    const std::string& reason = work->stopping->reason;
    const Result<void> ended = work->stopping->state == WorkState::kCancelled
                                   ? work->job.cancel(reason, now, &work->effects)
                                   : work->job.expire(reason, now, &work->effects);
    if (ended) settle_effects(work);
}

// Where second copies may be wanted.
void WorkDesk::watch_stragglers(const LiveWork* work) {
    const WorkOrder& order = work->job.order();
    if (std::ranges::none_of(order.spec.groups, &StepGroup::is_speculative)) return;
    set_timer(std::min(mono_of(order.deadline), context_->now() + context_->options.straggler_every), order.job_id);
}

void WorkDesk::check_attempt(const JobId& attempt) {
    const Running& running = attempts_.at(attempt);
    const TimePoint now = context_->now();
    TimePoint gone = TimePoint::max();
    if (running.gone_at) {
        gone = std::max(*running.gone_at + grace_of(running), started_at_ + context_->options.restart_grace);
    }
    if (running.early_end && now >= running.early_end->until) {
        leave_running(find(running.job), attempt, now + context_->options.cancel_grace);
        fail(attempt, work::Fault::kPreempted, Errc::kExhausted, running.early_end->reason);
    } else if (now >= running.expires) {
        leave_running(find(running.job), attempt, now + context_->options.cancel_grace);
        fail(attempt, work::Fault::kNode, Errc::kTimeout, "the lease ended without a result");
    } else if (now >= gone) {
        // It may still run there.
        leave_running(find(running.job), attempt, running.expires);
        fail(attempt, running.is_adopted ? work::Fault::kPreempted : work::Fault::kNode, Errc::kUnavailable,
             "its node has gone");
    } else {
        const TimePoint early = running.early_end ? running.early_end->until : TimePoint::max();
        set_timer(std::min({running.expires, gone, early}), attempt);
    }
}

WorkDesk::Running* WorkDesk::running_of(const Address& node, const JobId& attempt, std::uint64_t token) {
    const auto found = attempts_.find(attempt);
    const bool is_current =
        found != attempts_.end() && found->second.terms.node == node && found->second.terms.fencing_token == token;
    if (!is_current) context_->metrics.stale_messages->increment();
    return is_current ? &found->second : nullptr;
}

void WorkDesk::forget(const JobId& attempt) {
    const auto found = attempts_.find(attempt);
    if (found == attempts_.end()) return;
    const auto of_node = by_node_.find(found->second.terms.node);
    of_node->second.erase(attempt);
    if (of_node->second.empty()) by_node_.erase(of_node);
    std::optional<EarlyEnd>& end = found->second.early_end;
    if (end && end->winner) winners_.push_back(*std::move(end->winner));
    attempts_.erase(found);
    spot_attempts_.erase(attempt);
    exclusive_.erase(attempt);
    drop_timer(attempt);
}

void WorkDesk::release_leaving(const JobId& attempt) {
    const auto found = leaving_.find(attempt);
    if (found == leaving_.end()) return;
    units_.release(found->second.token);
    const std::optional<JobId> heir = found->second.heir;
    leaving_.erase(found);
    if (!attempts_.contains(attempt)) drop_timer(attempt);
    place_heir(heir);
    woken_.notify();
}

void WorkDesk::fail(const JobId& attempt, work::Fault fault, Errc code, std::string reason) {
    const Running& running = attempts_.at(attempt);
    LiveWork* work = find(running.job);
    CHECK(work != nullptr);
    work::AttemptFailed failed;
    failed.step = running.step;
    failed.fencing_token = running.terms.fencing_token;
    failed.fault = fault;
    failed.code = code;
    failed.reason = std::move(reason);
    if (fault == work::Fault::kNode) {
        parts_.directory->note_failure(running.terms.node);
        note(running.terms.node, {.client = work->job.order().client, .went_well = false, .paid = running.terms.quote});
    }
    context_->metrics.retries->increment();
    const Result<void> done = work->job.fail(std::move(failed), context_->runtime()->unix_now(), &work->effects);
    CHECK(done.has_value());
    settle_effects(work);
    place_ready(work);
    save(work);
}

std::vector<Lease> WorkDesk::on_node_ready(const Address& node, SessionId session, const std::vector<Lease>& active) {
    std::vector<Lease> others;
    std::set<JobId> still_there;
    for (const Lease& lease : active) {
        if (owns(lease.job_id)) {
            still_there.insert(lease.job_id);
        } else {
            others.push_back(lease);
        }
    }
    std::vector<JobId> lost;
    const auto mine = by_node_.find(node);
    if (mine != by_node_.end()) {
        for (const JobId& attempt : mine->second) {
            Running& running = attempts_.at(attempt);
            running.is_adopted = running.is_adopted && !still_there.contains(attempt);
            if (!running.is_granted || running.granted_on == session) continue;
            running.granted_on = session;
            running.gone_at.reset();
            if (still_there.contains(attempt)) {
                end_outage(attempt, session);
            } else {
                lost.push_back(attempt);
            }
        }
    }
    for (const JobId& attempt : lost) {
        // Of a lease from before a restart nobody knows whether the node ever saw it.
        const bool is_innocent = attempts_.contains(attempt) && attempts_.at(attempt).is_adopted;
        if (!attempts_.contains(attempt)) continue;  // with the rest of its gang
        fail(attempt, is_innocent ? work::Fault::kPreempted : work::Fault::kNode, Errc::kUnavailable,
             "its node came back without it");
    }
    std::vector<JobId> over;
    for (auto& [attempt, leaving] : leaving_) {
        if (leaving.node != node) continue;
        if (!still_there.contains(attempt)) {
            over.push_back(attempt);
            continue;
        }
        JobCancel cancel;
        cancel.job_id = attempt;
        cancel.fencing_token = leaving.token;
        parts_.switchboard->post(session, cancel);
        leaving.until = context_->now() + context_->options.cancel_grace;
        set_timer(leaving.until, attempt);
    }
    for (const JobId& attempt : over) release_leaving(attempt);
    woken_.notify();
    return others;
}

void WorkDesk::on_node_gone(const Address& node, SessionId session, TimePoint heard) {
    const auto mine = by_node_.find(node);
    if (mine == by_node_.end()) return;
    for (const JobId& attempt : mine->second) {
        Running& running = attempts_.at(attempt);
        if (running.granted_on != session) continue;
        running.granted_on = kNoSession;
        running.gone_at = context_->now();
        running.heard_at = heard;
        set_timer(context_->now() + grace_of(running), attempt);
    }
}

void WorkDesk::on_refused(const Address& node, const LeaseRefused& refused) {
    release_leaving(refused.job_id);
    if (running_of(node, refused.job_id, refused.fencing_token) == nullptr) return;
    fail(refused.job_id, work::Fault::kNode, refused.code, "the node refused: " + refused.reason);
}

void WorkDesk::on_failed(const Address& node, const NodeFailedJob& failed) {
    release_leaving(failed.job_id);
    const Running* running = running_of(node, failed.job_id, failed.fencing_token);
    if (running == nullptr) return;
    if (running->early_end) {
        fail(failed.job_id, work::Fault::kPreempted, failed.code, running->early_end->reason);
        return;
    }
    // A step that runs into its time limit fails by what it is, not by where it runs.
    // So does one whose customer has named an input that is not to be had.
    const bool is_step =
        failed.code == Errc::kTimeout || failed.code == Errc::kExhausted || failed.code == Errc::kNotFound;
    fail(failed.job_id, is_step ? work::Fault::kStep : work::Fault::kNode, failed.code, failed.reason);
}

void WorkDesk::on_started(const Address& node, const StepStarted& started) {
    const Running* running = running_of(node, started.step_id, started.fencing_token);
    if (running == nullptr || !running->is_granted) return;
    LiveWork* work = find(running->job);
    const Result<void> done =
        work->job.start(running->step, started.fencing_token, context_->runtime()->unix_now(), &work->effects);
    if (done) save(work);
}

void WorkDesk::on_output(const Address& node, StepOutput output) {
    Running* running = running_of(node, output.step_id, output.fencing_token);
    if (running == nullptr || output.offset > running->output.size()) return;
    // Sent again after a reconnect.
    const std::size_t known = running->output.size() - static_cast<std::size_t>(output.offset);
    if (known >= output.bytes.size()) return;
    const std::string_view fresh = as_text(ByteView{output.bytes}.subspan(known));
    if (running->output.size() + fresh.size() > kWorkOutputMax) {
        leave_running(find(running->job), output.step_id, context_->now() + context_->options.cancel_grace);
        fail(output.step_id, work::Fault::kStep, Errc::kExhausted, "more output than a step may have");
        return;
    }
    running->output += fresh;
}

void WorkDesk::on_checkpoint(const Address& node, StepCheckpoint checkpoint) {
    Running* running = running_of(node, checkpoint.step_id, checkpoint.fencing_token);
    if (running == nullptr) return;
    LiveWork* work = find(running->job);
    if (work->job.group_of(running->step).setup.checkpoint_seconds == 0) return;
    work::Checkpointed event;
    event.step = running->step;
    event.fencing_token = checkpoint.fencing_token;
    event.sequence = checkpoint.sequence;
    event.files = std::move(checkpoint.files);
    // One that came again after a reconnect, or that names no files that can be: the older one stands.
    const Result<void> kept = work->job.checkpoint(std::move(event), context_->runtime()->unix_now(), &work->effects);
    if (kept) save(work);
}

// Nobody is charged for what the next attempt has to do again.
Result<void> WorkDesk::check_giving_way(const LiveWork& work, const Running& running, const UsageReceipt& bill) const {
    const work::Job::Step& step = work.job.steps()[running.step];
    if (step.checkpoint_token != running.terms.fencing_token) {
        return make_error(Errc::kInvalid, "it gave way without a checkpoint to go on from");
    }
    const work::Attempt* live = work.job.find_live(running.step, running.terms.fencing_token);
    CHECK(live != nullptr);
    const std::chrono::milliseconds until{
        step.checkpoint_at > live->leased_at ? (step.checkpoint_at - live->leased_at).count() : 0};
    if (bill.finished_at > bill.started_at + until + kClockSkew) {
        return make_error(Errc::kInvalid, "it bills more than the time until its checkpoint");
    }
    return {};
}

Result<SignedReceipt> WorkDesk::check_receipt(const LiveWork& work,
                                              const Running& running,
                                              const StepFinished& finished) const {
    const JobFinished& said = finished.finished;
    SignedReceipt receipt;
    UsageReceipt& bill = receipt.receipt;
    bill.job_id = said.job_id;
    bill.client = work.job.order().client;
    bill.node = running.terms.node;
    bill.scheduler = context_->self();
    bill.fencing_token = running.terms.fencing_token;
    bill.units = said.units;
    bill.amount = said.amount;
    bill.quote = running.terms.quote;
    bill.model_root = work::command_root();
    bill.request_hash = running.request_hash;
    bill.response_hash = said.response_hash;
    bill.verification_root = said.verification_root;
    bill.started_at = said.started_at;
    bill.finished_at = said.finished_at;
    receipt.node_signature = said.node_signature;
    if (market::receipt_hash(bill) != said.receipt_hash) {
        return make_error(Errc::kInvalid, "the receipt names other parties, work or prices than its lease");
    }
    TRY_OK(work::check_files(finished.files));
    if (finished.exit_code == work::kLostRaceExit) {
        return make_error(Errc::kInvalid, "it says of itself that another copy was faster");
    }
    if (finished.exit_code == work::kGaveWayExit) {
        TRY_OK(check_giving_way(work, running, bill));
    }
    const Hash result = work::result_hash(market::response_hash(running.output), finished.files);
    if (finished.output_bytes != running.output.size() || bill.response_hash != result) {
        return make_error(Errc::kInvalid, "the output is not the one that was signed for");
    }
    if (bill.started_at > bill.finished_at) return make_error(Errc::kInvalid, "it ends before it starts");
    const std::chrono::milliseconds ran{(bill.finished_at - bill.started_at).count()};
    // Nobody is charged for more time than has passed since the lease, or for a service that could not be reached.
    if (ran > billable(work, running) + kClockSkew) {
        return make_error(Errc::kInvalid, "it says to have run for longer than its lease has lasted");
    }
    if (bill.finished_at > context_->runtime()->unix_now() + kClockSkew) {
        return make_error(Errc::kInvalid, "it ends in the future");
    }
    const UnitAsk& ask = work.job.group_of(running.step).ask;
    const TokenUsage units{0, work::nominal_units(ask, ran)};
    if (bill.units != units) return make_error(Errc::kInvalid, "wrong units");
    if (bill.amount != work::amount_of(running.terms.hourly, ran, running.terms.quote)) {
        return make_error(Errc::kInvalid, "wrong amount");
    }
    TRY_OK(market::check_node_signature(context_->deps.deployment, receipt));
    return receipt;
}

bool WorkDesk::on_finished(const Address& node, const StepFinished& finished) {
    const JobId attempt = finished.finished.job_id;
    release_leaving(attempt);
    if (settling_.contains(attempt)) return true;  // acknowledged as soon as it is written
    const Running* running = running_of(node, attempt, finished.finished.fencing_token);
    if (running == nullptr) return false;
    LiveWork* work = find(running->job);
    Result<SignedReceipt> receipt = check_receipt(*work, *running, finished);
    if (receipt) receipt = check_early_end(*work, *running, finished, *std::move(receipt));
    if (receipt) {
        const Hash digest = market::receipt_digest(context_->deps.deployment, receipt->receipt);
        Result<Signature> signature = context_->deps.signer->sign(digest);
        if (!signature) return true;  // it is sent again
        receipt->scheduler_signature = *signature;
        if (finished.exit_code == 0 && holds_back(*work, node, finished)) return true;
        deliver(work, attempt, *std::move(receipt), finished);
        return true;
    }
    context_->metrics.receipts_refused->increment();
    ReceiptAck ack;
    ack.receipt_hash = finished.finished.receipt_hash;
    ack.receipt.receipt.job_id = attempt;
    ack.reason = receipt.error().message;
    parts_.switchboard->post(parts_.directory->session_of(node), std::move(ack));
    if (running->early_end) {
        fail(attempt, work::Fault::kPreempted, receipt.error().code, running->early_end->reason);
    } else {
        fail(attempt, work::Fault::kNode, receipt.error().code, "its receipt is wrong: " + receipt.error().message);
    }
    return true;
}

// What a customer's experience says of the node.
void WorkDesk::note(const Address& node, const market::Delivery& delivery) {
    parts_.directory->note_delivery(node, delivery);
    units_.rate(node, parts_.directory->reputation_bp(node));
}

void WorkDesk::deliver(LiveWork* work, const JobId& attempt, SignedReceipt receipt, const StepFinished& finished) {
    const Running& running = attempts_.at(attempt);
    work::Finished done;
    done.step = running.step;
    done.fencing_token = running.terms.fencing_token;
    const bool has_lost = running.early_end && running.early_end->ending == Ending::kLosesRace &&
                          work->job.steps()[running.step].live > 1;
    done.exit_code = has_lost ? work::kLostRaceExit : finished.exit_code;
    done.amount = receipt.receipt.amount;
    done.output_bytes = running.output.size();
    done.receipt_hash = market::receipt_hash(receipt.receipt);
    done.is_cut_short = work->stopping && finished.exit_code != 0 && !has_lost;
    if (!has_lost) done.files = finished.files;
    const Result<void> taken = work->job.finish(done, context_->runtime()->unix_now(), &work->effects);
    CHECK(taken.has_value());
    JobRecord record;
    record.job_id = attempt;
    record.client = receipt.receipt.client;
    record.cap_id = work->cap_id;
    record.request_hash = receipt.receipt.request_hash;
    record.quote = receipt.receipt.quote;
    record.deadline = work->job.order().deadline;
    record.trace_id = work->job.order().trace_id;
    record.state = JobState::kDelivered;
    record.lease.job_id = attempt;
    record.lease.fencing_token = running.terms.fencing_token;
    record.lease.node = running.terms.node;
    record.lease.attempt = running.terms.attempt;
    record.lease.expires_at = running.terms.expires_at;
    record.model_root = receipt.receipt.model_root;
    record.placement.node = running.terms.node;
    record.placement.text = running.terms.reason;
    record.receipt = std::move(receipt);
    JobBook::put(&work->change, record);
    work->change.puts.push_back({job_key(kLivePrefix, attempt), Bytes{}});
    put_output(&work->change, work->job.steps()[running.step].id, running.terms.fencing_token, running.output);
    settling_.insert(attempt);
    if (finished.exit_code != work::kGaveWayExit && !has_lost) {  // which says nothing of its node, for better or worse
        parts_.directory->note_success(running.terms.node);
        note(running.terms.node, {.client = record.client, .went_well = true, .paid = record.receipt.receipt.amount});
    }
    work->delivered.push_back(std::move(record));
    settle_effects(work);
    place_ready(work);
    save(work);
}

Task<Result<void>> WorkDesk::recover() {
    started_at_ = context_->now();
    const TimePoint patience = context_->now() + kStorePatience;
    CO_TRY(
        const std::vector<ports::StoreEntry> entries,
        co_await services::scan_all(context_->runtime(), context_->deps.store, std::string(kWorkLivePrefix), patience));
    for (const ports::StoreEntry& entry : entries) {
        CO_TRY(const JobId job_id, codec::parse_fixed<JobId>(entry.key.substr(kWorkLivePrefix.size())));
        if (entry.value.size() != CapId::kSize) co_return make_error(Errc::kCorrupt, "a live job has no cap");
        CO_TRY(const std::vector<work::Event> events, co_await load_events(context_, job_id));
        CO_TRY(work::Job job, work::Job::replay(events));
        auto owned = std::make_unique<LiveWork>(std::move(job), CapId::make(entry.value));
        LiveWork* work = owned.get();
        work->inputs.resize(work->job.spec().groups.size());
        work->written = work->job.events();
        CO_TRY(const Usd unspent, subtract(work->job.order().budget, work->job.charged()));
        parts_.caps->restore_reserved(work->cap_id, unspent);
        jobs_.emplace(job_id, std::move(owned));
        for (const work::Attempt& attempt : work->job.live()) {
            begin(work, attempt.terms.step, attempt.terms.fencing_token);
            const JobId id = attempt_id(work->job.steps()[attempt.terms.step].id, attempt.terms.attempt);
            Running& running = attempts_.at(id);
            running.is_granted = true;
            running.is_adopted = true;
            running.gone_at = context_->now();
            const UnixMillis now = context_->runtime()->unix_now();
            const UnixMillis ago = now > attempt.leased_at ? now - attempt.leased_at : UnixMillis{0};
            running.leased_at = context_->now() - std::chrono::milliseconds{ago.count()};
            units_.hold(attempt.terms, work->job.group_of(attempt.terms.step).ask);
            set_timer(started_at_ + context_->options.restart_grace, id);
        }
        work->granted.clear();
        set_timer(mono_of(work->job.order().deadline), job_id);
        watch_stragglers(work);
        if (!work->job.runnable().empty()) {
            work->is_waiting = true;
            waiting_.push_back(job_id);
        }
    }
    // Orders that had just come for the units of a reservation.
    for (const JobId& job_id : std::vector<JobId>{waiting_.begin(), waiting_.end()}) {
        const WorkOrder& order = jobs_.at(job_id)->job.order();
        LiveWork* hold = work::is_reservation_number(order.quote_id) ? reservation_of(order) : nullptr;
        if (hold == nullptr) continue;
        hold->heir = job_id;
        // Its nodes have to be here to be told, and to bill what they held.
        set_timer(started_at_ + context_->options.restart_grace, hold->job.order().job_id);
    }
    co_return Result<void>{};
}

}  // namespace vcity::scheduler
