// SPDX-License-Identifier: Apache-2.0
#include "services/verifier/verifier.hpp"

#include <algorithm>

#include "codec/hex.hpp"
#include "crypto/keccak.hpp"
#include "market/batch.hpp"
#include "market/typed_hashes.hpp"
#include "services/common/registration.hpp"
#include "wire/wire.hpp"

namespace vcity::verifier {
namespace {

constexpr std::chrono::seconds kStorePatience{30};

}  // namespace

Verifier::Verifier(VerifierDeps deps, VerifierOptions options)
    : deps_{std::move(deps)},
      options_{std::move(options)},
      metrics_{deps_.metrics},
      log_{deps_.log},
      group_{deps_.runtime},
      capacity_{{deps_.runtime, deps_.chain_reader, deps_.metrics, log_.named("verifier.capacity"),
                 [this](Message message) { return post(std::move(message)); }},
                options_.capacity},
      tasks_{deps_.runtime, options_.tasks_queued_max},
      answered_{deps_.runtime} {
    services::PeerLinkOptions link;
    link.endpoints = options_.scheduler_endpoints;
    link.introduction.deployment = &deps_.deployment;
    link.introduction.signer = deps_.signer;
    link.introduction.role = Role::kVerifier;
    link.introduction.software_version = options_.software_version;
    link.session = options_.session;
    link.backoff = options_.backoff;
    services::PeerLinkDeps link_deps{deps_.runtime, deps_.dialer, log_.named("verifier.link")};
    services::PeerLinkHandler* self = this;
    link_ = std::make_unique<services::PeerLink>(std::move(link_deps), std::move(link), self);
}

Task<Result<void>> Verifier::register_identity() {
    NodeRecord record;
    record.identity = deps_.signer->address();
    record.role = Role::kVerifier;
    record.kind = NodeKind::kStable;
    record.did_document_uri = options_.did_document_uri;
    record.stake = options_.stake;
    services::RegistrationDeps registration{deps_.runtime, deps_.chain_reader, deps_.chain_writer, log_};
    co_return co_await services::ensure_registered(std::move(registration), std::move(record), &stopping_);
}

Task<void> Verifier::on_denied() {
    Result<void> registered = co_await register_identity();
    if (!registered) log_.warn("not_registered", {{"reason", registered.error().message}});
}

Task<Result<void>> Verifier::run() {
    Result<void> registered = co_await register_identity();
    if (!registered || stopping_) co_return registered;
    CO_TRY_OK(co_await load_secret());
    group_.spawn(run_audits());
    if (options_.capacity.every > Duration{}) group_.spawn(capacity_.run());
    co_await link_->run();
    tasks_.close();
    capacity_.stop();
    answered_.notify();
    while (group_.running() > 0) {
        Result<void> joined = co_await group_.join(deps_.runtime->now() + kStorePatience);
        if (!joined) log_.warn("tasks_linger", {{"running", group_.running()}});
    }
    co_return Result<void>{};
}

void Verifier::stop() {
    stopping_ = true;
    link_->stop();
    tasks_.close();
    capacity_.stop();
    answered_.notify();
}

bool Verifier::post(Message message) {
    return session_ != nullptr && session_->post(std::move(message));
}

void Verifier::on_connected(services::LinkSession* session, const LinkWelcome& /*welcome*/) {
    session_ = session;
    metrics_.link_up->set(1);
}

void Verifier::on_disconnected() {
    session_ = nullptr;
    metrics_.link_up->set(0);
    answered_.notify();  // nobody will answer the open question
    capacity_.on_link_lost();
}

void Verifier::on_message(Message message) {
    if (auto* task = std::get_if<AuditTask>(&message)) {
        metrics_.tasks->increment();
        // A full queue drops the task: the scheduler gives it again.
        tasks_.try_send(std::move(*task));
    } else if (auto* opened = std::get_if<OpenReply>(&message)) {
        on_answer(std::move(*opened));
    } else if (auto* replayed = std::get_if<ReplayReply>(&message)) {
        on_answer(std::move(*replayed));
    } else if (auto* offers = std::get_if<OffersReply>(&message)) {
        capacity_.on_offers(std::move(*offers));
    } else if (auto* capacity = std::get_if<CapacityReply>(&message)) {
        capacity_.on_reply(std::move(*capacity));
    }
}

Task<Result<std::optional<Bytes>>> Verifier::find(std::string key) {
    const TimePoint deadline = deps_.runtime->now() + kStorePatience;
    co_return co_await services::get_until(deps_.runtime, deps_.store, std::move(key), deadline);
}

Task<Result<void>> Verifier::load_secret() {
    std::string key{kSecretKey};
    CO_TRY(const std::optional<Bytes> stored, co_await find(std::move(key)));
    if (stored && stored->size() == Hash::kSize) {
        secret_ = Hash::make(*stored);
        co_return Result<void>{};
    }
    if (stored) co_return make_error(Errc::kCorrupt, "the stored secret is damaged");
    deps_.runtime->random_bytes(secret_.bytes);
    ports::StoreChange change;
    change.puts.push_back({std::string{kSecretKey}, Bytes{secret_.bytes.begin(), secret_.bytes.end()}});
    const TimePoint deadline = deps_.runtime->now() + kStorePatience;
    co_return co_await services::commit_until(deps_.runtime, deps_.store, std::move(change), deadline);
}

Task<void> Verifier::run_audits() {
    while (!stopping_) {
        Result<AuditTask> task = co_await tasks_.receive(deps_.runtime->now() + kStorePatience);
        if (!task && task.error().code == Errc::kTimeout) continue;
        if (!task) break;
        const std::string job = codec::to_hex(task->receipt.receipt.job_id);
        Result<KnownVerdict> known = co_await audit(*std::move(task));
        if (known) {
            VerdictReport report;
            report.verdict = std::move(known->verdict);
            report.confirmed = known->confirmed;
            post(std::move(report));
        } else {
            metrics_.no_verdict->increment();
            log_.info("no_verdict", {{"job", job}, {"reason", known.error().message}});
        }
    }
}

// Faults of the task itself are the scheduler's, not the node's.
Result<ports::Auditor*> Verifier::check_task(const AuditTask& task) const {
    const UsageReceipt& bill = task.receipt.receipt;
    TRY_OK(market::check_receipt(deps_.deployment, task.receipt));
    if (market::request_hash(task.request) != bill.request_hash) {
        return make_error(Errc::kInvalid, "the request is not the one of the receipt");
    }
    if (market::response_hash(task.response_text) != bill.response_hash) {
        return make_error(Errc::kInvalid, "the output is not the one of the receipt");
    }
    for (ports::Auditor* auditor : deps_.auditors) {
        if (auditor->model_root() == bill.model_root) return auditor;
    }
    return make_error(Errc::kNotFound, "this verifier does not hold the weights " + codec::to_hex(bill.model_root));
}

Task<Result<KnownVerdict>> Verifier::audit(AuditTask task) {
    const UsageReceipt& bill = task.receipt.receipt;
    CO_TRY(const std::optional<Bytes> stored, co_await find(verdict_key(market::receipt_hash(bill))));
    if (stored) co_return parse_known_verdict(*stored);
    Result<ports::Auditor*> auditor = check_task(task);
    if (!auditor) {
        metrics_.not_understood->increment();
        co_return std::move(auditor).error();
    }
    const Beacon beacon = co_await wait_for_beacon(bill.finished_at);
    CO_TRY(Round round, co_await examine(task, *auditor, beacon, 0));
    bool confirmed = task.deep;
    if (round.evidence.outcome == VerdictOutcome::kRejected && !task.deep && task.confirm) {
        task.deep = true;
        Result<Round> again = co_await examine(task, *auditor, beacon, 1);
        // Whoever was wrong once and then falls silent is not given the benefit of the doubt.
        confirmed = again && again->evidence.outcome != VerdictOutcome::kAccepted;
    }
    co_return co_await decide(std::move(task), std::move(round), confirmed);
}

Task<Result<KnownVerdict>> Verifier::decide(AuditTask task, Round round, bool confirmed) {
    const AuditEvidence& evidence = round.evidence;
    const Bytes evidence_bytes = encode(evidence);
    KnownVerdict known;
    known.confirmed = confirmed && evidence.outcome == VerdictOutcome::kRejected;
    Verdict& verdict = known.verdict.verdict;
    verdict.receipt_hash = evidence.receipt_hash;
    verdict.node = task.receipt.receipt.node;
    verdict.verifier = deps_.signer->address();
    verdict.outcome = evidence.outcome;
    verdict.evidence_hash = crypto::keccak256(evidence_bytes);
    verdict.checked_at = evidence.ended_at;
    known.verdict.reason = evidence.reason;
    CO_TRY(known.verdict.signature, deps_.signer->sign(market::verdict_digest(deps_.deployment, verdict)));
    ports::StoreChange change;
    change.puts.push_back({verdict_key(verdict.receipt_hash), encode(known)});
    if (verdict.outcome != VerdictOutcome::kAccepted) {
        change.puts.push_back({evidence_key(verdict.receipt_hash), evidence_bytes});
    }
    if (!round.memory.empty() && round.memory.size() <= ports::kMemoryBytesMax) {
        change.puts.push_back({memory_key(task.receipt.receipt.model_root, verdict.node), std::move(round.memory)});
    }
    if (verdict.outcome == VerdictOutcome::kNotOpened) {
        CO_TRY_OK(co_await note_missed(verdict.node, &verdict, &change));
    }
    const TimePoint deadline = deps_.runtime->now() + kStorePatience;
    CO_TRY_OK(co_await services::commit_until(deps_.runtime, deps_.store, std::move(change), deadline));
    count(verdict.outcome);
    log_.info("verdict",
              {{"job", codec::to_hex(task.receipt.receipt.job_id)}, {"outcome", to_string(verdict.outcome)}});
    co_return known;
}

Task<Result<void>> Verifier::note_missed(Address node, const Verdict* verdict, ports::StoreChange* change) {
    MissedOpenings missed;
    CO_TRY(const std::optional<Bytes> stored, co_await find(missed_key(node)));
    if (stored) {
        CO_TRY(missed, parse_missed(*stored));
    }
    const UnixMillis window = std::chrono::duration_cast<UnixMillis>(options_.missed_window);
    std::erase_if(missed.misses,
                  [&](const MissedOpenings::Miss& miss) { return miss.at + window < verdict->checked_at; });
    missed.misses.push_back({verdict->receipt_hash, verdict->checked_at});
    const bool is_downtime = missed.misses.size() >= std::max<std::size_t>(options_.missed_limit, 1);
    if (is_downtime) {
        log_.warn("malicious_downtime", {{"node", codec::to_hex(node)}, {"missed", missed.misses.size()}});
    }
    while (missed.misses.size() > options_.missed_limit) missed.misses.erase(missed.misses.begin());
    change->puts.push_back({missed_key(node), encode(missed)});
    co_return Result<void>{};
}

void Verifier::count(VerdictOutcome outcome) {
    switch (outcome) {
        case VerdictOutcome::kAccepted: metrics_.accepted->increment(); break;
        case VerdictOutcome::kRejected: metrics_.rejected->increment(); break;
        case VerdictOutcome::kNotOpened: metrics_.not_opened->increment(); break;
    }
}

}  // namespace vcity::verifier
