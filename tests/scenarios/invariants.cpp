// SPDX-License-Identifier: Apache-2.0
#include "scenarios/invariants.hpp"

#include <algorithm>
#include <functional>

#include "codec/hex.hpp"
#include "market/batch.hpp"
#include "market/typed_hashes.hpp"
#include "scenarios/host_machine.hpp"
#include "services/node/lease_record.hpp"

namespace vcity::scenarios {
namespace {

using scheduler::AuditState;
using scheduler::JobRecord;

bool is_leased(const JobRecord& record) {
    return record.state == JobState::kLeased || record.state == JobState::kStreaming;
}

bool has_node_leases(const sim::FakeDisk& disk) {
    const std::string prefix{node::kLeasePrefix};
    const auto first = disk.entries().lower_bound(prefix);
    return first != disk.entries().end() && first->first.starts_with(prefix);
}

}  // namespace

Invariants::Invariants(Cluster* cluster) : cluster_{cluster}, disk_{cluster->shard_disk()}, tap_{cluster, &disk_} {
    cluster_->world.network.set_tap([this](const std::string& from, const std::string& to, const Message& message) {
        tap_.on_message(from, to, message);
    });
    if (!cluster_->database) return;
    cluster_->database->set_observer(
        [this](const std::string& client, const ports::StoreChange& change) { check_fence(client, change); });
}

// Only the process that the epoch record names changes anything but that record.
void Invariants::check_fence(const std::string& client, const ports::StoreChange& change) {
    const auto is_of_shard = [](const std::string& key) { return key.starts_with(scheduler::kShardPrefix); };
    const bool is_own = std::ranges::all_of(change.puts, is_of_shard, &ports::StoreEntry::key) &&
                        std::ranges::all_of(change.deletes, is_of_shard);
    const auto stored = cluster_->shard_disk()->find(std::string{scheduler::kShardEpochKey});
    const auto record = stored ? scheduler::parse_shard_epoch(*stored) : Result<scheduler::ShardEpoch>{};
    if (record) epochs_ = std::max(epochs_, record->epoch);
    if (is_own || (record && record->owner == client)) return;
    blame("the database took a change of " + client + " under a stale epoch");
}

void Invariants::check_owners() {
    std::size_t owners = 0;
    for (const auto& host : cluster_->hosts) owners += host->holds_shard() ? 1 : 0;
    if (owners > 1 && cluster_->options.planted != Planted::kHiddenEpochs) blame("two processes hold one shard");
}

void Invariants::blame(std::string what) {
    if (violation_.empty()) violation_ = std::move(what);
}

void Invariants::collect() {
    if (!tap_.violation().empty()) blame(tap_.violation());
    if (!cluster_->book.violation.empty()) blame(cluster_->book.violation);
    if (!cluster_->world.log.first_error().empty()) blame("logged as an error: " + cluster_->world.log.first_error());
}

void Invariants::after_step() {
    collect();
    check_owners();
    const bool chain_changed = chain_version_ != cluster_->world.chain.version();
    const bool disk_changed = disk_version_ != cluster_->shard_disk()->version();
    if (!chain_changed && !disk_changed) return;
    chain_version_ = cluster_->world.chain.version();
    disk_version_ = cluster_->shard_disk()->version();
    ++checks_;
    const Result<void> read = disk_.refresh();
    if (!read) blame(read.error().message);
    if (chain_changed) {
        check_money();
        check_charges();
        check_paid();
    }
    if (disk_changed) {
        check_leases();
        check_acknowledged();
        check_caps();
    }
    check_nodes();
}

void Invariants::check_money() {
    const sim::Ledger& ledger = cluster_->world.chain.head();
    const Deployment& deployment = cluster_->world.deployment;
    std::uint64_t total = 0;
    for (const auto& [account, amount] : ledger.balances()) total += amount.micro;
    if (total != ledger.minted().micro) blame("money: the balances are not what was minted");
    U128 vcai = 0;
    for (const auto& [account, amount] : ledger.vcai_balances()) vcai += amount.wei;
    if (vcai != ledger.given().wei) blame("money: the balances of VCAI are not what was given");
    std::uint64_t escrow = 0;
    for (const auto& [client, amount] : ledger.all_available()) escrow += amount.micro;
    for (const auto& [cap_id, cap] : ledger.caps()) {
        if (cap.spent > cap.cap.limit) blame("money: a cap was charged beyond its limit");
        escrow += cap.cap.limit.micro - cap.spent.micro;
    }
    if (ledger.balance(deployment.escrow).micro != escrow) blame("money: the escrow does not hold what it owes");
    std::uint64_t pools = 0;
    for (const auto& [scheduler, amount] : ledger.pools()) pools += amount.micro;
    if (ledger.balance(deployment.settlement).micro != pools) blame("money: the settlement does not hold its pools");
}

void Invariants::check_charges() {
    const sim::Ledger& ledger = cluster_->world.chain.head();
    const Address scheduler = cluster_->scheduler->signer.address();
    std::map<CapId, std::uint64_t> charged;
    std::uint64_t fees = 0;
    std::uint64_t earned = 0;
    for (const sim::LedgerBatch& batch : ledger.batches(scheduler)) {
        for (const Charge& charge : batch.charges) charged[charge.cap_id] += charge.amount.micro;
        fees += batch.total_charged.micro - batch.header.total_earned.micro;
        earned += batch.header.total_earned.micro;
    }
    for (const auto& [cap_id, cap] : ledger.caps()) {
        if (cap.spent.micro != charged[cap_id]) blame("a cap paid twice: " + codec::to_hex(cap_id));
    }
    if (ledger.balance(cluster_->world.deployment.treasury).micro != fees) blame("money: the treasury has other fees");
    std::uint64_t claimed = 0;
    for (const auto& [key, amount] : ledger.all_claimed()) claimed += amount.micro;
    if (claimed > earned) blame("nodes claimed more than they earned");
}

void Invariants::check_paid() {
    const sim::Ledger& ledger = cluster_->world.chain.head();
    const auto& posted = ledger.batches(cluster_->scheduler->signer.address());
    std::set<JobId> paid;
    for (std::size_t index = 0; index < posted.size(); ++index) {
        const auto ours = disk_.batches().find(index);
        if (ours == disk_.batches().end() || ours->second.header != posted[index].header) {
            blame("a batch on chain is not the one on the scheduler's disk");
            return;
        }
        std::map<CapId, std::uint64_t> sums;
        for (const SignedReceipt& receipt : ours->second.receipts) {
            if (!paid.insert(receipt.receipt.job_id).second) blame("a job was paid twice");
            check_paid_receipt(receipt);
            const auto job = disk_.jobs().find(receipt.receipt.job_id);
            if (job != disk_.jobs().end()) sums[job->second.cap_id] += receipt.receipt.amount.micro;
        }
        for (const Charge& charge : posted[index].charges) {
            if (sums[charge.cap_id] != charge.amount.micro) blame("a charge is not the sum of its receipts");
        }
    }
}

void Invariants::check_paid_receipt(const SignedReceipt& receipt) {
    const UsageReceipt& bill = receipt.receipt;
    const std::string job = codec::to_hex(bill.job_id);
    if (tap_.failed().contains(bill.job_id)) blame("job " + job + " was charged although it failed");
    const auto record = disk_.jobs().find(bill.job_id);
    if (record == disk_.jobs().end() || record->second.receipt != receipt) {
        blame("job " + job + " was paid without a receipt on record");
        return;
    }
    const AuditState audit = record->second.audit;
    if (audit != AuditState::kNotDrawn && audit != AuditState::kAccepted && audit != AuditState::kWaived) {
        blame("job " + job + " was paid before its audit was decided, or against it");
    }
    if (!verified_.insert(market::receipt_hash(bill)).second) return;
    const Result<void> good = market::check_receipt(cluster_->world.deployment, receipt);
    if (!good) blame("job " + job + " was paid on a bad receipt: " + good.error().message);
    if (bill.amount > bill.quote || bill.quote > cluster_->book.jobs.at(bill.job_id).order.quote) {
        blame("job " + job + " was charged above its quote");
    }
    const NodeMachine* node = cluster_->node_of(bill.node);
    if (node == nullptr || serves_other_weights(node->honesty())) return;
    // What an honest model gives is known: the bill is for a prefix of it, and for the whole unless it was cut short.
    std::string text;
    const auto tokens = cluster_->world.model.tokens_of(cluster_->book.jobs.at(bill.job_id).order.request);
    if (bill.units.output > tokens.size()) blame("job " + job + " bills more tokens than there are");
    for (std::size_t index = 0; index < std::min<std::size_t>(bill.units.output, tokens.size()); ++index) {
        text += tokens[index];
    }
    if (market::response_hash(text) != bill.response_hash) blame("job " + job + " bills what was not delivered");
}

void Invariants::check_leases() {
    std::map<Address, std::uint32_t> leases;
    std::map<std::uint64_t, JobId> tokens;
    for (const auto& [job_id, record] : disk_.jobs()) {
        if (record.lease == Lease{}) continue;
        const auto [known, is_new] = tokens.emplace(record.lease.fencing_token, job_id);
        if (!is_new) blame("two jobs hold the same fencing token");
        if (is_leased(record)) ++leases[record.lease.node];
    }
    for (const auto& [address, count] : leases) {
        const NodeMachine* node = cluster_->node_of(address);
        if (node != nullptr && count > node->slots()) blame(node->name() + " has more leases than slots");
    }
}

void Invariants::check_acknowledged() {
    for (const auto& [job_id, receipt_hash] : tap_.acknowledged()) {
        const auto record = disk_.jobs().find(job_id);
        const bool is_kept =
            record != disk_.jobs().end() && market::receipt_hash(record->second.receipt.receipt) == receipt_hash;
        if (!is_kept) blame("the acknowledged delivery of job " + codec::to_hex(job_id) + " was lost");
    }
}

void Invariants::check_nodes() {
    const sim::Ledger& ledger = cluster_->world.chain.head();
    for (const auto& node : cluster_->nodes) {
        const Address address = node->signer.address();
        const auto record = ledger.node(address);
        if (record) {
            const auto [known, is_new] = stakes_.emplace(address, record->stake);
            if (record->stake < known->second) blame(node->name() + " was slashed");
        }
        if (node->honesty() == Honesty::kHonest && disk_.is_flagged(address)) blame(node->name() + " was flagged");
    }
    for (const auto& [job_id, record] : disk_.jobs()) {
        if (record.audit != AuditState::kAccepted) continue;
        const NodeMachine* node = cluster_->node_of(record.receipt.receipt.node);
        if (node != nullptr && node->honesty() != Honesty::kHonest)
            blame(node->name() + " cheated and passed an audit");
    }
}

void Invariants::check_caps() {
    std::map<CapId, std::uint64_t> promised;
    for (const auto& [job_id, record] : disk_.jobs()) {
        const bool is_owed = record.state == JobState::kDelivered;
        if (is_owed) promised[record.cap_id] += record.receipt.receipt.amount.micro;
        if (is_leased(record)) promised[record.cap_id] += record.quote.micro;
    }
    for (const auto& [cap_id, record] : disk_.caps()) {
        if (record.charged.micro + promised[cap_id] > record.cap.cap.limit.micro) {
            blame("a cap is promised beyond its limit: " + codec::to_hex(cap_id));
        }
    }
}

bool Invariants::is_at_rest() {
    if (cluster_->book.has_open()) return false;
    const Result<void> read = disk_.refresh();
    if (!read || disk_.live() > 0 || cluster_->world.chain.pending() > 0) return false;
    for (const auto& node : cluster_->nodes) {
        if (has_node_leases(node->disk)) return false;
    }
    const sim::Ledger& ledger = cluster_->world.chain.head();
    const Address scheduler = cluster_->scheduler->signer.address();
    if (ledger.next_index(scheduler) != disk_.batches().size()) return false;
    if (disk_.batches().empty()) return true;
    const std::vector<Earning>& earnings = disk_.batches().rbegin()->second.earnings;
    return std::ranges::all_of(earnings, [&](const Earning& earning) {
        return ledger.claimed(scheduler, earning.node) == earning.cumulative;
    });
}

void Invariants::check_end() {
    collect();
    for (const auto& [job_id, record] : disk_.jobs()) {
        if (!is_terminal(record.state)) blame("job " + codec::to_hex(job_id) + " did not end");
    }
    for (const auto& [job_id, job] : cluster_->book.jobs) {
        const auto record = disk_.jobs().find(job_id);
        const bool is_done = job.status == ClientJob::Status::kDone;
        if (is_done && record == disk_.jobs().end()) blame("a job the client has paid for is unknown");
        const bool is_failed = job.status == ClientJob::Status::kFailed && record != disk_.jobs().end();
        if (is_failed && record->second.state == JobState::kSettled) blame("a failed job was charged");
    }
}

}  // namespace vcity::scenarios
