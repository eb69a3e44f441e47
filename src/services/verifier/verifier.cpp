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

std::string verdict_key(const Hash& receipt_hash) {
    return "verdict/" + codec::to_hex(receipt_hash);
}

Verifier::Verifier(VerifierDeps deps, VerifierOptions options)
    : deps_{std::move(deps)},
      options_{std::move(options)},
      metrics_{deps_.metrics},
      log_{deps_.log},
      group_{deps_.runtime},
      tasks_{deps_.runtime, options_.tasks_queued_max},
      replied_{deps_.runtime} {
    services::PeerLinkOptions link;
    link.endpoint = options_.scheduler_endpoint;
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
    group_.spawn(run_audits());
    co_await link_->run();
    tasks_.close();
    replied_.notify();
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
    replied_.notify();
}

void Verifier::post(Message message) {
    if (session_ != nullptr) session_->post(std::move(message));
}

void Verifier::on_connected(services::LinkSession* session, const LinkWelcome& /*welcome*/) {
    session_ = session;
    metrics_.link_up->set(1);
}

void Verifier::on_disconnected() {
    session_ = nullptr;
    metrics_.link_up->set(0);
    replied_.notify();  // nobody will answer the open question
}

void Verifier::on_message(Message message) {
    if (auto* task = std::get_if<AuditTask>(&message)) {
        metrics_.tasks->increment();
        // A full queue drops the task: the scheduler gives it again.
        tasks_.try_send(std::move(*task));
    } else if (auto* reply = std::get_if<OpenReply>(&message)) {
        on_reply(std::move(*reply));
    }
}

// An answer may be late: one to a question of before a timeout or a restart names other cells.
void Verifier::on_reply(OpenReply reply) {
    if (asked_.is_zero() || reply.receipt_hash != asked_) return;
    const bool is_answer =
        std::ranges::equal(reply.opening.cells, asked_cells_, {}, [](const OpenedCell& opened) { return opened.cell; });
    if (reply.available && !is_answer) return;
    reply_ = std::move(reply);
    replied_.notify();
}

Task<void> Verifier::run_audits() {
    while (!stopping_) {
        Result<AuditTask> task = co_await tasks_.receive(deps_.runtime->now() + kStorePatience);
        if (!task && task.error().code == Errc::kTimeout) continue;
        if (!task) break;
        const std::string job = codec::to_hex(task->receipt.receipt.job_id);
        Result<SignedVerdict> verdict = co_await audit(*std::move(task));
        if (verdict) {
            VerdictReport report;
            report.verdict = *std::move(verdict);
            post(std::move(report));
        } else {
            log_.info("no_verdict", {{"job", job}, {"reason", verdict.error().message}});
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

Task<Result<std::optional<SignedVerdict>>> Verifier::find_verdict(Hash receipt_hash) {
    const TimePoint deadline = deps_.runtime->now() + kStorePatience;
    CO_TRY(const std::optional<Bytes> stored,
           co_await services::get_until(deps_.runtime, deps_.store, verdict_key(receipt_hash), deadline));
    if (!stored) co_return std::optional<SignedVerdict>{};
    CO_TRY(SignedVerdict verdict, wire::parse_verdict(*stored));
    co_return verdict;
}

Task<Result<SignedVerdict>> Verifier::audit(AuditTask task) {
    const Hash receipt_hash = market::receipt_hash(task.receipt.receipt);
    CO_TRY(std::optional<SignedVerdict> known, co_await find_verdict(receipt_hash));
    if (known) co_return *std::move(known);
    Result<ports::Auditor*> auditor = check_task(task);
    if (!auditor) {
        metrics_.not_understood->increment();
        co_return std::move(auditor).error();
    }
    const std::vector<Cell> cells = (*auditor)->draw(task);
    if (cells.empty()) {
        ports::AuditFinding nothing;
        nothing.reason = "nothing was billed that could be checked";
        co_return co_await decide(std::move(task), std::move(nothing));
    }
    Result<Opening> opening = co_await ask_for(receipt_hash, task.receipt.receipt.job_id, cells);
    if (!opening) {
        metrics_.not_opened->increment();
        co_return std::move(opening).error();
    }
    ports::AuditFinding finding;
    ports::Auditor* checker = *auditor;
    std::function<void()> check = [&finding, checker, &task, &cells, &opening] {
        finding = checker->check(task, cells, *opening);
    };
    co_await deps_.runtime->compute(std::move(check));
    co_return co_await decide(std::move(task), std::move(finding));
}

Task<Result<Opening>> Verifier::ask_for(Hash receipt_hash, JobId job_id, std::vector<Cell> cells) {
    if (session_ == nullptr) co_return make_error(Errc::kUnavailable, "not connected");
    const services::LinkSession* asked_on = session_;
    OpenRequest request;
    request.job_id = job_id;
    request.receipt_hash = receipt_hash;
    request.cells = cells;
    asked_ = receipt_hash;
    asked_cells_ = std::move(cells);
    reply_.reset();
    post(std::move(request));
    const TimePoint deadline = deps_.runtime->now() + options_.opening_timeout;
    bool waiting = true;
    while (waiting && !reply_ && !stopping_ && session_ == asked_on) {
        waiting = co_await replied_.wait_until(deadline);
    }
    asked_ = {};
    std::optional<OpenReply> reply = std::exchange(reply_, std::nullopt);
    if (!reply) co_return make_error(Errc::kTimeout, "no opening in time");
    if (!reply->available) co_return make_error(Errc::kNotFound, "the node has no opening: " + reply->reason);
    co_return std::move(reply->opening);
}

Task<Result<SignedVerdict>> Verifier::decide(AuditTask task, ports::AuditFinding finding) {
    SignedVerdict verdict;
    verdict.verdict.receipt_hash = market::receipt_hash(task.receipt.receipt);
    verdict.verdict.node = task.receipt.receipt.node;
    verdict.verdict.verifier = deps_.signer->address();
    verdict.verdict.outcome = finding.outcome;
    verdict.verdict.evidence_hash = crypto::keccak256(finding.evidence);
    verdict.verdict.checked_at = deps_.runtime->unix_now();
    verdict.reason = finding.reason;
    CO_TRY(verdict.signature, deps_.signer->sign(market::verdict_digest(deps_.deployment, verdict.verdict)));
    ports::StoreChange change;
    change.puts.push_back({verdict_key(verdict.verdict.receipt_hash), wire::encode(verdict)});
    const TimePoint deadline = deps_.runtime->now() + kStorePatience;
    CO_TRY_OK(co_await services::commit_until(deps_.runtime, deps_.store, std::move(change), deadline));
    const bool is_accepted = finding.outcome == VerdictOutcome::kAccepted;
    (is_accepted ? metrics_.accepted : metrics_.rejected)->increment();
    log_.info("verdict", {{"job", codec::to_hex(task.receipt.receipt.job_id)}, {"accepted", is_accepted}});
    co_return verdict;
}

}  // namespace vcity::verifier
