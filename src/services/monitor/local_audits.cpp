// SPDX-License-Identifier: Apache-2.0
#include "services/monitor/local_audits.hpp"

#include "market/typed_hashes.hpp"

namespace vcity::monitor {
namespace {

LocalVerdict not_opened(const Error& error) {
    return {.outcome = VerdictOutcome::kNotOpened, .reason = "the worker did not open: " + error.message};
}

}  // namespace

Result<ports::Auditor*> LocalAudits::check(const AuditTask& task) const {
    const UsageReceipt& bill = task.receipt.receipt;
    TRY(const SignedSeal sealed, deps_.monitor->find_seal(bill.job_id));
    if (sealed.seal.verification_root != bill.verification_root || sealed.seal.request_hash != bill.request_hash) {
        return make_error(Errc::kDenied, "the seal is of another root");
    }
    if (market::request_hash(task.request) != bill.request_hash ||
        market::response_hash(task.response_text) != bill.response_hash) {
        return make_error(Errc::kInvalid, "the texts are not those of the receipt");
    }
    for (ports::Auditor* auditor : deps_.auditors) {
        if (auditor->model_root() == bill.model_root) return auditor;
    }
    return make_error(Errc::kNotFound, "no weights of that model here");
}

Task<Result<Hash>> LocalAudits::root_of(const AuditTask* task, TimePoint deadline) {
    const UsageReceipt& bill = task->receipt.receipt;
    if (tier_of(task->request.verification) == AuditTier::kServed) co_return bill.verification_root;
    co_return co_await deps_.inference->replay(bill.job_id, deadline);
}

Task<Result<LocalVerdict>> LocalAudits::audit(AuditTask task, Duration patience) {
    Result<ports::Auditor*> checked = check(task);
    if (!checked) {
        // Both mean the same here: nobody knows whether the root was there before the draw.
        const bool is_unsealed =
            checked.error().code == Errc::kNotFound && !deps_.monitor->find_seal(task.receipt.receipt.job_id);
        co_return is_unsealed ? make_error(Errc::kDenied, checked.error().message) : std::move(checked).error();
    }
    ports::Auditor* auditor = *checked;
    const TimePoint deadline = deps_.runtime->now() + patience;
    const Result<Hash> root = co_await root_of(&task, deadline);
    if (!root) co_return not_opened(root.error());
    // Drawn here and now: after the seal, and in tier A after the replay's root.
    ports::AuditAnswer answer;
    deps_.runtime->random_bytes(answer.seed.bytes);
    answer.root = *root;
    answer.question = auditor->draw(task, answer.seed);
    if (answer.question == AuditQuestion{}) {
        co_return LocalVerdict{.outcome = VerdictOutcome::kAccepted, .reason = "nothing was billed"};
    }
    WorkerOpen request;
    request.job_id = task.receipt.receipt.job_id;
    request.root = *root;
    request.question = answer.question;
    Result<Opening> opening = co_await deps_.inference->open(std::move(request), deadline);
    if (!opening) co_return not_opened(opening.error());
    answer.opening = *std::move(opening);
    answer.memory = memory_[task.receipt.receipt.model_root];
    ports::AuditFinding finding;
    std::function<void()> work = [&finding, auditor, &task, &answer] { finding = auditor->check(task, answer); };
    co_await deps_.runtime->compute(std::move(work));
    if (finding.memory.size() <= ports::kMemoryBytesMax) {
        memory_[task.receipt.receipt.model_root] = std::move(finding.memory);
    }
    co_return LocalVerdict{.outcome = finding.outcome, .reason = std::move(finding.reason)};
}

}  // namespace vcity::monitor
