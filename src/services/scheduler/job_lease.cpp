// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "codec/hex.hpp"
#include "market/batch.hpp"
#include "market/pricing.hpp"
#include "market/typed_hashes.hpp"
#include "services/scheduler/job_driver.hpp"

namespace vcity::scheduler {
namespace {

constexpr UnixMillis kClockSkewMax{120'000};

Duration until(UnixMillis when, UnixMillis now) {
    return when > now ? Duration{std::chrono::milliseconds{(when - now).count()}} : Duration{};
}

}  // namespace

Task<JobDriver::Ending> JobDriver::follow(LiveJob* job) {
    while (true) {
        if (!job->inbox.empty()) {
            Message message = std::move(job->inbox.front());
            job->inbox.pop_front();
            if (const auto* chunk = std::get_if<TokenChunk>(&message)) job->inbox_bytes -= chunk->text.size();
            MaybeEnding ending = co_await handle(job, std::move(message));
            if (ending) co_return *std::move(ending);
            continue;
        }
        if (MaybeEnding ending = check_clock(job)) co_return *std::move(ending);
        if (hedge_wants_care(*job)) {
            Result<void> tended = co_await tend_hedge(job);
            if (!tended) co_return Ending{Ending::Kind::kStopped, std::move(tended).error()};
            continue;  // much may have happened in the meantime
        }
        co_await job->wake.wait_until(next_deadline(*job));
    }
}

JobDriver::MaybeEnding JobDriver::check_clock(LiveJob* job) {
    const TimePoint now = context_->now();
    if (context_->stopping) return Ending{Ending::Kind::kStopped, make_error(Errc::kUnavailable, "stopping")};
    if (context_->runtime()->unix_now() >= job->order.deadline) {
        cancel_at_node(*job);
        return Ending{Ending::Kind::kFailed, make_error(Errc::kTimeout, "the deadline passed before the job ended")};
    }
    if (job->gateway_gone_at && now - *job->gateway_gone_at >= job->gateway_grace) {
        cancel_at_node(*job);
        return Ending{Ending::Kind::kFailed, make_error(Errc::kUnavailable, "the gateway has gone")};
    }
    if (job->cancelled_at && now - *job->cancelled_at >= context_->options.cancel_grace) {
        return Ending{Ending::Kind::kFailed, make_error(Errc::kUnavailable, "cancelled")};
    }
    return check_node(job);
}

JobDriver::MaybeEnding JobDriver::check_node(LiveJob* job) {
    const TimePoint now = context_->now();
    if (job->lease_lost) return node_failed(job, make_error(Errc::kUnavailable, "the node lost the job"));
    if (job->node_gone_at && now - *job->node_gone_at >= job->node_grace) {
        return node_failed(job, make_error(Errc::kUnavailable, "the node is not connected"));
    }
    const bool is_waiting = job->record.state == JobState::kLeased;
    if (is_waiting && now - job->leased_at >= context_->options.first_token_timeout) {
        cancel_at_node(*job);
        return node_failed(job, make_error(Errc::kTimeout, "the node did not begin in time"));
    }
    return std::nullopt;
}

TimePoint JobDriver::next_deadline(const LiveJob& job) const {
    const SchedulerOptions& options = context_->options;
    TimePoint next = context_->now() + until(job.order.deadline, context_->runtime()->unix_now());
    if (job.gateway_gone_at) next = std::min(next, *job.gateway_gone_at + job.gateway_grace);
    if (job.cancelled_at) next = std::min(next, *job.cancelled_at + options.cancel_grace);
    if (job.node_gone_at) next = std::min(next, *job.node_gone_at + job.node_grace);
    if (job.record.state == JobState::kLeased) next = std::min(next, job.leased_at + options.first_token_timeout);
    if (const std::optional<TimePoint> due = hedge_due(job)) next = std::min(next, *due);
    return next;
}

// What a failing node means for the job depends on whether the client has seen a token.
JobDriver::Ending JobDriver::node_failed(LiveJob* job, Error error, Fault fault) {
    if (!job->cancelled_at) {
        if (fault == Fault::kNode) note_outcome(*job, false, job->record.quote);
        end_choice(job);
        parts_.directory->note_failure(job->record.lease.node);
        job->record.excluded.push_back(job->record.lease.node);
    }
    context_->log.info("lease_ended", {{"job", codec::to_hex(job->record.job_id)}, {"reason", error.message}});
    const bool may_retry = job->record.state == JobState::kLeased && !job->cancelled_at &&
                           job->record.lease.attempt < context_->options.attempts_max;
    if (may_retry) context_->metrics.retries->increment();
    return Ending{may_retry ? Ending::Kind::kNextNode : Ending::Kind::kFailed, std::move(error)};
}

void JobDriver::note_outcome(const LiveJob& job, bool went_well, Usd paid) {
    market::Delivery delivery{.client = job.record.client, .went_well = went_well, .paid = paid};
    if (job.first_token_after) {
        const auto measured = std::chrono::duration_cast<std::chrono::milliseconds>(*job.first_token_after);
        delivery.measured_ms = static_cast<std::uint64_t>(measured.count());
        delivery.promised_ms = job.promised_ms;
    }
    parts_.directory->note_delivery(job.record.lease.node, delivery);
}

void JobDriver::cancel_at_node(const LiveJob& job) {
    JobCancel cancel;
    cancel.job_id = job.record.job_id;
    cancel.fencing_token = job.record.lease.fencing_token;
    parts_.switchboard->post(parts_.directory->session_of(job.record.lease.node), cancel);
}

// A request that no node can do, such as a prompt that is too long, says nothing about the one that was asked: anybody
// could spoil its record with requests that cost nothing.
JobDriver::Fault JobDriver::fault_of(Errc code) {
    return code == Errc::kInvalid ? Fault::kNobody : Fault::kNode;
}

Task<JobDriver::MaybeEnding> JobDriver::handle(LiveJob* job, Message message) {
    const bool is_hedge = job->hedge && !job->hedge->is_over && token_of(message) == job->hedge->lease.fencing_token;
    if (is_hedge) {
        const auto* failed = std::get_if<NodeFailedJob>(&message);
        const auto* refused = std::get_if<LeaseRefused>(&message);
        if (failed != nullptr || refused != nullptr) {
            hedge_failed(job, failed != nullptr ? failed->code : refused->code);
            co_return std::nullopt;
        }
        Result<void> adopted = co_await adopt_hedge(job);
        if (!adopted) co_return Ending{Ending::Kind::kStopped, std::move(adopted).error()};
        context_->metrics.hedges_won->increment();
    }
    const std::uint64_t token = job->record.lease.fencing_token;
    if (auto* chunk = std::get_if<TokenChunk>(&message)) {
        if (chunk->fencing_token == token) {
            co_return co_await take_chunk(job, std::move(*chunk));
        }
    } else if (auto* finished = std::get_if<JobFinished>(&message)) {
        co_return co_await take_receipt(job, std::move(*finished));
    } else if (auto* failed = std::get_if<NodeFailedJob>(&message)) {
        if (failed->fencing_token == token) {
            co_return node_failed(job, make_error(failed->code, "the node failed: " + failed->reason),
                                  fault_of(failed->code));
        }
    } else if (auto* refused = std::get_if<LeaseRefused>(&message)) {
        if (refused->fencing_token == token) {
            co_return node_failed(job, make_error(refused->code, "the node refused: " + refused->reason),
                                  fault_of(refused->code));
        }
    }
    context_->metrics.stale_messages->increment();
    co_return std::nullopt;
}

Task<JobDriver::MaybeEnding> JobDriver::take_chunk(LiveJob* job, TokenChunk chunk) {
    if (chunk.sequence < job->output.pieces.size()) co_return std::nullopt;  // sent again after a reconnect
    if (chunk.sequence > job->output.pieces.size()) {
        co_return node_failed(job, make_error(Errc::kCorrupt, "the node left out a part of the output"));
    }
    job->output_bytes += chunk.text.size();
    job->output_tokens += chunk.tokens;
    const bool is_too_much = job->output_bytes > context_->options.output_bytes_max ||
                             job->output_tokens > job->order.request.output_tokens_max;
    if (is_too_much) {
        cancel_at_node(*job);
        co_return node_failed(job, make_error(Errc::kCorrupt, "the node sent more than was asked for"));
    }
    JobOutput::Piece piece;
    piece.text = chunk.text;
    piece.tokens = chunk.tokens;
    job->output.pieces.push_back(std::move(piece));
    if (job->record.state == JobState::kLeased) {
        // From here on no other node may take the job, not even after a crash.
        JobRecord streaming = job->record;
        advance(&streaming, JobState::kStreaming);
        ports::StoreChange change;
        JobBook::put(&change, streaming);
        if (job->hedge) change.deletes.push_back(job_key(kHedgePrefix, streaming.job_id));
        Result<void> written = co_await context_->commit(std::move(change));
        if (!written) co_return Ending{Ending::Kind::kStopped, std::move(written).error()};
        job->record = std::move(streaming);
        end_hedge(job);
        job->node_grace = std::max(job->node_grace, context_->options.node_grace_streaming);
        job->first_token_after = context_->now() - job->leased_at;
        if (job->picked) parts_.router->on_first_token(*job->picked, *job->first_token_after);
        const Duration waited = context_->now() - job->admitted_at;
        context_->metrics.seconds_to_first_token->observe(std::chrono::duration<double>(waited).count());
    }
    parts_.switchboard->post(job->gateway, std::move(chunk));
    co_return std::nullopt;
}

Result<void> JobDriver::check_receipt(const LiveJob& job, const SignedReceipt& receipt) const {
    const UsageReceipt& bill = receipt.receipt;
    const JobRecord& record = job.record;
    const bool names_match = bill.client == record.client && bill.node == record.lease.node &&
                             bill.scheduler == context_->self() && bill.model_root == record.model_root &&
                             bill.request_hash == record.request_hash;
    if (!names_match) return make_error(Errc::kInvalid, "the receipt names other parties, model or request");
    if (bill.units.input > market::input_tokens_bound(job.order.request)) {
        return make_error(Errc::kInvalid, "more input than the prompt can have");
    }
    if (bill.units.output > job.output_tokens) return make_error(Errc::kInvalid, "more output than was delivered");
    if (bill.response_hash != market::response_hash(job.output.text())) {
        return make_error(Errc::kInvalid, "the response hash is not that of what was delivered");
    }
    TRY(const Usd amount, market::charge_of(bill.units, record.prices, record.quote));
    if (bill.amount != amount || bill.quote != record.quote) return make_error(Errc::kInvalid, "wrong amount or quote");
    if (bill.started_at > bill.finished_at) return make_error(Errc::kInvalid, "it ends before it starts");
    // The beacon of an audit is the first block after the end: a node must not put that off.
    if (bill.finished_at > context_->runtime()->unix_now() + kClockSkewMax) {
        return make_error(Errc::kInvalid, "it ends in the future");
    }
    return market::check_node_signature(context_->deps.deployment, receipt);
}

Task<JobDriver::MaybeEnding> JobDriver::take_receipt(LiveJob* job, JobFinished finished) {
    // It may still come from the node of an earlier lease.
    if (finished.fencing_token != job->record.lease.fencing_token) {
        context_->metrics.stale_messages->increment();
        refuse(finished, "stale fencing token");
        co_return std::nullopt;
    }
    FinishedWork work = restore(*job, finished);
    Result<void> good = make_error(Errc::kInvalid, "the receipt names other parties, model or request");
    if (market::receipt_hash(work.receipt.receipt) == finished.receipt_hash) good = check_receipt(*job, work.receipt);
    if (!good) {
        context_->metrics.receipts_refused->increment();
        refuse(finished, good.error().message);
        co_return node_failed(job, std::move(good).error());
    }
    Result<void> delivered = co_await deliver(job, std::move(work));
    Ending ending;
    ending.kind = delivered ? Ending::Kind::kDelivered : Ending::Kind::kStopped;
    if (!delivered) ending.error = std::move(delivered).error();
    co_return ending;
}

Task<Result<void>> JobDriver::deliver(LiveJob* job, FinishedWork finished) {
    SignedReceipt receipt = std::move(finished.receipt);
    const Hash digest = market::receipt_digest(context_->deps.deployment, receipt.receipt);
    CO_TRY(receipt.scheduler_signature, context_->deps.signer->sign(digest));
    JobRecord& record = job->record;
    JobRecord delivered = record;
    advance(&delivered, JobState::kDelivered);
    delivered.receipt = receipt;
    delivered.finish = finished.reason;
    delivered.audit = draw_audit(*job) ? AuditState::kPending : AuditState::kNotDrawn;
    ports::StoreChange change;
    JobBook::put(&change, delivered);
    change.puts.push_back({job_key(kOutputPrefix, record.job_id), encode(job->output)});
    if (job->hedge) change.deletes.push_back(job_key(kHedgePrefix, record.job_id));
    CO_TRY_OK(co_await context_->commit(std::move(change)));
    record = std::move(delivered);
    parts_.caps->consume(record.cap_id, record.quote, receipt.receipt.amount);
    parts_.directory->note_success(record.lease.node);
    note_outcome(*job, true, receipt.receipt.amount);
    context_->metrics.jobs_delivered->increment();
    acknowledge(record.lease.node, receipt);
    JobDone done;
    done.receipt = std::move(receipt);
    done.reason = finished.reason;
    parts_.switchboard->post(job->gateway, std::move(done));
    co_return Result<void>{};
}

bool JobDriver::draw_audit(const LiveJob& job) {
    constexpr std::uint64_t kWhole = 1000;
    const AuditRates& rates = context_->options.audit;
    const Address& node = job.record.lease.node;
    const Verification verification = job.order.request.verification;
    KnownNode* known = parts_.directory->find(node);
    const bool is_due = known == nullptr || context_->now() >= known->audited_until;
    const bool is_ordered = verification == Verification::kFull || verification == Verification::kTee;
    const bool is_trial = job.picked && job.picked->is_trial;
    const bool must = is_due || is_ordered || is_trial || known->probation.audits_all();
    const std::uint64_t lottery = parts_.directory->audit_per_mille(node, rates);
    const bool drawn = must || context_->runtime()->random_u64() % kWhole < lottery;
    if (drawn && known != nullptr) {
        // The node cannot tell when in the epoch the next one is due in any case.
        const std::uint32_t due = market::audit_due_per_mille(context_->runtime()->random_u64());
        known->audited_until = context_->now() + rates.epoch / kWhole * due;
    }
    return drawn;
}

void JobDriver::acknowledge(const Address& node, const SignedReceipt& receipt) {
    ReceiptAck ack;
    ack.receipt_hash = market::receipt_hash(receipt.receipt);
    ack.accepted = true;
    ack.receipt = receipt;
    parts_.switchboard->post(parts_.directory->session_of(node), std::move(ack));
}

void JobDriver::refuse(const JobFinished& finished, std::string reason) {
    ReceiptAck ack;
    ack.receipt_hash = finished.receipt_hash;
    ack.receipt.receipt.job_id = finished.job_id;
    ack.reason = std::move(reason);
    parts_.switchboard->post(parts_.directory->session_of(finished.node), std::move(ack));
}

// With what we granted; a node that was granted something else has signed another receipt.
FinishedWork JobDriver::restore(const LiveJob& job, const JobFinished& finished) const {
    FinishedWork work;
    UsageReceipt& bill = work.receipt.receipt;
    bill.job_id = finished.job_id;
    bill.client = job.record.client;
    bill.node = finished.node;
    bill.scheduler = context_->self();
    bill.fencing_token = finished.fencing_token;
    bill.units = finished.units;
    bill.amount = finished.amount;
    bill.quote = job.record.quote;
    bill.model_root = job.record.model_root;
    bill.request_hash = job.record.request_hash;
    bill.response_hash = finished.response_hash;
    bill.verification_root = finished.verification_root;
    bill.started_at = finished.started_at;
    bill.finished_at = finished.finished_at;
    work.receipt.node_signature = finished.node_signature;
    work.reason = finished.reason;
    return work;
}

Task<void> JobDriver::answer_stray(Address node, JobFinished finished) {
    const JobId job_id = finished.job_id;
    finished.node = node;
    Result<std::optional<JobRecord>> found = co_await parts_.book->find_record(job_id);
    --strays_;
    if (!found) co_return;  // it is sent again
    // The job may have come to life, or to its delivery, during the wait.
    const LiveJob* live = parts_.book->find_live(job_id);
    if (live != nullptr && live->record.lease.node == node) co_return;
    const std::optional<JobRecord>& record = *found;
    const bool is_known = record && record->receipt != SignedReceipt{} &&
                          market::receipt_hash(record->receipt.receipt) == finished.receipt_hash;
    if (is_known) {
        acknowledge(node, record->receipt);
    } else {
        context_->metrics.stale_messages->increment();
        refuse(finished, "no lease of this node waits for this result");
    }
}

}  // namespace vcity::scheduler
