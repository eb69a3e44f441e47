// SPDX-License-Identifier: Apache-2.0
#include "services/node/capacity_desk.hpp"

#include <algorithm>
#include <utility>

namespace vcity::node {
namespace {

// Above the cards of one machine.
constexpr std::size_t kQuestionsMax = 64;

template <class Answer>
Result<Bytes> encoded(Result<Answer> answer) {
    if (!answer) return std::move(answer).error();
    return capacity::encode(*std::move(answer));
}

}  // namespace

void CapacityDesk::on_question(CapacityQuestion question) {
    if (prover_ == nullptr) return refuse(question, "not offered");
    if (question.session != session_) {
        if (running_ > 0) return refuse(question, "the cards are still at work for another session");
        session_ = question.session;
        answers_.clear();
    }
    if (question.offset > 0) return send_piece(question);
    const bool is_over = question.body.empty();
    if (is_over && running_ > 0) {
        on_link_lost();  // as soon as the cards are idle
        return refuse(question, "the cards are still at work");
    }
    if (running_ + answers_.size() >= kQuestionsMax) return refuse(question, "too many questions");
    ++running_;
    group_->spawn(answer(std::move(question)));
}

void CapacityDesk::on_link_lost() {
    if (session_ == Hash{}) return;
    session_ = Hash{};
    answers_.clear();
    if (running_ == 0) group_->spawn(release());
}

Task<void> CapacityDesk::release() {
    ++running_;
    co_await prover_->release();
    --running_;
}

Task<void> CapacityDesk::answer(CapacityQuestion question) {
    Result<Bytes> bytes = Bytes{};
    if (question.body.empty()) {
        answers_.clear();
        co_await prover_->release();
    } else {
        Result<capacity::CapacityMessage> message = capacity::parse(question.body);
        if (message) {
            bytes = co_await compute(*std::move(message));
        } else {
            bytes = std::move(message).error();
        }
    }
    --running_;
    if (session_ == Hash{}) {
        // Nobody waits for it any more.
        if (running_ == 0) {
            co_await release();
        }
    } else if (!bytes) {
        refuse(question, bytes.error().message);
    } else if (question.session == session_) {
        answers_[question.number] = *std::move(bytes);
        send_piece(question);
    }
}

Task<Result<Bytes>> CapacityDesk::compute(capacity::CapacityMessage message) {
    if (auto* chain = std::get_if<CapacityChainChallenge>(&message)) {
        Result<CapacityChainCommitment> commitment = co_await prover_->run_chain(std::move(*chain));
        co_return encoded(std::move(commitment));
    }
    if (auto* draw = std::get_if<CapacityDraw>(&message)) {
        Result<CapacityOpening> opening = co_await prover_->open(std::move(*draw));
        co_return encoded(std::move(opening));
    }
    if (auto* sweep = std::get_if<CapacitySweep>(&message)) {
        Result<CapacityAnswer> sums = co_await prover_->sweep(std::move(*sweep));
        co_return encoded(std::move(sums));
    }
    if (auto* fill = std::get_if<CapacityFill>(&message)) {
        CO_TRY_OK(co_await prover_->fill(std::move(*fill)));
        co_return Bytes{};
    }
    co_return make_error(Errc::kInvalid, "not a question");
}

void CapacityDesk::send_piece(const CapacityQuestion& question) {
    const auto found = answers_.find(question.number);
    if (found == answers_.end()) return refuse(question, "no such answer");
    const Bytes& whole = found->second;
    if (question.offset > whole.size()) return refuse(question, "beyond the answer's end");
    const std::size_t begin = question.offset;
    const std::size_t end = begin + std::min(whole.size() - begin, kCapacityBodyMax);
    CapacityReply reply;
    reply.session = question.session;
    reply.number = question.number;
    reply.available = true;
    reply.offset = begin;
    reply.total = whole.size();
    reply.body.assign(whole.begin() + static_cast<std::ptrdiff_t>(begin),
                      whole.begin() + static_cast<std::ptrdiff_t>(end));
    if (end == whole.size()) answers_.erase(found);
    post_(std::move(reply));
}

void CapacityDesk::refuse(const CapacityQuestion& question, std::string reason) {
    CapacityReply reply;
    reply.session = question.session;
    reply.number = question.number;
    reply.offset = question.offset;
    reply.reason = std::move(reason);
    post_(std::move(reply));
}

}  // namespace vcity::node
