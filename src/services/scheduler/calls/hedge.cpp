// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "services/scheduler/job_driver.hpp"
#include "wire/wire.hpp"

// Of JobDriver: the second lease of a call whose first node is late to begin. Both leases have their own token, both
// are in the store before they are announced, and the job's record names the first. The first token, from whichever
// node, decides: the other lease is taken back, and what its node has done is neither charged nor paid. A restart
// forgets second leases; their nodes are told to stop when they come back.
namespace vcity::scheduler {

std::uint64_t JobDriver::token_of(const Message& message) {
    if (const auto* chunk = std::get_if<TokenChunk>(&message)) return chunk->fencing_token;
    if (const auto* finished = std::get_if<JobFinished>(&message)) return finished->fencing_token;
    if (const auto* failed = std::get_if<NodeFailedJob>(&message)) return failed->fencing_token;
    if (const auto* refused = std::get_if<LeaseRefused>(&message)) return refused->fencing_token;
    return 0;
}

// A node must not speak under the token of the other one.
bool JobDriver::is_from_holder(const LiveJob& job, const Address& node, const Message& message) const {
    if (job.hedge && token_of(message) == job.hedge->lease.fencing_token) return node == job.hedge->lease.node;
    return node == job.record.lease.node;
}

std::optional<TimePoint> JobDriver::hedge_due(const LiveJob& job) const {
    const ChoiceOptions& options = context_->options.choice;
    const bool may_have = job.order.may_hedge && options.hedges_per_mille > 0 && !job.was_hedged && !job.cancelled_at;
    if (!may_have || job.record.state != JobState::kLeased || !job.picked) return std::nullopt;
    constexpr routing::Nanos kWaitMax = 3'600'000'000'000;
    const Duration late{static_cast<Duration::rep>(std::min(job.picked->choice.hedge_after, kWaitMax))};
    return job.leased_at + std::max(options.hedge_min, late);
}

bool JobDriver::hedge_wants_care(const LiveJob& job) const {
    if (job.hedge) return job.hedge->is_over;
    const std::optional<TimePoint> due = hedge_due(job);
    return due && context_->now() >= *due;
}

Task<Result<void>> JobDriver::tend_hedge(LiveJob* job) {
    if (job->hedge) {
        co_return co_await drop_hedge(job);
    }
    co_return co_await start_hedge(job);
}

Task<Result<void>> JobDriver::start_hedge(LiveJob* job) {
    constexpr std::size_t kThousand = 1'000;
    job->was_hedged = true;  // or tried to
    const std::size_t most = parts_.book->live().size() * context_->options.choice.hedges_per_mille / kThousand;
    if (hedges_ > most) co_return Result<void>{};
    std::vector<Address> excluded = job->record.excluded;
    excluded.push_back(job->record.lease.node);
    const Call call = parts_.router->make_call(job->order, std::move(excluded));
    std::optional<Picked> picked = parts_.router->take(call);
    if (!picked) co_return Result<void>{};
    ++hedges_;
    LiveJob::Hedge hedge;
    hedge.granted_on = parts_.directory->session_of(picked->node);
    hedge.leased_at = context_->now();
    hedge.lease = job->record.lease;
    hedge.lease.node = picked->node;
    ++hedge.lease.attempt;
    hedge.picked = *std::move(picked);
    hedge.is_over = false;
    job->hedge = std::move(hedge);
    job->hedge->lease.fencing_token = 0;  // nobody has it yet
    CO_TRY(const std::uint64_t token, co_await parts_.tokens->next());
    job->hedge->lease.fencing_token = token;
    // What claims to be under the new token already was guessed.
    std::erase_if(job->inbox, [&](const Message& message) {
        const bool is_guess = token_of(message) == job->hedge->lease.fencing_token;
        const auto* chunk = std::get_if<TokenChunk>(&message);
        if (is_guess && chunk != nullptr) job->inbox_bytes -= chunk->text.size();
        return is_guess;
    });
    ports::StoreChange change;
    change.puts.push_back({job_key(kHedgePrefix, job->record.job_id), wire::encode(job->hedge->lease)});
    CO_TRY_OK(co_await context_->commit(std::move(change)));
    LeaseGrant grant;
    grant.lease = job->hedge->lease;
    grant.client = job->record.client;
    grant.request = job->order.request;
    grant.quote = job->record.quote;
    grant.prices = job->hedge->picked.offer.prices;
    grant.trace_id = job->record.trace_id;
    if (!parts_.switchboard->post(job->hedge->granted_on, std::move(grant))) job->hedge->is_over = true;
    context_->metrics.hedges->increment();
    co_return Result<void>{};
}

// The second lease becomes the job's; the first node is told to stop.
Task<Result<void>> JobDriver::adopt_hedge(LiveJob* job) {
    JobRecord next = job->record;
    advance(&next, JobState::kLeased);
    next.lease = job->hedge->lease;
    next.prices = job->hedge->picked.offer.prices;
    next.monitor_key = job->hedge->picked.monitor_key;
    next.model_root = job->hedge->picked.offer.model_root;
    next.placement = job->hedge->picked.reason;
    ports::StoreChange change;
    JobBook::put(&change, next);
    change.deletes.push_back(job_key(kHedgePrefix, next.job_id));
    CO_TRY_OK(co_await context_->commit(std::move(change)));
    const Address loser = job->record.lease.node;
    cancel_at_node(*job);
    // So late it was at least.
    if (job->picked) parts_.router->on_first_token(*job->picked, context_->now() - job->leased_at);
    if (job->picked) parts_.router->on_end(*job->picked, context_->now() - job->leased_at);
    job->record = std::move(next);
    LiveJob::Hedge hedge = *std::move(job->hedge);
    job->hedge.reset();
    --hedges_;
    job->granted_on = hedge.granted_on;
    job->node_gone_at.reset();
    if (hedge.is_over) job->node_gone_at = context_->now();
    job->lease_lost = false;
    job->leased_at = hedge.leased_at;
    job->node_grace = context_->options.node_grace;
    job->promised_ms = 0;
    job->first_token_after.reset();
    job->picked = std::move(hedge.picked);
    job->output = {};
    job->output_bytes = 0;
    job->output_tokens = 0;
    parts_.directory->release(loser, job->record.job_id);
    JobPlaced told;
    told.job_id = job->record.job_id;
    told.lease = job->record.lease;
    told.prices = job->record.prices;
    told.reason = job->record.placement;
    parts_.switchboard->post(job->gateway, std::move(told));
    co_return Result<void>{};
}

Task<Result<void>> JobDriver::drop_hedge(LiveJob* job) {
    ports::StoreChange change;
    change.deletes.push_back(job_key(kHedgePrefix, job->record.job_id));
    CO_TRY_OK(co_await context_->commit(std::move(change)));
    end_hedge(job);
    co_return Result<void>{};
}

// It is in the store no more, or the scheduler stops.
void JobDriver::end_hedge(LiveJob* job) {
    if (!job->hedge) return;
    const LiveJob::Hedge& hedge = *job->hedge;
    JobCancel cancel;
    cancel.job_id = job->record.job_id;
    cancel.fencing_token = hedge.lease.fencing_token;
    parts_.switchboard->post(parts_.directory->session_of(hedge.lease.node), cancel);
    parts_.router->on_failure(hedge.picked);
    const Address node = hedge.lease.node;
    job->hedge.reset();
    --hedges_;
    parts_.directory->release(node, job->record.job_id);
}

void JobDriver::hedge_failed(LiveJob* job, Errc code) {
    const Address& node = job->hedge->lease.node;
    if (fault_of(code) == Fault::kNode) {
        parts_.directory->note_delivery(node, {.client = job->record.client, .paid = job->record.quote});
    }
    parts_.directory->note_failure(node);
    job->record.excluded.push_back(node);
    job->hedge->is_over = true;
    job->wake.notify();
}

Task<Result<void>> JobDriver::forget_hedges(TimePoint patience) {
    CO_TRY(const std::vector<ports::StoreEntry> entries,
           co_await services::scan_all(context_->runtime(), context_->deps.store, std::string(kHedgePrefix), patience));
    if (entries.empty()) co_return Result<void>{};
    ports::StoreChange change;
    for (const ports::StoreEntry& entry : entries) change.deletes.push_back(entry.key);
    co_return co_await context_->commit(std::move(change));
}

}  // namespace vcity::scheduler
