// SPDX-License-Identifier: Apache-2.0
#include "services/scheduler/job_driver.hpp"

#include <algorithm>

#include "base/check.hpp"
#include "codec/hex.hpp"
#include "codec/json.hpp"
#include "market/pricing.hpp"
#include "market/typed_hashes.hpp"
#include "placement/engine.hpp"
#include "wire/wire.hpp"

namespace vcity::scheduler {
namespace {

constexpr std::size_t kStopsMax = 4;
constexpr std::size_t kNameMax = 128;

std::size_t prompt_bytes(const ModelRequest& request) {
    std::size_t total = request.prompt.size();
    for (const ChatMessage& message : request.messages) total += message.content.size() + message.role.size();
    return total;
}

Result<void> check_request(const ModelRequest& request, const SchedulerOptions& options) {
    if (request.model.empty() || request.model.size() > kNameMax) return make_error(Errc::kInvalid, "bad model name");
    if (request.messages.empty() == request.prompt.empty()) {
        return make_error(Errc::kInvalid, "a request has either messages or a prompt");
    }
    if (prompt_bytes(request) > options.prompt_bytes_max) return make_error(Errc::kInvalid, "the prompt is too long");
    if (request.output_tokens_max == 0 || request.output_tokens_max > options.output_tokens_max) {
        return make_error(Errc::kInvalid, "the number of output tokens is out of range");
    }
    const Sampling& sampling = request.sampling;
    constexpr double kTemperatureMax = 2.0;
    const bool sane = sampling.temperature >= 0 && sampling.temperature <= kTemperatureMax && sampling.top_p > 0 &&
                      sampling.top_p <= 1;
    if (!sane) return make_error(Errc::kInvalid, "sampling parameters are out of range");
    if (request.stop.size() > kStopsMax) return make_error(Errc::kInvalid, "too many stop sequences");
    return {};
}

// What a node is measured against: twice what its own record says, and a little for chance.
std::uint64_t promise_of(routing::Nanos expected) {
    constexpr std::uint64_t kNanosPerMilli = 1'000'000;
    constexpr std::uint64_t kSlackMillis = 250;
    return expected / kNanosPerMilli * 2 + kSlackMillis;
}

Duration until(UnixMillis when, UnixMillis now) {
    return when > now ? Duration{std::chrono::milliseconds{(when - now).count()}} : Duration{};
}

JobPlaced placed_as(const JobRecord& record) {
    JobPlaced placed;
    placed.job_id = record.job_id;
    placed.lease = record.lease;
    placed.prices = record.prices;
    placed.reason = record.placement;
    return placed;
}

}  // namespace

Result<void> JobDriver::check_order(const JobOrder& order) const {
    TRY_OK(check_request(order.request, context_->options));
    if (order.trace_id.size() > kNameMax) return make_error(Errc::kInvalid, "the trace id is too long");
    if (order.client != order.cap.cap.client) return make_error(Errc::kDenied, "the cap is of another client");
    const UnixMillis now = context_->runtime()->unix_now();
    if (order.deadline <= now) return make_error(Errc::kTimeout, "the deadline has passed");
    if (until(order.deadline, now) > context_->options.deadline_max) {
        return make_error(Errc::kInvalid, "the deadline is too far away");
    }
    return {};
}

void JobDriver::tell_failure(SessionId gateway, const JobId& job_id, const Error& error, Duration retry_after) {
    JobFailed failed;
    failed.job_id = job_id;
    failed.code = error.code;
    failed.message = error.message;
    failed.retryable = services::is_transient(error.code);
    const auto wait = std::chrono::ceil<std::chrono::milliseconds>(retry_after);
    failed.retry_after_ms = static_cast<std::uint32_t>(std::clamp<std::int64_t>(wait.count(), 0, UINT32_MAX));
    parts_.switchboard->post(gateway, std::move(failed));
}

void JobDriver::on_order(SessionId gateway, JobOrder order) {
    context_->metrics.orders->increment();
    if (LiveJob* live = parts_.book->find_live(order.job_id)) {
        if (live->order == order) {
            attach(live, gateway);
        } else {
            tell_failure(gateway, order.job_id, make_error(Errc::kConflict, "this job id names another job"));
        }
        return;
    }
    if (context_->stopping || parts_.book->live().size() >= context_->options.jobs_live_max) {
        context_->metrics.orders_refused->increment();
        tell_failure(gateway, order.job_id, make_error(Errc::kExhausted, "the scheduler is full: try again later"),
                     std::chrono::seconds{1});
        return;
    }
    LiveJob* job = parts_.book->add_live(std::move(order));
    job->record.job_id = job->order.job_id;
    job->record.client = job->order.client;
    job->record.request_hash = market::request_hash(job->order.request);
    job->record.quote = job->order.quote;
    job->record.deadline = job->order.deadline;
    job->record.trace_id = job->order.trace_id;
    job->admitted_at = context_->now();
    job->gateway_grace = context_->options.gateway_grace;
    job->gateway = gateway;
    context_->tasks.spawn(drive(job));
}

// The gateway asks again for a job that runs: it gets everything it may have missed.
void JobDriver::attach(LiveJob* job, SessionId gateway) {
    job->gateway = gateway;
    job->gateway_gone_at.reset();
    const bool is_leased = job->record.state == JobState::kLeased || job->record.state == JobState::kStreaming;
    // A lease that is being written is told when it is.
    if (!is_leased || !job->lease_written) return;
    parts_.switchboard->post(gateway, placed_as(job->record));
    if (job->record.state != JobState::kStreaming) return;
    for (std::size_t index = 0; index < job->output.pieces.size(); ++index) {
        TokenChunk chunk;
        chunk.job_id = job->record.job_id;
        chunk.fencing_token = job->record.lease.fencing_token;
        chunk.sequence = index;
        chunk.text = job->output.pieces[index].text;
        chunk.tokens = job->output.pieces[index].tokens;
        parts_.switchboard->post(gateway, std::move(chunk));
    }
}

void JobDriver::on_cancel(SessionId gateway, const JobCancel& cancel) {
    LiveJob* job = parts_.book->find_live(cancel.job_id);
    if (job == nullptr || job->cancelled_at) return;
    if (job->gateway == kNoSession) {
        // A gateway that has lost its link, and with it its client: it got an error and is charged nothing.
        job->gateway_grace = {};
        job->wake.notify();
        return;
    }
    if (job->gateway != gateway) return;
    job->cancelled_at = context_->now();
    job->wake.notify();
    parts_.directory->wake_all();
    const bool is_leased = job->record.state == JobState::kLeased || job->record.state == JobState::kStreaming;
    if (is_leased) cancel_at_node(*job);
    if (job->hedge) job->hedge->is_over = true;
}

void JobDriver::on_node_message(const Address& node, const JobId& job_id, Message message) {
    LiveJob* job = parts_.book->find_live(job_id);
    if (job != nullptr) {
        if (!is_from_holder(*job, node, message)) {
            context_->metrics.stale_messages->increment();
        } else if (job->inbox.size() < kInboxMessagesMax && job->inbox_bytes < kInboxBytesMax) {
            if (const auto* chunk = std::get_if<TokenChunk>(&message)) job->inbox_bytes += chunk->text.size();
            job->inbox.push_back(std::move(message));
            job->wake.notify();
            return;
        } else {
            parts_.switchboard->close(parts_.directory->session_of(node));
            return;
        }
    }
    // A result that no job waits for: perhaps one that is stored already and whose acknowledgement was lost.
    constexpr std::size_t kStraysMax = 64;
    auto* finished = std::get_if<JobFinished>(&message);
    if (finished == nullptr || strays_ >= kStraysMax) return;
    ++strays_;
    context_->tasks.spawn(answer_stray(node, std::move(*finished)));
}

void JobDriver::on_node_ready(const Address& node, SessionId session, const std::vector<Lease>& active) {
    for (const auto& [job_id, job] : parts_.book->live()) {
        const bool is_leased = job->record.state == JobState::kLeased || job->record.state == JobState::kStreaming;
        if (!is_leased || job->record.lease.node != node || job->granted_on == session) continue;
        const bool still_has_it = std::ranges::any_of(
            active, [&](const Lease& lease) { return lease.fencing_token == job->record.lease.fencing_token; });
        job->node_gone_at.reset();
        job->granted_on = session;
        job->lease_lost = !still_has_it;
        if (job->cancelled_at) cancel_at_node(*job);
        job->wake.notify();
    }
    // Work under leases that are not valid any more is stopped; its receipt, if it comes, is refused.
    for (const Lease& lease : active) {
        const LiveJob* job = parts_.book->find_live(lease.job_id);
        const bool is_hedge = job != nullptr && job->hedge && job->hedge->lease.fencing_token == lease.fencing_token;
        const bool is_valid = is_hedge || (job != nullptr && job->record.lease.fencing_token == lease.fencing_token);
        if (is_valid) continue;
        JobCancel cancel;
        cancel.job_id = lease.job_id;
        cancel.fencing_token = lease.fencing_token;
        parts_.switchboard->post(session, cancel);
    }
}

void JobDriver::on_session_gone(SessionId session, const services::LinkPeer& peer) {
    for (const auto& [job_id, job] : parts_.book->live()) {
        if (job->gateway == session) {
            job->gateway = kNoSession;
            job->gateway_gone_at = context_->now();
            job->wake.notify();
        }
        if (job->hedge && job->hedge->granted_on == session) {
            job->hedge->is_over = true;
            job->wake.notify();
        }
        if (peer.role == Role::kCompute && job->granted_on == session) {
            job->granted_on = kNoSession;
            job->node_gone_at = context_->now();
            job->wake.notify();
        }
    }
}

void JobDriver::wake_all() {
    for (const auto& [job_id, job] : parts_.book->live()) job->wake.notify();
    parts_.directory->wake_all();
}

Task<void> JobDriver::drive(LiveJob* job) {
    const bool is_new = job->record.state == JobState::kQueued;
    if (is_new) {
        const bool is_admitted = co_await admit(job);
        if (!is_admitted) co_return;
    }
    Ending ending = co_await run_job(job);
    co_await conclude(job, std::move(ending));
}

// Whether this is a job that nobody has heard of and that may run. Otherwise the gateway is told and the job is gone.
// A known job is looked up first: asked for again after its deadline, it has still been delivered.
Task<bool> JobDriver::admit(LiveJob* job) {
    const JobId job_id = job->record.job_id;
    Result<std::optional<Bytes>> stored = co_await context_->get(job_key(kJobPrefix, job_id));
    if (stored && *stored) {
        const SessionId gateway = job->gateway;
        JobOrder order = std::move(job->order);
        parts_.book->remove_live(job_id);
        Result<JobRecord> record = parse_job_record(**stored);
        CHECK(record.has_value());
        co_await answer_known(gateway, std::move(order), *std::move(record));
        co_return false;
    }
    Result<void> good = stored ? check_order(job->order) : Result<void>{std::move(stored).error()};
    if (good) co_return true;
    context_->metrics.orders_refused->increment();
    tell_failure(job->gateway, job_id, good.error());
    parts_.book->remove_live(job_id);
    co_return false;
}

// The job of this id ended before. Its output is still there until it settles.
Task<void> JobDriver::answer_known(SessionId gateway, JobOrder order, JobRecord record) {
    const bool is_same = record.client == order.client && record.request_hash == market::request_hash(order.request);
    if (!is_same) {
        tell_failure(gateway, order.job_id, make_error(Errc::kConflict, "this job id names another job"));
        co_return;
    }
    if (record.receipt == SignedReceipt{}) {
        tell_failure(gateway, order.job_id, make_error(record.error_code, record.error));
        co_return;
    }
    Result<std::optional<JobOutput>> output = co_await parts_.book->find_output(order.job_id);
    if (output && *output) {
        for (std::size_t index = 0; index < (*output)->pieces.size(); ++index) {
            TokenChunk chunk;
            chunk.job_id = order.job_id;
            chunk.fencing_token = record.lease.fencing_token;
            chunk.sequence = index;
            chunk.text = (*output)->pieces[index].text;
            chunk.tokens = (*output)->pieces[index].tokens;
            parts_.switchboard->post(gateway, std::move(chunk));
        }
    }
    JobDone done;
    done.receipt = record.receipt;
    done.reason = record.finish;
    parts_.switchboard->post(gateway, std::move(done));
}

Task<JobDriver::Ending> JobDriver::run_job(LiveJob* job) {
    const bool is_recovered = job->record.state != JobState::kQueued;
    Ending ending;
    ending.kind = Ending::Kind::kNextNode;
    if (is_recovered) {
        ending = co_await follow(job);
    } else {
        Result<void> funded = co_await obtain_funds(job);
        if (!funded) {
            ending.kind = Ending::Kind::kFailed;
            ending.error = std::move(funded).error();
        }
    }
    while (ending.kind == Ending::Kind::kNextNode) {
        Result<void> granted = co_await grant_lease(job);
        if (!granted) {
            // What the last node said explains more than that no other is left.
            const bool is_first = job->record.excluded.empty();
            if (is_first) ending.error = std::move(granted).error();
            ending.kind = context_->stopping ? Ending::Kind::kStopped : Ending::Kind::kFailed;
            break;
        }
        ending = co_await follow(job);
    }
    co_return ending;
}

Task<Result<void>> JobDriver::obtain_funds(LiveJob* job) {
    services::Backoff backoff{context_->runtime(), services::BackoffRange{}};
    const TimePoint deadline = context_->now() + until(job->order.deadline, context_->runtime()->unix_now());
    while (true) {
        SignedCap cap = job->order.cap;
        Result<CapId> admitted = co_await parts_.caps->admit(std::move(cap), job->order.deadline);
        if (admitted) {
            CO_TRY_OK(parts_.caps->reserve(*admitted, job->order.quote));
            job->record.cap_id = *admitted;
            job->has_funds = true;
            co_return Result<void>{};
        }
        const TimePoint again = context_->now() + backoff.next();
        const bool hopeless = !services::is_transient(admitted.error().code) || again >= deadline || context_->stopping;
        if (hopeless) co_return std::move(admitted).error();
        co_await job->wake.wait_until(again);
        if (job->cancelled_at) co_return make_error(Errc::kUnavailable, "cancelled before it was placed");
    }
}

// A node with one of its slots taken for the job. Calls that only want for a slot wait in line, others for a node that
// comes or comes back.
Task<Result<Picked>> JobDriver::find_node(LiveJob* job) {
    const Call call = parts_.router->make_call(job->order, job->record.excluded);
    const TimePoint job_deadline = context_->now() + until(job->order.deadline, context_->runtime()->unix_now());
    const TimePoint asked_at = context_->now();
    Waiter waiter{.call = &call, .wake = &job->wake, .picked = {}, .is_in_line = false, .since = asked_at};
    while (true) {
        const bool may_go_on = !context_->stopping && !job->cancelled_at;
        if (!may_go_on) {
            give_back(job, &waiter);
            co_return make_error(Errc::kUnavailable,
                                 context_->stopping ? "the scheduler is stopping" : "cancelled before it was placed");
        }
        if (waiter.picked) co_return *std::move(waiter.picked);
        if (!waiter.is_in_line) {
            if (std::optional<Picked> picked = parts_.router->take(call)) co_return *std::move(picked);
        }
        const placement::NotPlaced refused = parts_.router->why_none(call);
        const bool is_busy = refused.kind == placement::NotPlaced::Kind::kBusy;
        const TimePoint give_up = std::min(job_deadline, asked_at + patience_for(refused.kind));
        if (context_->now() >= give_up) {
            give_back(job, &waiter);
            if (is_busy) job->retry_after = parts_.router->retry_after(call);
            co_return make_error(is_busy ? Errc::kExhausted : Errc::kUnavailable, refused.reason.text);
        }
        if (!is_busy) {
            give_back(job, &waiter);
            co_await parts_.directory->wait_for_change(give_up);
            continue;
        }
        if (!waiter.is_in_line) {
            const std::optional<LineFull> full = parts_.router->join(&waiter);
            if (full) {
                job->retry_after = full->retry_after;
                co_return make_error(Errc::kExhausted, full->reason);
            }
        }
        if (!waiter.picked) {
            co_await job->wake.wait_until(give_up);
        }
    }
}

// Leaves the line, or the slot that it has led to.
void JobDriver::give_back(LiveJob* job, Waiter* waiter) {
    parts_.router->leave(waiter);
    if (!waiter->picked) return;
    parts_.router->on_failure(*waiter->picked);
    parts_.directory->release(waiter->picked->node, job->record.job_id);
    waiter->picked.reset();
}

// How long it makes sense to wait for a node. Right after a start nobody has connected yet.
Duration JobDriver::patience_for(placement::NotPlaced::Kind kind) const {
    const Duration since_start = context_->now() - started_at_;
    const Duration arriving = std::max(Duration{}, context_->options.restart_grace - since_start);
    switch (kind) {
        case placement::NotPlaced::Kind::kNoOffer:
        case placement::NotPlaced::Kind::kRuledOut: return arriving;
        case placement::NotPlaced::Kind::kAway: return std::max(arriving, context_->options.away_wait_max);
        case placement::NotPlaced::Kind::kBusy: return context_->options.placement_wait_max;
    }
    unreachable();
}

Task<Result<void>> JobDriver::grant_lease(LiveJob* job) {
    if (job->hedge && !job->hedge->is_over) {
        co_return co_await adopt_hedge(job);
    }
    if (job->hedge) {
        CO_TRY_OK(co_await drop_hedge(job));
    }
    CO_TRY(Picked chosen, co_await find_node(job));
    JobRecord& record = job->record;
    const bool is_first = record.lease == Lease{};
    const Address node_before = record.lease.node;
    const SessionId session = parts_.directory->session_of(chosen.node);
    job->granted_on = session;
    job->node_gone_at.reset();
    job->lease_lost = false;
    CO_TRY(const std::uint64_t token, co_await parts_.tokens->next());
    advance(&record, JobState::kLeased);
    record.lease.attempt = is_first ? 1 : record.lease.attempt + 1;
    record.lease.job_id = record.job_id;
    record.lease.fencing_token = token;
    record.lease.node = chosen.node;
    record.lease.expires_at = record.deadline;
    record.prices = chosen.offer.prices;
    record.monitor_key = chosen.monitor_key;
    record.model_root = chosen.offer.model_root;
    record.placement = std::move(chosen.reason);
    job->leased_at = context_->now();
    job->promised_ms = promise_of(chosen.choice.expected);
    job->picked = std::move(chosen);
    job->was_hedged = false;
    job->node_grace = context_->options.node_grace;
    job->first_token_after.reset();
    job->output = {};
    job->output_bytes = 0;
    job->output_tokens = 0;
    ports::StoreChange change;
    JobBook::put_new(&change, record, job->order);
    job->lease_written = false;
    CO_TRY_OK(co_await context_->commit(std::move(change)));
    job->lease_written = true;
    if (!is_first && node_before != record.lease.node) parts_.directory->release(node_before, record.job_id);
    LeaseGrant grant;
    grant.lease = record.lease;
    grant.client = record.client;
    grant.request = job->order.request;
    grant.quote = record.quote;
    grant.prices = record.prices;
    grant.trace_id = record.trace_id;
    context_->log.debug("lease_granted", {{"job", codec::to_hex(record.job_id)}, {"trace_id", record.trace_id}});
    // When the node has gone in the meantime, follow() sees it.
    if (!parts_.switchboard->post(session, std::move(grant)) && !job->node_gone_at) {
        job->node_gone_at = context_->now();
    }
    parts_.switchboard->post(job->gateway, placed_as(record));
    context_->metrics.leases_granted->increment();
    co_return Result<void>{};
}

Task<void> JobDriver::conclude(LiveJob* job, Ending ending) {
    const JobId job_id = job->record.job_id;
    const Address node = job->record.lease.node;
    switch (ending.kind) {
        case Ending::Kind::kDelivered: parts_.book->add_delivered(job->record); break;
        case Ending::Kind::kFailed:
        case Ending::Kind::kNextNode: {
            co_await fail(job, std::move(ending.error));
            break;
        }
        case Ending::Kind::kStopped: break;
    }
    const bool is_delivered = ending.kind == Ending::Kind::kDelivered;
    end_choice(job);
    end_hedge(job);
    parts_.book->remove_live(job_id);
    if (!node.is_zero()) parts_.directory->release(node, job_id);
    if (is_delivered) parts_.on_delivered(job_id);
}

// The router books the work of a call until its first token, and learns from how it ends.
void JobDriver::end_choice(LiveJob* job) {
    if (!job->picked) return;
    if (job->first_token_after) {
        parts_.router->on_end(*job->picked, context_->now() - job->leased_at);
    } else {
        parts_.router->on_failure(*job->picked);
    }
    job->picked.reset();
}

Task<void> JobDriver::fail(LiveJob* job, Error error) {
    JobRecord& record = job->record;
    const bool was_stored = record.lease != Lease{};
    if (job->has_funds) parts_.caps->release(record.cap_id, record.quote);
    advance(&record, JobState::kFailed);
    record.error_code = error.code;
    record.error = error.message;
    context_->metrics.jobs_failed->increment();
    context_->log.info("job_failed", {{"job", codec::to_hex(record.job_id)}, {"reason", error.message}});
    if (was_stored) {
        ports::StoreChange change;
        JobBook::put_terminal(&change, record);
        if (job->hedge) change.deletes.push_back(job_key(kHedgePrefix, record.job_id));
        Result<void> written = co_await context_->commit(std::move(change));
        // Not durable, so not announced: the job is live again after the restart.
        if (!written) co_return;
    }
    tell_failure(job->gateway, record.job_id, error, job->retry_after);
}

Task<Result<void>> JobDriver::recover() {
    started_at_ = context_->now();
    const TimePoint patience = context_->now() + kStorePatience;
    CO_TRY_OK(co_await forget_hedges(patience));
    CO_TRY(const std::vector<ports::StoreEntry> entries,
           co_await services::scan_all(context_->runtime(), context_->deps.store, std::string(kLivePrefix), patience));
    for (const ports::StoreEntry& entry : entries) {
        CO_TRY(const JobId job_id, codec::parse_fixed<JobId>(entry.key.substr(kLivePrefix.size())));
        CO_TRY(std::optional<JobRecord> record, co_await parts_.book->find_record(job_id));
        if (!record) co_return make_error(Errc::kCorrupt, "a live job has no record");
        if (record->state != JobState::kLeased && record->state != JobState::kStreaming) {
            const bool is_unbatched = record->state == JobState::kDelivered;
            if (is_unbatched) parts_.caps->restore_delivered(record->cap_id, record->receipt.receipt.amount);
            parts_.book->add_delivered(*std::move(record));
            if (is_unbatched) parts_.on_delivered(job_id);
            continue;
        }
        CO_TRY(std::optional<JobOrder> order, co_await parts_.book->find_order(job_id));
        if (!order) co_return make_error(Errc::kCorrupt, "a live job has no order");
        parts_.caps->restore_reserved(record->cap_id, record->quote);
        LiveJob* job = parts_.book->add_live(*std::move(order));
        job->record = *std::move(record);
        job->has_funds = true;
        job->admitted_at = context_->now();
        job->leased_at = context_->now();
        job->node_gone_at = context_->now();
        job->node_grace = context_->options.restart_grace;
        job->gateway_gone_at = context_->now();
        job->gateway_grace = context_->options.restart_grace;
        parts_.directory->occupy(job->record.lease.node, job_id);
        context_->tasks.spawn(drive(job));
    }
    co_return Result<void>{};
}

}  // namespace vcity::scheduler
