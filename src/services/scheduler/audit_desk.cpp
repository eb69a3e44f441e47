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

AuditDesk::Audit* AuditDesk::find(const JobId& job_id, const Hash& receipt_hash) {
    const auto found = audits_.find(job_id);
    const bool fits = found != audits_.end() && found->second->receipt_hash == receipt_hash;
    return fits ? found->second.get() : nullptr;
}

void AuditDesk::on_replay_request(SessionId verifier, ReplayRequest request) {
    Audit* audit = find(request.job_id, request.receipt_hash);
    if (audit == nullptr || audit->verifier != verifier) return;
    audit->was_asked = true;
    parts_.switchboard->post(parts_.directory->session_of(audit->node), std::move(request));
}

void AuditDesk::on_replay_reply(const Address& node, ReplayReply reply) {
    Audit* audit = find(reply.job_id, reply.receipt_hash);
    if (audit == nullptr || audit->node != node || !audit->was_asked) return;
    parts_.switchboard->post(audit->verifier, std::move(reply));
}

void AuditDesk::on_open_request(SessionId verifier, OpenRequest request) {
    Audit* audit = find(request.job_id, request.receipt_hash);
    if (audit == nullptr || audit->verifier != verifier) return;
    audit->was_asked = true;
    parts_.switchboard->post(parts_.directory->session_of(audit->node), std::move(request));
}

void AuditDesk::on_open_reply(const Address& node, OpenReply reply) {
    Audit* audit = find(reply.job_id, reply.receipt_hash);
    if (audit == nullptr || audit->node != node || !audit->was_asked) return;
    if (reply.available) audit->was_opened = true;
    parts_.switchboard->post(audit->verifier, std::move(reply));
}

bool AuditDesk::is_signed(const VerdictReport& report) const {
    const Hash digest = market::verdict_digest(context_->deps.deployment, report.verdict.verdict);
    const Result<Address> signer = crypto::recover(digest, report.verdict.signature);
    return signer && *signer == report.verdict.verdict.verifier;
}

void AuditDesk::on_verdict(const services::LinkPeer& verifier, VerdictReport report) {
    const Verdict& verdict = report.verdict.verdict;
    const auto found = std::ranges::find_if(
        audits_, [&](const auto& entry) { return entry.second->receipt_hash == verdict.receipt_hash; });
    if (found == audits_.end()) return;
    Audit& audit = *found->second;
    const bool fits =
        verdict.verifier == verifier.address && verdict.node == audit.node && audit.assigned.contains(verifier.address);
    if (!fits || audit.is_answered()) return;
    // The second opinion is somebody else's.
    if (audit.is_second && verdict.verifier == audit.report->verdict.verdict.verifier) return;
    if (!is_signed(report)) {
        context_->log.warn("verdict_not_signed", {{"verifier", codec::to_hex(verifier.address)}});
        return;
    }
    (audit.is_second ? audit.second : audit.report) = std::move(report);
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

// False when it is time to give up.
Task<bool> AuditDesk::wait_for_parties(Audit* audit, TimePoint give_up) {
    while (!context_->stopping && context_->now() < give_up) {
        audit->is_away = parts_.directory->session_of(audit->node) == kNoSession;
        audit->verifier = pick_verifier(*audit, audit->is_second);
        if (!audit->is_away && audit->verifier != kNoSession) co_return true;
        const bool waits_for_node = audit->verifier != kNoSession;
        audit->verifier = kNoSession;
        if (waits_for_node) {
            co_await parts_.directory->wait_for_change(give_up);
        } else {
            co_await verifiers_changed_.wait_until(give_up);
        }
    }
    co_return false;
}

Task<void> AuditDesk::examine(JobId job_id, Audit* audit) {
    const TimePoint give_up = context_->now() + context_->options.audit_give_up;
    while (true) {
        // Takes the verifier before the next wait, so that nobody else takes the place.
        const bool are_there = co_await wait_for_parties(audit, give_up);
        if (!are_there) co_return;
        Result<AuditTask> task = co_await make_task(job_id);
        if (!task) {
            // A scheduler that has lost its shard reads nothing any more; the next one audits.
            if (!context_->stopping) context_->log.error("audit_impossible", {{"reason", task.error().message}});
            co_return;
        }
        const Switchboard::Entry* entry = parts_.switchboard->find(audit->verifier);
        if (entry != nullptr) audit->assigned.insert(entry->peer.address);
        task->confirm = pick_verifier(*audit, true) == kNoSession;
        co_await attempt(audit, *std::move(task));
        audit->verifier = kNoSession;
        if (!audit->report) {
            verifiers_changed_.notify();
            co_await audit->wake.wait_until(context_->now() + kPauseBetweenAttempts);
        }
        if (!audit->report) continue;  // it may have been a late one of an earlier attempt
        const bool is_rejected = audit->report->verdict.verdict.outcome == VerdictOutcome::kRejected;
        if (is_rejected && !audit->report->confirmed) {
            co_await confirm(job_id, audit);
        }
        co_return;
    }
}

// Somebody else's opinion, once. Without one the node is not flagged.
Task<void> AuditDesk::confirm(JobId job_id, Audit* audit) {
    audit->is_second = true;
    const TimePoint give_up = context_->now() + context_->options.audit_attempt;
    const bool are_there = co_await wait_for_parties(audit, give_up);
    if (!are_there) co_return;
    Result<AuditTask> task = co_await make_task(job_id);
    if (!task) co_return;
    task->deep = true;
    co_await attempt(audit, *std::move(task));
    audit->verifier = kNoSession;
}

Task<void> AuditDesk::attempt(Audit* audit, AuditTask task) {
    const Switchboard::Entry* entry = parts_.switchboard->find(audit->verifier);
    if (entry == nullptr) co_return;
    audit->assigned.insert(entry->peer.address);
    if (!parts_.switchboard->post(audit->verifier, std::move(task))) co_return;
    const TimePoint deadline = context_->now() + context_->options.audit_attempt;
    while (!context_->stopping && context_->now() < deadline) {
        if (audit->is_answered() || audit->verifier == kNoSession) co_return;
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
    task.monitor_key = record->monitor_key;
    co_return task;
}

SessionId AuditDesk::pick_verifier(const Audit& audit, bool fresh) const {
    SessionId best = kNoSession;
    std::size_t best_load = context_->options.audits_per_verifier;
    for (const SessionId session : parts_.switchboard->of_role(Role::kVerifier)) {
        const Switchboard::Entry* entry = parts_.switchboard->find(session);
        if (fresh && (entry == nullptr || audit.assigned.contains(entry->peer.address))) continue;
        const auto load = static_cast<std::size_t>(
            std::ranges::count_if(audits_, [&](const auto& each) { return each.second->verifier == session; }));
        if (load >= best_load) continue;
        best = session;
        best_load = load;
    }
    return best;
}

namespace {

AuditState state_of(VerdictOutcome outcome) {
    switch (outcome) {
        case VerdictOutcome::kAccepted: return AuditState::kAccepted;
        case VerdictOutcome::kRejected: return AuditState::kRejected;
        case VerdictOutcome::kNotOpened: return AuditState::kNotOpened;
    }
    unreachable();
}

// A second opinion that is not "accepted" confirms the first: whoever was wrong once and then falls silent is not given
// the benefit of the doubt.
bool is_confirmed(const VerdictReport& first, const std::optional<VerdictReport>& second) {
    return first.confirmed || (second && second->verdict.verdict.outcome != VerdictOutcome::kAccepted);
}

}  // namespace

Task<void> AuditDesk::conclude(JobId job_id, const Audit* audit) {
    JobRecord* record = parts_.book->find_delivered(job_id);
    JobRecord decided = *record;
    if (audit->report) {
        decided.verdict = audit->report->verdict;
        decided.audit = state_of(decided.verdict.verdict.outcome);
    } else {
        decided.audit = audit->was_asked || audit->is_away ? AuditState::kUndecided : AuditState::kWaived;
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
            co_await refuse_payment(record, std::move(decided),
                                    is_confirmed(*audit->report, audit->second) ? Blame::kFlag : Blame::kMissed);
            co_return;
        case AuditState::kNotOpened:
            context_->metrics.audits_undecided->increment();
            decided.error = "not paid: " + decided.verdict.reason;
            co_await refuse_payment(record, std::move(decided), Blame::kMissed);
            co_return;
        case AuditState::kUndecided:
            context_->metrics.audits_undecided->increment();
            decided.error = audit->was_opened ? "not paid: no verifier came to a verdict"
                                              : "not paid: the node did not open what it had committed to";
            co_await refuse_payment(record, std::move(decided), audit->was_opened ? Blame::kNone : Blame::kMissed);
            co_return;
    }
    ports::StoreChange change;
    JobBook::put(&change, decided);
    if (decided.audit == AuditState::kAccepted) note(&change, decided, market::AuditResultKind::kAccepted);
    Result<void> written = co_await context_->commit(std::move(change));
    if (written) *record = std::move(decided);
}

// Memory first: another audit of the same node may be decided while this change is being written.
void AuditDesk::note(ports::StoreChange* change, const JobRecord& decided, market::AuditResultKind result) {
    const Address& node = decided.lease.node;
    Probation& probation = parts_.directory->probation_of(node);
    const AuditRates& rates = context_->options.audit;
    const UnixMillis now = context_->runtime()->unix_now();
    if (decided.audit == AuditState::kAccepted) {
        note_accepted(&probation, rates);
    } else if (decided.audit == AuditState::kRejected) {
        note_rejected(&probation, rates, now);
    } else {
        note_missed(&probation, rates, now);
    }
    change->puts.push_back({probation_key(node), encode(probation)});
    ReputationBook& reputations = parts_.directory->reputations();
    reputations.note_audit(node, result, now);
    reputations.put(change, node);
    parts_.directory->probation_changed(node);
}

Task<void> AuditDesk::refuse_payment(JobRecord* record, JobRecord decided, Blame blame) {
    const JobId job_id = decided.job_id;
    const Address node = decided.lease.node;
    advance(&decided, JobState::kRejected);
    ports::StoreChange change;
    JobBook::put_terminal(&change, decided);
    const bool is_proved = blame == Blame::kFlag;
    if (is_proved) change.puts.push_back({flag_key(node), wire::encode(decided.verdict)});
    // To a node's name a rejection that nobody confirmed is no worse than silence.
    const auto result = is_proved ? market::AuditResultKind::kRejected : market::AuditResultKind::kNotOpened;
    if (blame != Blame::kNone) note(&change, decided, result);
    Result<void> written = co_await context_->commit(std::move(change));
    if (!written) co_return;
    parts_.caps->forgive(record->cap_id, record->receipt.receipt.amount);
    if (is_proved) parts_.directory->flag(node);
    context_->log.warn(is_proved ? "node_flagged" : "result_not_paid",
                       {{"job", codec::to_hex(job_id)}, {"node", codec::to_hex(node)}, {"reason", decided.error}});
    parts_.book->remove_delivered(job_id);
}

}  // namespace vcity::scheduler
