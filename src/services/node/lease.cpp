// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "codec/hex.hpp"
#include "crypto/secp256k1.hpp"
#include "market/pricing.hpp"
#include "market/typed_hashes.hpp"
#include "services/node/agent.hpp"
#include "services/node/model_metrics.hpp"
#include "wire/wire.hpp"

namespace vcity::node {
namespace {

constexpr std::chrono::seconds kStorePatience{30};

// The wait that is left until a wall-clock instant.
Duration until(UnixMillis when, UnixMillis now) {
    return when > now ? Duration{std::chrono::milliseconds{(when - now).count()}} : Duration{};
}

}  // namespace

Result<void> NodeAgent::check_grant(const LeaseGrant& grant) const {
    if (stopping_) return make_error(Errc::kUnavailable, "the node is stopping");
    if (!takes_work()) return make_error(Errc::kUnavailable, "the node takes no work now");
    if (grant.lease.node != deps_.signer->address()) return make_error(Errc::kInvalid, "the lease names another node");
    const auto known = works_.find(grant.lease.job_id);
    if (known != works_.end()) {
        const bool is_stale = grant.lease.fencing_token <= known->second->lease.fencing_token;
        return make_error(Errc::kConflict, is_stale ? "stale fencing token" : "still busy with an older lease of it");
    }
    if (grant.request.model != model_->model) return make_error(Errc::kInvalid, "this node does not serve that model");
    if (!model_->tiers.has(tier_of(grant.request.verification))) {
        return make_error(Errc::kInvalid, "this node does not commit to its work as the request asks");
    }
    if (grant.request.verification == Verification::kTee && monitor_key_.hash.is_zero()) {
        return make_error(Errc::kInvalid, "this node has no monitor");
    }
    if (grant.prices.input < options_.prices.input || grant.prices.output < options_.prices.output) {
        return make_error(Errc::kInvalid, "the lease pays less than this node asks");
    }
    if (grant.lease.expires_at <= deps_.runtime->unix_now()) return make_error(Errc::kTimeout, "the lease has expired");
    if (active_leases() >= model_->slots) return make_error(Errc::kExhausted, "no free slot");
    if (works_.size() >= options_.unacknowledged_max + model_->slots) {
        return make_error(Errc::kExhausted, "too many results wait for their acknowledgement");
    }
    return {};
}

void NodeAgent::on_grant(LeaseGrant grant) {
    const JobId job_id = grant.lease.job_id;
    const auto known = works_.find(job_id);
    if (known != works_.end() && known->second->lease == grant.lease) return;  // the same grant again
    Result<void> good = check_grant(grant);
    if (!good) {
        LeaseRefused refused;
        refused.job_id = job_id;
        refused.fencing_token = grant.lease.fencing_token;
        refused.code = good.error().code;
        refused.reason = good.error().message;
        metrics_.leases_refused->increment();
        post(std::move(refused));
        return;
    }
    auto work = std::make_unique<Work>();
    work->lease = grant.lease;
    work->grant = std::move(grant);
    works_.emplace(job_id, std::move(work));
    metrics_.leases_accepted->increment();
    metrics_.leases_active->set(static_cast<double>(active_leases()));
    log_.debug("lease_accepted", {{"job", codec::to_hex(job_id)}, {"trace_id", works_.at(job_id)->grant->trace_id}});
    group_.spawn(run_lease(job_id));
}

Task<void> NodeAgent::run_lease(JobId job_id) {
    Work* work = works_.at(job_id).get();
    Result<void> done = co_await work_on(work);
    if (done) {
        drop_old_traces(job_id);
    } else {
        log_.warn("lease_failed", {{"job", codec::to_hex(job_id)}, {"reason", done.error().message}});
        metrics_.leases_failed->increment();
        NodeFailedJob failed;
        failed.job_id = job_id;
        failed.fencing_token = work->lease.fencing_token;
        failed.code = done.error().code;
        failed.reason = done.error().message;
        co_await forget_lease(job_id);
        works_.erase(job_id);
        deps_.inference->drop(job_id);
        post(std::move(failed));
    }
    metrics_.leases_active->set(static_cast<double>(active_leases()));
    changed_.notify();
}

Task<Result<void>> NodeAgent::work_on(Work* work) {
    LeaseRecord record;
    record.lease = work->lease;
    ports::StoreChange change;
    change.puts.push_back({lease_key(work->lease.job_id), encode(record)});
    const TimePoint deadline = deps_.runtime->now() + until(work->lease.expires_at, deps_.runtime->unix_now());
    CO_TRY_OK(co_await services::commit_until(deps_.runtime, deps_.store, std::move(change), deadline));
    CO_TRY(const WorkerDone done, co_await generate(work));
    if (done.reason == FinishReason::kCancelled && work->chunks.empty()) {
        co_return make_error(Errc::kUnavailable, "cancelled before the first token");
    }
    co_return co_await finish(work, done);
}

Task<Result<WorkerDone>> NodeAgent::generate(Work* work) {
    const TimePoint expiry = deps_.runtime->now() + until(work->lease.expires_at, deps_.runtime->unix_now());
    work->started_at = deps_.runtime->unix_now();
    WorkerGenerate order;
    order.job_id = work->lease.job_id;
    order.request = work->grant->request;
    order.epoch = epoch_of(work->started_at);
    work->monitor_key = monitor_key_;
    order.monitor_key = work->monitor_key.hash;
    if (work->cancelled) co_return make_error(Errc::kUnavailable, "cancelled before the first token");
    CO_TRY(const std::unique_ptr<ports::Generation> generation, co_await deps_.inference->generate(std::move(order)));
    work->generation = generation.get();
    if (work->cancelled || stopping_) generation->cancel();
    ModelMetrics metrics{deps_.metrics, work->grant->request.model};
    CallClock clock{&metrics, deps_.runtime->now()};
    metrics.set_running(active_leases());
    Result<WorkerDone> outcome = make_error(Errc::kInternal, "no outcome");
    while (true) {
        const TimePoint deadline = std::min(expiry, deps_.runtime->now() + options_.token_timeout);
        Result<ports::GenerationEvent> event = co_await generation->next(deadline);
        if (!event) {
            outcome = std::move(event).error();
            break;
        }
        if (const auto* done = std::get_if<WorkerDone>(&*event)) {
            outcome = *done;
            clock.on_end(done->usage, done->reason, deps_.runtime->now());
            break;
        }
        clock.on_token(deps_.runtime->now());
        Result<void> taken = take_token(work, std::get<WorkerToken>(*event));
        if (!taken) {
            outcome = std::move(taken).error();
            break;
        }
    }
    work->generation = nullptr;
    // This one is about to end.
    metrics.set_running(active_leases() - std::min<std::size_t>(1, active_leases()));
    co_return outcome;
}

Result<void> NodeAgent::take_token(Work* work, const WorkerToken& token) {
    if (work->text.size() + token.text.size() > options_.output_bytes_max) {
        return make_error(Errc::kExhausted, "the output is too long");
    }
    TokenChunk chunk;
    chunk.job_id = work->lease.job_id;
    chunk.fencing_token = work->lease.fencing_token;
    chunk.sequence = work->chunks.size();
    chunk.text = token.text;
    chunk.tokens = token.tokens;
    chunk.logprobs = token.logprobs;
    work->text += token.text;
    work->tokens += token.tokens;
    work->chunks.push_back(std::move(chunk));
    changed_.notify();
    return {};
}

Result<SignedReceipt> NodeAgent::make_receipt(const Work& work, const WorkerDone& done) const {
    const LeaseGrant& grant = *work.grant;
    // The trace commits to these numbers, so they cannot be trimmed; and the scheduler refuses more than it saw or
    // could expect. A normalisation that makes tokens out of nothing must not cost an honest node its name.
    if (done.usage.input > market::input_tokens_bound(grant.request)) {
        return make_error(Errc::kInvalid, "the prompt has more tokens than its length allows");
    }
    if (done.usage.output != work.tokens) return make_error(Errc::kInternal, "the worker lost count of its tokens");
    SignedReceipt receipt;
    UsageReceipt& bill = receipt.receipt;
    bill.job_id = work.lease.job_id;
    bill.client = grant.client;
    bill.node = deps_.signer->address();
    bill.scheduler = *scheduler_;
    bill.fencing_token = work.lease.fencing_token;
    bill.units = done.usage;
    TRY(bill.amount, market::charge_of(bill.units, grant.prices, grant.quote));
    bill.quote = grant.quote;
    bill.model_root = model_->weights_root;
    bill.request_hash = market::request_hash(grant.request);
    bill.response_hash = market::response_hash(work.text);
    bill.verification_root = done.verification_root;
    bill.started_at = work.started_at;
    bill.finished_at = std::max(work.started_at, deps_.runtime->unix_now());
    TRY(receipt.node_signature, deps_.signer->sign(market::receipt_digest(deps_.deployment, bill)));
    return receipt;
}

Task<Result<void>> NodeAgent::finish(Work* work, WorkerDone done) {
    LeaseRecord record;
    record.lease = work->lease;
    record.is_finished = true;
    CO_TRY(record.finished.receipt, make_receipt(*work, done));
    // Before anybody else knows the root, so that nobody can have drawn a place of it.
    co_await seal_root(work->monitor_key, record.finished.receipt, work->grant->request.client_nonce);
    record.finished.reason = done.reason;
    record.chunks = work->chunks;
    ports::StoreChange change;
    change.puts.push_back({lease_key(work->lease.job_id), encode(record)});
    const TimePoint deadline = deps_.runtime->now() + kStorePatience;
    CO_TRY_OK(co_await services::commit_until(deps_.runtime, deps_.store, std::move(change), deadline));
    metrics_.tokens_delivered->add(static_cast<double>(record.finished.receipt.receipt.units.output));
    work->finished = std::move(record.finished);
    note_done();
    co_return Result<void>{};
}

void NodeAgent::on_cancel(const JobCancel& cancel) {
    const auto found = works_.find(cancel.job_id);
    if (found == works_.end()) return;
    Work* work = found->second.get();
    if (work->finished || work->lease.fencing_token != cancel.fencing_token) return;
    work->cancelled = true;
    if (work->generation != nullptr) work->generation->cancel();
}

Task<Result<void>> NodeAgent::keep_receipt(SignedReceipt receipt) {
    const JobId job_id = receipt.receipt.job_id;
    const Hash digest = market::receipt_digest(deps_.deployment, receipt.receipt);
    CO_TRY(const Address signer, crypto::recover(digest, receipt.scheduler_signature));
    if (signer != receipt.receipt.scheduler) co_return make_error(Errc::kDenied, "countersigned by somebody else");
    ports::StoreChange change;
    change.puts.push_back({receipt_key(job_id), wire::encode(receipt)});
    change.deletes.push_back(lease_key(job_id));
    const TimePoint deadline = deps_.runtime->now() + kStorePatience;
    co_return co_await services::commit_until(deps_.runtime, deps_.store, std::move(change), deadline);
}

Task<void> NodeAgent::on_ack(ReceiptAck ack) {
    const JobId job_id = ack.receipt.receipt.job_id;
    const auto found = works_.find(job_id);
    if (found == works_.end() || !found->second->finished) co_return;
    if (market::receipt_hash(found->second->finished->receipt.receipt) != ack.receipt_hash) co_return;
    if (ack.accepted) {
        SignedReceipt receipt = found->second->finished->receipt;
        receipt.scheduler_signature = ack.receipt.scheduler_signature;
        Result<void> kept = co_await keep_receipt(std::move(receipt));
        if (!kept) {
            // It is sent again, and acknowledged again.
            log_.warn("receipt_not_kept", {{"job", codec::to_hex(job_id)}, {"reason", kept.error().message}});
            co_return;
        }
        metrics_.receipts_acknowledged->increment();
    } else {
        log_.warn("receipt_refused", {{"job", codec::to_hex(job_id)}, {"reason", ack.reason}});
        metrics_.receipts_refused->increment();
        co_await forget_lease(job_id);
    }
    works_.erase(job_id);
}

Task<void> NodeAgent::forget_lease(JobId job_id) {
    ports::StoreChange change;
    change.deletes.push_back(lease_key(job_id));
    const TimePoint deadline = deps_.runtime->now() + kStorePatience;
    Result<void> gone = co_await services::commit_until(deps_.runtime, deps_.store, std::move(change), deadline);
    // What stays in the store is reported once more after the next start; the scheduler ignores it.
    if (!gone) log_.warn("lease_not_forgotten", {{"job", codec::to_hex(job_id)}, {"reason", gone.error().message}});
}

void NodeAgent::drop_old_traces(const JobId& newest) {
    traces_.push_back(newest);
    while (traces_.size() > options_.traces_max) {
        deps_.inference->drop(traces_.front());
        traces_.pop_front();
    }
}

}  // namespace vcity::node
