// SPDX-License-Identifier: Apache-2.0
#include "scenarios/tap.hpp"

#include <algorithm>

#include "codec/hex.hpp"
#include "crypto/keccak.hpp"
#include "market/typed_hashes.hpp"
#include "services/node/lease_record.hpp"
#include "wire/wire.hpp"

namespace vcity::scenarios {

void Tap::blame(std::string what) {
    if (violation_.empty()) violation_ = std::move(what);
}

void Tap::check_encoding(const Message& message) {
    const Result<Message> read = wire::parse_message(wire::encode(message));
    if (!read) blame("a message cannot be read back: " + read.error().message);
    if (read && *read != message) blame("a message reads back as another");
}

void Tap::on_message(const std::string& from, const std::string& to, const Message& message) {
    check_encoding(message);
    const bool is_scheduler = from.starts_with("scheduler");
    on_epoch(from, to, message);
    if (const auto* grant = std::get_if<LeaseGrant>(&message)) {
        on_grant(*grant);
    } else if (const auto* finished = std::get_if<JobFinished>(&message)) {
        on_node_finished(from, *finished);
    } else if (const auto* ack = std::get_if<ReceiptAck>(&message)) {
        if (ack->accepted) on_delivered(ack->receipt);
    } else if (const auto* done = std::get_if<JobDone>(&message)) {
        on_delivered(done->receipt);
    } else if (const auto* chunk = std::get_if<TokenChunk>(&message)) {
        if (is_scheduler && to == "gateway") on_chunk_to_gateway(*chunk);
    } else if (const auto* failed = std::get_if<JobFailed>(&message)) {
        on_failed(*failed);
    } else if (const auto* report = std::get_if<VerdictReport>(&message)) {
        on_verdict(*report);
    }
}

// A peer that has worked under an epoch works under no smaller one.
void Tap::on_epoch(const std::string& from, const std::string& to, const Message& message) {
    if (const auto* welcome = std::get_if<LinkWelcome>(&message)) welcomed_[{from, to}] = welcome->epoch;
    if (!std::holds_alternative<NodeReady>(message)) return;
    const std::uint64_t epoch = welcomed_[{to, from}];
    std::uint64_t& greatest = accepted_[from];
    if (epoch < greatest) blame(from + " went back to an older epoch");
    greatest = std::max(greatest, epoch);
}

void Tap::on_grant(const LeaseGrant& grant) {
    const Lease& lease = grant.lease;
    const std::string job = codec::to_hex(lease.job_id);
    const auto [known, is_new] = granted_.emplace(lease.fencing_token, lease);
    if (!is_new && known->second != lease) {
        blame("fencing token " + std::to_string(lease.fencing_token) + " was granted twice, now for job " + job);
    }
    std::uint64_t& newest = newest_[lease.job_id];
    if (is_new && lease.fencing_token <= newest) blame("a fencing token of job " + job + " did not grow");
    newest = std::max(newest, lease.fencing_token);
    const auto record = disk_->job_now(lease.job_id);
    const auto hedge = disk_->find(scheduler::job_key(scheduler::kHedgePrefix, lease.job_id));
    const bool is_hedge = hedge && *hedge == wire::encode(lease);
    if (!record || (record->lease != lease && !is_hedge))
        blame("a lease of job " + job + " was announced before it was written");
}

void Tap::on_node_finished(const std::string& from, const JobFinished& finished) {
    const JobId job_id = finished.job_id;
    for (const auto& machine : cluster_->nodes) {
        if (machine->name() != from) continue;
        const auto stored = machine->disk.find(node::lease_key(job_id));
        const Result<node::LeaseRecord> record =
            stored ? node::parse_lease_record(*stored) : Result<node::LeaseRecord>{make_error(Errc::kNotFound, "none")};
        // An acknowledged receipt may be sent once more while its acknowledgement is being written.
        const bool is_kept = machine->disk.find(node::receipt_key(job_id)).has_value();
        const bool is_written = record && record->is_finished &&
                                market::receipt_hash(record->finished.receipt.receipt) == finished.receipt_hash;
        if (!is_written && !is_kept) blame(from + " sent a receipt that is not on its disk");
    }
}

void Tap::on_delivered(const SignedReceipt& receipt) {
    const JobId job_id = receipt.receipt.job_id;
    const std::string job = codec::to_hex(job_id);
    const auto record = disk_->job_now(job_id);
    if (!record || record->receipt != receipt) {
        blame("the delivery of job " + job + " was acknowledged before it was written");
        return;
    }
    if (receipt.receipt.fencing_token != record->lease.fencing_token) blame("job " + job + ": a stale lease delivered");
    if (failed_.contains(job_id)) blame("job " + job + " was delivered after it had been announced as failed");
    const Hash hash = market::receipt_hash(receipt.receipt);
    const auto [known, is_new] = acknowledged_.emplace(job_id, hash);
    if (!is_new && known->second != hash) blame("job " + job + " was delivered twice with different receipts");
}

void Tap::on_chunk_to_gateway(const TokenChunk& chunk) {
    const auto record = disk_->job_now(chunk.job_id);
    const bool is_written = record && record->lease.fencing_token == chunk.fencing_token &&
                            record->state != JobState::kQueued && record->state != JobState::kLeased;
    if (!is_written) blame("a token of job " + codec::to_hex(chunk.job_id) + " went out before that was written");
}

void Tap::on_failed(const JobFailed& failed) {
    // An order that conflicts with a known job, or that was refused, says nothing about a job.
    const auto record = disk_->job_now(failed.job_id);
    const bool is_recorded = record && record->state == JobState::kFailed;
    if (acknowledged_.contains(failed.job_id) && failed.code != Errc::kConflict) {
        blame("job " + codec::to_hex(failed.job_id) + " was announced as failed after its delivery");
    }
    if (is_recorded) failed_.insert(failed.job_id);
}

void Tap::on_verdict(const VerdictReport& report) {
    const Verdict& verdict = report.verdict.verdict;
    const auto [known, is_new] = verdicts_.emplace(std::pair{verdict.verifier, verdict.receipt_hash}, verdict.outcome);
    if (!is_new && known->second != verdict.outcome) blame("a verifier said two things about one receipt");
    for (const auto& verifier : cluster_->verifiers) {
        if (verifier->signer.address() != verdict.verifier) continue;
        const auto stored = verifier->disk.find(verifier::verdict_key(verdict.receipt_hash));
        if (!stored) blame("a verdict was reported before it was written");
        const bool needs_evidence = verdict.outcome != VerdictOutcome::kAccepted;
        const auto evidence = verifier->disk.find(verifier::evidence_key(verdict.receipt_hash));
        const bool has_evidence = evidence && crypto::keccak256(*evidence) == verdict.evidence_hash &&
                                  verifier::parse_evidence(*evidence).has_value();
        if (needs_evidence && !has_evidence) blame("a verdict was reported without the evidence it names");
    }
    const NodeMachine* node = cluster_->node_of(verdict.node);
    const bool is_false =
        node != nullptr && node->honesty() == Honesty::kHonest && verdict.outcome == VerdictOutcome::kRejected;
    if (is_false) blame("an honest node was rejected: " + report.verdict.reason);
}

}  // namespace vcity::scenarios
