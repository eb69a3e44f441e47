// SPDX-License-Identifier: Apache-2.0
#include "services/scheduler/audit_desk.hpp"

#include <algorithm>

#include "base/check.hpp"
#include "codec/hex.hpp"
#include "crypto/secp256k1.hpp"
#include "market/typed_hashes.hpp"
#include "wire/wire.hpp"

namespace vcity::scheduler {
namespace {

constexpr std::size_t kCellsMax = 64;
constexpr std::chrono::seconds kPauseBetweenAttempts{2};

}  // namespace

void AuditDesk::start(const JobId& job_id) {
    context_->tasks.spawn(run(job_id));
}

void AuditDesk::on_session_gone(SessionId session) {
    for (const auto& [job_id, audit] : audits_) {
        if (audit->verifier != session) continue;
        audit->verifier = kNoSession;
        audit->wake.notify();
    }
}

void AuditDesk::wake_all() {
    verifiers_changed_.notify();
    for (const auto& [job_id, audit] : audits_) audit->wake.notify();
}

void AuditDesk::on_open_request(SessionId verifier, OpenRequest request) {
    const auto found = audits_.find(request.job_id);
    if (found == audits_.end() || found->second->verifier != verifier) return;
    Audit& audit = *found->second;
    if (request.receipt_hash != audit.receipt_hash || request.cells.size() > kCellsMax) return;
    audit.was_asked = true;
    parts_.switchboard->post(parts_.directory->session_of(audit.node), std::move(request));
}

void AuditDesk::on_open_reply(const Address& node, OpenReply reply) {
    const auto found = audits_.find(reply.job_id);
    if (found == audits_.end()) return;
    Audit& audit = *found->second;
    if (audit.node != node || reply.receipt_hash != audit.receipt_hash || !audit.was_asked) return;
    if (reply.available) {
        audit.was_opened = true;
    } else {
        audit.cannot_open = true;
        audit.wake.notify();
    }
    parts_.switchboard->post(audit.verifier, std::move(reply));
}

void AuditDesk::on_verdict(const services::LinkPeer& verifier, VerdictReport report) {
    const Verdict& verdict = report.verdict.verdict;
    const auto found = std::ranges::find_if(
        audits_, [&](const auto& entry) { return entry.second->receipt_hash == verdict.receipt_hash; });
    if (found == audits_.end()) return;
    Audit& audit = *found->second;
    const bool fits =
        verdict.verifier == verifier.address && verdict.node == audit.node && audit.assigned.contains(verifier.address);
    if (!fits || audit.verdict) return;
    const Hash digest = market::verdict_digest(context_->deps.deployment, verdict);
    const Result<Address> signer = crypto::recover(digest, report.verdict.signature);
    if (!signer || *signer != verifier.address) {
        context_->log.warn("verdict_not_signed", {{"verifier", codec::to_hex(verifier.address)}});
        return;
    }
    audit.verdict = std::move(report.verdict);
    audit.wake.notify();
}

Task<void> AuditDesk::run(JobId job_id) {
    const JobRecord* record = parts_.book->find_delivered(job_id);
    CHECK(record != nullptr && record->audit == AuditState::kPending);
    auto owned = std::make_unique<Audit>(context_->runtime());
    Audit* audit = owned.get();
    audit->receipt_hash = market::receipt_hash(record->receipt.receipt);
    audit->node = record->lease.node;
    audits_.emplace(job_id, std::move(owned));
    co_await examine(job_id, audit);
    if (!context_->stopping) {
        co_await conclude(job_id, audit);
    }
    audits_.erase(job_id);
    verifiers_changed_.notify();
}

Task<void> AuditDesk::examine(JobId job_id, Audit* audit) {
    const TimePoint give_up = context_->now() + context_->options.audit_give_up;
    while (!context_->stopping && context_->now() < give_up) {
        const SessionId verifier = pick_verifier();
        if (verifier == kNoSession) {
            co_await verifiers_changed_.wait_until(give_up);
            continue;
        }
        audit->verifier = verifier;  // taken before the wait, so that nobody else takes the place
        Result<AuditTask> task = co_await make_task(job_id);
        if (!task) {
            context_->log.error("audit_impossible", {{"reason", task.error().message}});
            co_return;
        }
        co_await attempt(audit, *std::move(task));
        audit->verifier = kNoSession;
        if (audit->verdict || audit->cannot_open) co_return;
        verifiers_changed_.notify();
        co_await audit->wake.wait_until(context_->now() + kPauseBetweenAttempts);
        if (audit->verdict) co_return;  // a late one of an earlier attempt
    }
}

Task<void> AuditDesk::attempt(Audit* audit, AuditTask task) {
    const Switchboard::Entry* entry = parts_.switchboard->find(audit->verifier);
    if (entry == nullptr) co_return;
    audit->assigned.insert(entry->peer.address);
    if (!parts_.switchboard->post(audit->verifier, std::move(task))) co_return;
    const TimePoint deadline = context_->now() + context_->options.audit_attempt;
    while (!context_->stopping && context_->now() < deadline) {
        if (audit->verdict || audit->cannot_open || audit->verifier == kNoSession) co_return;
        co_await audit->wake.wait_until(deadline);
    }
}

Task<Result<AuditTask>> AuditDesk::make_task(JobId job_id) {
    CO_TRY(std::optional<JobOrder> order, co_await parts_.book->find_order(job_id));
    CO_TRY(const std::optional<JobOutput> output, co_await parts_.book->find_output(job_id));
    const JobRecord* record = parts_.book->find_delivered(job_id);
    if (!order || !output || record == nullptr) co_return make_error(Errc::kCorrupt, "order or output is missing");
    AuditTask task;
    task.receipt = record->receipt;
    task.request = std::move(order->request);
    task.response_text = output->text();
    co_return task;
}

SessionId AuditDesk::pick_verifier() const {
    SessionId best = kNoSession;
    std::size_t best_load = context_->options.audits_per_verifier;
    for (const SessionId session : parts_.switchboard->of_role(Role::kVerifier)) {
        const auto load = static_cast<std::size_t>(
            std::ranges::count_if(audits_, [&](const auto& entry) { return entry.second->verifier == session; }));
        if (load >= best_load) continue;
        best = session;
        best_load = load;
    }
    return best;
}

Task<void> AuditDesk::conclude(JobId job_id, const Audit* audit) {
    JobRecord* record = parts_.book->find_delivered(job_id);
    JobRecord decided = *record;
    if (audit->verdict) {
        decided.verdict = *audit->verdict;
        const bool is_accepted = decided.verdict.verdict.outcome == VerdictOutcome::kAccepted;
        decided.audit = is_accepted ? AuditState::kAccepted : AuditState::kRejected;
    } else {
        decided.audit = audit->was_asked ? AuditState::kUndecided : AuditState::kWaived;
    }
    switch (decided.audit) {
        case AuditState::kNotDrawn:
        case AuditState::kPending: CHECK(false); break;
        case AuditState::kAccepted: context_->metrics.audits_accepted->increment(); break;
        case AuditState::kWaived:
            context_->log.warn("audit_waived", {{"job", codec::to_hex(job_id)}, {"reason", "no verifier asked"}});
            break;
        case AuditState::kRejected:
            context_->metrics.audits_rejected->increment();
            decided.error = "rejected by a verifier: " + decided.verdict.reason;
            co_await refuse_payment(record, std::move(decided), false);
            co_return;
        case AuditState::kUndecided:
            context_->metrics.audits_undecided->increment();
            decided.error = audit->was_opened ? "not paid: no verifier came to a verdict"
                                              : "not paid: the node did not open what it had committed to";
            co_await refuse_payment(record, std::move(decided), !audit->was_opened);
            co_return;
    }
    ports::StoreChange change;
    JobBook::put(&change, decided);
    if (decided.audit == AuditState::kAccepted) note_opened(&change, decided.lease.node);
    Result<void> written = co_await context_->commit(std::move(change));
    if (written) *record = std::move(decided);
}

// Memory first: another audit of the same node may be decided while this change is being written.
void AuditDesk::note_opened(ports::StoreChange* change, const Address& node) {
    Probation& probation = parts_.directory->probation_of(node);
    if (!probation.audits_all()) return;
    const AuditRates& rates = context_->options.audit;
    note_accepted(&probation, rates, parts_.directory->lottery_rate(node, rates));
    change->puts.push_back({probation_key(node), encode(probation)});
}

void AuditDesk::note_unopened(ports::StoreChange* change, const Address& node) {
    Probation& probation = parts_.directory->probation_of(node);
    note_missed(&probation, context_->options.audit, context_->runtime()->unix_now());
    change->puts.push_back({probation_key(node), encode(probation)});
}

Task<void> AuditDesk::refuse_payment(JobRecord* record, JobRecord decided, bool was_missed) {
    const JobId job_id = decided.job_id;
    const Address node = decided.lease.node;
    advance(&decided, JobState::kRejected);
    ports::StoreChange change;
    JobBook::put_terminal(&change, decided);
    const bool is_proved = decided.audit == AuditState::kRejected;
    if (is_proved) change.puts.push_back({flag_key(node), wire::encode(decided.verdict)});
    if (was_missed) note_unopened(&change, node);
    Result<void> written = co_await context_->commit(std::move(change));
    if (!written) co_return;
    parts_.caps->forgive(record->cap_id, record->receipt.receipt.amount);
    if (is_proved) parts_.directory->flag(node);
    context_->log.warn(is_proved ? "result_rejected" : "result_not_opened",
                       {{"job", codec::to_hex(job_id)}, {"node", codec::to_hex(node)}, {"reason", decided.error}});
    parts_.book->remove_delivered(job_id);
}

}  // namespace vcity::scheduler
