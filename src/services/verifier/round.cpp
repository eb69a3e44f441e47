// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <functional>

#include "market/typed_hashes.hpp"
#include "services/common/record.hpp"
#include "services/verifier/source.hpp"

namespace vcity::verifier {
namespace {

constexpr std::chrono::seconds kBeaconPoll{1};

void miss(AuditEvidence* evidence, std::string reason) {
    evidence->outcome = VerdictOutcome::kNotOpened;
    evidence->reason = std::move(reason);
}

bool answers(const Opening& opening, const AuditQuestion& question) {
    return std::ranges::equal(opening.cells, question.cells, {}, &OpenedCell::cell) &&
           std::ranges::equal(opening.pages, question.pages, {}, &OpenedPage::page) &&
           std::ranges::equal(opening.sketches, question.sketches, {}, &OpenedSketch::position);
}

}  // namespace

// Its hash was not known when the receipt was signed. A node whose clock is ahead only makes us wait.
Task<Beacon> Verifier::wait_for_beacon(UnixMillis signed_at) {
    const TimePoint give_up = deps_.runtime->now() + options_.beacon_patience;
    while (!stopping_ && deps_.runtime->now() < give_up) {
        const Result<std::optional<ChainHead>> block = co_await deps_.chain_reader->first_block_after(signed_at);
        if (block && *block) co_return Beacon{.hash = (*block)->hash, .block = (*block)->number};
        co_await deps_.runtime->sleep_until(deps_.runtime->now() + kBeaconPoll);
    }
    co_return Beacon{};
}

Task<Result<Verifier::Round>> Verifier::examine(AuditTask task,
                                                ports::Auditor* auditor,
                                                Beacon beacon,
                                                std::uint64_t number) {
    Round round;
    AuditEvidence& evidence = round.evidence;
    evidence.receipt_hash = market::receipt_hash(task.receipt.receipt);
    evidence.beacon = beacon;
    evidence.seed = audit_seed(secret_, evidence.receipt_hash, beacon, number);
    evidence.asked_at = deps_.runtime->unix_now();
    if (auditor->draw(task, evidence.seed) == AuditQuestion{}) {
        evidence.reason = "nothing was billed that could be checked";
        evidence.ended_at = deps_.runtime->unix_now();
        co_return round;
    }
    CO_TRY_OK(co_await learn_root(&task, &evidence));
    if (evidence.outcome == VerdictOutcome::kAccepted) {
        evidence.question = auditor->draw(task, evidence.seed);
        CO_TRY_OK(co_await learn_opening(&task, &evidence));
    }
    if (evidence.opening) {
        const std::string key = memory_key(task.receipt.receipt.model_root, task.receipt.receipt.node);
        CO_TRY(std::optional<Bytes> memory, co_await find(key));
        round.memory = std::move(memory).value_or(Bytes{});
        co_await judge(std::move(task), auditor, &round);
    }
    evidence.ended_at = deps_.runtime->unix_now();
    co_return round;
}

// Which tree is asked about: the receipt's own, or in tier A that of a replay, which the node has to fix first.
Task<Result<void>> Verifier::learn_root(const AuditTask* task, AuditEvidence* evidence) {
    if (tier_of(task->request.verification) == AuditTier::kServed) {
        evidence->root = task->receipt.receipt.verification_root;
        co_return Result<void>{};
    }
    ReplayRequest request;
    request.job_id = task->receipt.receipt.job_id;
    request.receipt_hash = evidence->receipt_hash;
    CO_TRY(const std::optional<Answer> answer, co_await ask(std::move(request), options_.replay_deadline));
    if (!answer) {
        miss(evidence, "the node did not replay the request in time");
        co_return Result<void>{};
    }
    const auto& reply = std::get<ReplayReply>(*answer);
    if (!reply.available) {
        miss(evidence, "the node says that it cannot replay the request: " + reply.reason);
        co_return Result<void>{};
    }
    evidence->root = reply.root;
    evidence->seed = replay_seed(evidence->seed, reply.root);
    co_return Result<void>{};
}

Task<Result<void>> Verifier::learn_opening(const AuditTask* task, AuditEvidence* evidence) {
    OpenRequest request;
    request.job_id = task->receipt.receipt.job_id;
    request.receipt_hash = evidence->receipt_hash;
    request.root = evidence->root;
    request.question = evidence->question;
    CO_TRY(std::optional<Answer> answer, co_await ask(std::move(request), options_.opening_deadline));
    if (!answer) {
        miss(evidence, "the node did not open what it had committed to in time");
        co_return Result<void>{};
    }
    auto& reply = std::get<OpenReply>(*answer);
    if (reply.available) {
        evidence->opening = std::move(reply.opening);
    } else {
        miss(evidence, "the node says that it cannot open what it had committed to: " + reply.reason);
    }
    co_return Result<void>{};
}

Task<void> Verifier::judge(AuditTask task, ports::Auditor* auditor, Round* round) {
    AuditEvidence& evidence = round->evidence;
    ports::AuditAnswer answer;
    answer.seed = evidence.seed;
    answer.question = evidence.question;
    answer.root = evidence.root;
    answer.opening = *evidence.opening;
    answer.memory = std::move(round->memory);
    ports::AuditFinding finding;
    std::function<void()> check = [&finding, auditor, &task, &answer] { finding = auditor->check(task, answer); };
    co_await deps_.runtime->compute(std::move(check));
    evidence.outcome = finding.outcome;
    evidence.reason = std::move(finding.reason);
    evidence.finding = std::move(finding.evidence);
    round->memory = std::move(finding.memory);
}

Task<Result<std::optional<Verifier::Answer>>> Verifier::ask(Message question, Duration patience) {
    Source* source = current_;
    if (!source->is_connected()) co_return make_error(Errc::kUnavailable, "not connected");
    const services::LinkSession* asked_on = source->session();
    asked_ = std::move(question);
    answer_.reset();
    const TimePoint deadline = deps_.runtime->now() + patience;
    while (!answer_ && !stopping_ && source->session() == asked_on && deps_.runtime->now() < deadline) {
        source->post(*asked_);
        const TimePoint again = std::min(deadline, deps_.runtime->now() + options_.ask_again);
        bool waiting = true;
        while (waiting && !answer_ && !stopping_ && source->session() == asked_on) {
            waiting = co_await answered_.wait_until(again);
        }
    }
    asked_.reset();
    std::optional<Answer> answer = std::exchange(answer_, std::nullopt);
    if (!answer && (stopping_ || source->session() != asked_on)) {
        co_return make_error(Errc::kUnavailable, "the link broke before an answer came");
    }
    co_return answer;
}

// An answer may be late: one to a question of before a timeout or a restart names another receipt, tree or place.
bool Verifier::is_answer(const Answer& answer) const {
    if (!asked_) return false;
    if (const auto* replayed = std::get_if<ReplayReply>(&answer)) {
        const auto* asked = std::get_if<ReplayRequest>(&*asked_);
        return asked != nullptr && replayed->receipt_hash == asked->receipt_hash;
    }
    const auto& opened = std::get<OpenReply>(answer);
    const auto* asked = std::get_if<OpenRequest>(&*asked_);
    if (asked == nullptr || opened.receipt_hash != asked->receipt_hash) return false;
    return !opened.available || answers(opened.opening, asked->question);
}

void Verifier::on_answer(const Source* from, Answer answer) {
    if (answer_ || from != current_ || !is_answer(answer)) return;
    answer_ = std::move(answer);
    answered_.notify();
}

}  // namespace vcity::verifier
