// SPDX-License-Identifier: Apache-2.0
#include "services/verifier/verifier.hpp"

#include <algorithm>

#include "codec/hex.hpp"
#include "crypto/keccak.hpp"
#include "market/batch.hpp"
#include "market/typed_hashes.hpp"
#include "services/common/registration.hpp"
#include "services/verifier/source.hpp"
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
      has_task_{deps_.runtime},
      answered_{deps_.runtime} {
    for (const std::vector<std::string>& endpoints : options_.schedulers) {
        sources_.push_back(std::make_unique<Source>(this, endpoints));
    }
}

Verifier::~Verifier() = default;

bool Verifier::is_connected() const {
    return std::ranges::any_of(sources_, [](const auto& source) { return source->is_connected(); });
}

void Verifier::count_links() {
    const auto up = std::ranges::count_if(sources_, [](const auto& source) { return source->is_connected(); });
    metrics_.link_up->set(static_cast<double>(up));
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

Task<void> Verifier::register_again() {
    if (is_registering_) co_return;
    is_registering_ = true;
    Result<void> registered = co_await register_identity();
    is_registering_ = false;
    if (!registered) log_.warn("not_registered", {{"reason", registered.error().message}});
}

Task<Result<void>> Verifier::run() {
    Result<void> registered = co_await register_identity();
    if (!registered || stopping_) co_return registered;
    CO_TRY_OK(co_await load_secret());
    group_.spawn(run_audits());
    for (const auto& source : sources_) {
        group_.spawn(source->run());
        if (options_.capacity.every > Duration{}) group_.spawn(source->run_capacity());
    }
    while (group_.running() > 0) {
        Result<void> joined = co_await group_.join(deps_.runtime->now() + kStorePatience);
        if (!joined && stopping_) log_.warn("tasks_linger", {{"running", group_.running()}});
    }
    co_return Result<void>{};
}

void Verifier::stop() {
    stopping_ = true;
    for (const auto& source : sources_) source->stop();
    has_task_.notify();
    answered_.notify();
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

std::optional<AuditTask> Verifier::take_task() {
    for (std::size_t step = 0; step < sources_.size(); ++step) {
        current_ = sources_[turn_++ % sources_.size()].get();
        std::optional<AuditTask> task = current_->take_task();
        if (task) return task;
    }
    return std::nullopt;
}

Task<void> Verifier::run_audits() {
    while (!stopping_) {
        std::optional<AuditTask> task = take_task();
        if (!task) {
            (void)co_await has_task_.wait_until(deps_.runtime->now() + kStorePatience);
            continue;
        }
        const std::string job = codec::to_hex(task->receipt.receipt.job_id);
        Result<KnownVerdict> known = co_await audit(*std::move(task));
        if (known) {
            VerdictReport report;
            report.verdict = std::move(known->verdict);
            report.confirmed = known->confirmed;
            current_->post(std::move(report));
        } else {
            metrics_.no_verdict->increment();
            log_.info("no_verdict", {{"job", job}, {"reason", known.error().message}});
        }
    }
}

// Faults of the task itself are the scheduler's, not the node's.
Result<ports::Auditor*> Verifier::check_task(const AuditTask& task) const {
    const UsageReceipt& bill = task.receipt.receipt;
    // Only the scheduler that leased it can reach its node: another's silence would be held against that node.
    if (bill.scheduler != current_->scheduler()) {
        return make_error(Errc::kDenied, "the receipt is of another scheduler than the one that asks");
    }
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
