// SPDX-License-Identifier: Apache-2.0
#include "services/scheduler/settler.hpp"

#include <algorithm>

#include "base/check.hpp"
#include "codec/hex.hpp"
#include "market/batch.hpp"
#include "services/common/record.hpp"
#include "wire/wire.hpp"

namespace vcity::scheduler {
namespace {

bool is_payable(const JobRecord& record) {
    if (record.state != JobState::kDelivered) return false;
    switch (record.audit) {
        case AuditState::kNotDrawn:
        case AuditState::kAccepted:
        case AuditState::kWaived: return true;
        case AuditState::kPending:
        case AuditState::kRejected:
        case AuditState::kNotOpened:
        case AuditState::kUndecided: return false;
    }
    unreachable();
}

}  // namespace

Task<Result<void>> Settler::recover() {
    CO_TRY(const std::optional<Bytes> settled, co_await context_->get(std::string(kSettledKey)));
    if (settled) {
        services::RecordReader reader{*settled};
        settled_ = reader.integer();
        CO_TRY_OK(reader.finish("settled"));
    }
    // Every settled batch is in the store; what follows is few.
    batches_ = settled_;
    while (true) {
        CO_TRY(const std::optional<Bytes> stored, co_await context_->get(batch_key(kBatchPrefix, batches_)));
        if (!stored) break;
        ++batches_;
    }
    if (batches_ > 0) {
        CO_TRY(Batch last, co_await load_batch(batches_ - 1));
        earnings_ = std::move(last.earnings);
    }
    last_batch_at_ = context_->now();
    next_claim_at_ = context_->now();
    co_return Result<void>{};
}

Task<Result<Batch>> Settler::load_batch(std::uint64_t index) {
    CO_TRY(const std::optional<Bytes> stored, co_await context_->get(batch_key(kBatchPrefix, index)));
    if (!stored) co_return make_error(Errc::kNotFound, "no batch " + std::to_string(index));
    co_return wire::parse_batch(*stored);
}

Task<Result<Hash>> Settler::batch_transaction(std::uint64_t index) {
    CO_TRY(const std::optional<Bytes> stored, co_await context_->get(batch_key(kBatchTxPrefix, index)));
    co_return stored ? Hash::make(*stored) : Hash{};
}

void Settler::nudge() {
    if (++nudges_ < context_->options.batch_receipts_max) return;
    nudges_ = 0;
    nudged_.notify();
}

Task<void> Settler::run() {
    while (!context_->stopping) {
        co_await nudged_.wait_until(context_->now() + context_->options.settle_every);
        if (context_->stopping) break;
        Result<void> done = co_await settle();
        if (!done) context_->log.info("settlement_waits", {{"reason", done.error().message}});
    }
}

Task<Result<void>> Settler::settle() {
    CO_TRY(const std::uint64_t next, co_await context_->deps.chain_reader->next_batch_index(context_->self()));
    if (next > batches_) {
        // A process that was replaced in its sleep sees the batches of its successor: its store refuses it then.
        std::string key{kSettledKey};
        CO_TRY_OK(co_await context_->get(std::move(key)));
        context_->stop_because("the chain holds batches of this scheduler that its store does not know");
        co_return make_error(Errc::kCorrupt, "the store is older than the chain");
    }
    while (settled_ < next) {
        CO_TRY_OK(co_await confirm(settled_));
    }
    // After a reorganisation batches that were confirmed may be missing again; their jobs stay settled.
    for (std::uint64_t index = next; index < batches_; ++index) {
        CO_TRY_OK(co_await post(index));
    }
    CO_TRY(const bool made, co_await make_next_batch());
    if (made) {
        CO_TRY_OK(co_await post(batches_ - 1));
    }
    const bool claims = context_->options.claim_every > Duration{} && context_->now() >= next_claim_at_;
    if (claims) {
        CO_TRY_OK(co_await claim_for_nodes(next));
    }
    co_return Result<void>{};
}

// The batch is on chain: its jobs are settled.
Task<Result<void>> Settler::confirm(std::uint64_t index) {
    CO_TRY(const std::optional<PostedBatch> posted,
           co_await context_->deps.chain_reader->batch(context_->self(), index));
    if (!posted) co_return make_error(Errc::kConflict, "the batch has gone from the chain");
    CO_TRY(const Batch batch, co_await load_batch(index));
    const bool is_ours =
        posted->receipts_root == batch.header.receipts_root && posted->earnings_root == batch.header.earnings_root;
    if (!is_ours) {
        context_->stop_because("the chain holds another batch " + std::to_string(index) + " than the store");
        co_return make_error(Errc::kCorrupt, "roots differ");
    }
    ports::StoreChange change;
    for (const SignedReceipt& receipt : batch.receipts) {
        const JobRecord* record = parts_.book->find_delivered(receipt.receipt.job_id);
        CHECK(record != nullptr);
        JobRecord settled = *record;
        advance(&settled, JobState::kSettled);
        JobBook::put_terminal(&change, settled);
    }
    services::RecordWriter writer{index + 1};
    change.puts.push_back({std::string{kSettledKey}, writer.take()});
    CO_TRY_OK(co_await context_->commit(std::move(change)));
    settled_ = index + 1;
    for (const SignedReceipt& receipt : batch.receipts) parts_.book->remove_delivered(receipt.receipt.job_id);
    context_->metrics.batches_posted->increment();
    context_->metrics.receipts_settled->add(static_cast<double>(batch.receipts.size()));
    context_->log.info("batch_settled", {{"index", index}, {"receipts", batch.receipts.size()}});
    co_return Result<void>{};
}

Task<Result<void>> Settler::post(std::uint64_t index) {
    CO_TRY(Batch batch, co_await load_batch(index));
    BatchHeader header = batch.header;
    std::vector<Charge> charges = batch.charges;
    Result<Hash> posted = co_await context_->deps.chain_writer->post_batch(std::move(header), std::move(charges));
    if (!posted) {
        co_return co_await after_refusal(index, std::move(batch), std::move(posted).error());
    }
    ports::StoreChange change;
    change.puts.push_back({batch_key(kBatchTxPrefix, index), Bytes{posted->bytes.begin(), posted->bytes.end()}});
    CO_TRY_OK(co_await context_->commit(std::move(change)));
    if (index == settled_) {
        co_return co_await confirm(index);
    }
    co_return Result<void>{};
}

// A repeated post is refused because the first one went through; otherwise a reorganisation of the chain may have taken
// back the registration or a cap.
Task<Result<void>> Settler::after_refusal(std::uint64_t index, Batch batch, Error refusal) {
    if (refusal.code != Errc::kConflict) co_return refusal;
    CO_TRY(const std::uint64_t next, co_await context_->deps.chain_reader->next_batch_index(context_->self()));
    if (next > index) {
        if (index == settled_) {
            co_return co_await confirm(index);
        }
        co_return Result<void>{};
    }
    CO_TRY_OK(co_await context_->register_identity());
    for (const Charge& charge : batch.charges) {
        if (!parts_.caps->knows(charge.cap_id)) continue;
        CO_TRY_OK(co_await parts_.caps->reopen(charge.cap_id));
    }
    context_->log.warn("batch_refused", {{"index", index}, {"reason", refusal.message}});
    co_return refusal;
}

std::vector<JobRecord> Settler::pick_receipts() const {
    std::vector<JobRecord> picked;
    for (const auto& [job_id, record] : parts_.book->delivered()) {
        if (picked.size() >= context_->options.batch_receipts_max) break;
        if (is_payable(*record)) picked.push_back(*record);
    }
    return picked;
}

std::uint64_t Settler::units_available() const {
    const auto elapsed = std::chrono::duration_cast<std::chrono::seconds>(context_->now() - last_batch_at_).count();
    return parts_.directory->slots_connected() * context_->options.tokens_per_slot_second *
           static_cast<std::uint64_t>(elapsed);
}

Task<Result<bool>> Settler::make_next_batch() {
    std::vector<JobRecord> picked = pick_receipts();
    if (picked.empty()) co_return false;
    market::BatchInputs inputs;
    inputs.index = batches_;
    CO_TRY(inputs.fee_bps, co_await context_->deps.chain_reader->network_fee_bps());
    inputs.earnings_before = earnings_;
    inputs.units_available = units_available();
    for (const JobRecord& record : picked) inputs.receipts.emplace_back(record.receipt, record.cap_id);
    CO_TRY(Batch batch, market::make_batch(std::move(inputs)));
    ports::StoreChange change;
    change.puts.push_back({batch_key(kBatchPrefix, batches_), wire::encode(batch)});
    for (JobRecord& record : picked) {
        advance(&record, JobState::kBatched);
        record.batch_index = batches_;
        JobBook::put(&change, record);
    }
    for (const Charge& charge : batch.charges) {
        Bytes charged = parts_.caps->record_after_charge(charge.cap_id, charge.amount);
        change.puts.push_back({cap_key(charge.cap_id), std::move(charged)});
    }
    CO_TRY_OK(co_await context_->commit(std::move(change)));
    for (JobRecord& record : picked) {
        JobRecord* kept = parts_.book->find_delivered(record.job_id);
        CHECK(kept != nullptr && kept->state == JobState::kDelivered);
        *kept = std::move(record);
    }
    for (const Charge& charge : batch.charges) parts_.caps->charge(charge.cap_id, charge.amount);
    earnings_ = std::move(batch.earnings);
    last_batch_at_ = context_->now();
    ++batches_;
    co_return true;
}

Task<Result<void>> Settler::claim_for_nodes(std::uint64_t next) {
    ports::ChainReader* chain = context_->deps.chain_reader;
    const std::uint64_t posted_by_us = std::min(next, batches_);
    while (final_ < posted_by_us) {
        CO_TRY(const std::optional<PostedBatch> posted, co_await chain->batch(context_->self(), final_));
        if (!posted || !posted->is_final) break;
        ++final_;
    }
    next_claim_at_ = context_->now() + context_->options.claim_every;
    if (final_ == 0) co_return Result<void>{};
    const std::uint64_t index = final_ - 1;
    CO_TRY(const Batch batch, co_await load_batch(index));
    for (const Earning& earning : batch.earnings) {
        if (context_->stopping) break;
        CO_TRY(const Usd claimed, co_await chain->claimed(context_->self(), earning.node));
        if (claimed >= earning.cumulative) continue;
        std::vector<Hash> proof = market::earnings_proof(batch, earning.node);
        Result<Hash> done =
            co_await context_->deps.chain_writer->claim(context_->self(), index, earning, std::move(proof));
        if (done) {
            context_->metrics.claims->increment();
            context_->log.info("claimed", {{"node", codec::to_hex(earning.node)}, {"index", index}});
        } else {
            // Somebody claimed first, or part of it is void: the next round reads again.
            context_->log.info("claim_refused",
                               {{"node", codec::to_hex(earning.node)}, {"reason", done.error().message}});
        }
    }
    co_return Result<void>{};
}

}  // namespace vcity::scheduler
