// SPDX-License-Identifier: Apache-2.0
#include "services/verifier/capacity_link.hpp"

#include <utility>

namespace vcity::verifier {
namespace {

// Only an opening is so long; a node cannot make us collect more.
constexpr std::uint64_t kAnswerBytesMax = std::uint64_t{128} << 20U;

}  // namespace

Task<Result<CapacityReply>> CapacityLink::ask_piece(CapacityQuestion question, TimePoint deadline) {
    const std::uint64_t number = question.number;
    const std::uint64_t offset = question.offset;
    pending_[number].reset();
    if (!lost_ && !parts_.post(std::move(question))) lost_ = true;
    bool in_time = true;
    while (!lost_ && in_time && !pending_[number]) {
        in_time = co_await changed_.wait_until(deadline);
    }
    std::optional<CapacityReply> reply = std::exchange(pending_[number], std::nullopt);
    pending_.erase(number);
    if (lost_) co_return make_error(Errc::kUnavailable, "the link is down");
    if (!reply) co_return make_error(Errc::kTimeout, "no answer in time");
    if (!reply->available) co_return make_error(Errc::kDenied, std::move(reply->reason));
    if (reply->offset != offset || reply->total > kAnswerBytesMax || reply->body.size() > reply->total - offset) {
        co_return make_error(Errc::kInvalid, "not a piece of an answer");
    }
    co_return *std::move(reply);
}

Task<Result<Bytes>> CapacityLink::ask(Bytes body) {
    const TimePoint deadline = parts_.runtime->now() + parts_.answer_max;
    CapacityQuestion question;
    question.node = parts_.node;
    question.session = parts_.session;
    question.number = next_++;
    question.body = std::move(body);
    CapacityQuestion more = question;
    more.body.clear();
    CO_TRY(CapacityReply first, co_await ask_piece(std::move(question), deadline));
    Bytes whole = std::move(first.body);
    while (whole.size() < first.total) {
        more.offset = whole.size();
        if (more.offset == 0) co_return make_error(Errc::kInvalid, "an empty piece of an answer");
        CO_TRY(const CapacityReply piece, co_await ask_piece(more, deadline));
        if (piece.total != first.total || piece.body.empty()) {
            co_return make_error(Errc::kInvalid, "not a piece of this answer");
        }
        append(&whole, piece.body);
    }
    co_return whole;
}

template <class Answer>
Task<Result<Answer>> CapacityLink::ask_for(capacity::CapacityMessage question) {
    CO_TRY(const Bytes bytes, co_await ask(capacity::encode(question)));
    CO_TRY(capacity::CapacityMessage answer, capacity::parse(bytes));
    if (auto* expected = std::get_if<Answer>(&answer)) co_return std::move(*expected);
    co_return make_error(Errc::kInvalid, "not the answer to this question");
}

Task<Result<CapacityChainCommitment>> CapacityLink::run_chain(CapacityChainChallenge challenge) {
    return ask_for<CapacityChainCommitment>(std::move(challenge));
}

Task<Result<CapacityOpening>> CapacityLink::open(CapacityDraw draw) {
    return ask_for<CapacityOpening>(std::move(draw));
}

Task<Result<CapacityAnswer>> CapacityLink::sweep(CapacitySweep challenge) {
    return ask_for<CapacityAnswer>(challenge);
}

Task<Result<void>> CapacityLink::fill(CapacityFill chunk) {
    Bytes body = capacity::encode(std::move(chunk));
    CO_TRY_OK(co_await ask(std::move(body)));
    co_return Result<void>{};
}

Task<Result<void>> CapacityLink::greet() {
    Bytes nothing;
    CO_TRY_OK(co_await ask(std::move(nothing)));
    co_return Result<void>{};
}

Task<void> CapacityLink::release() {
    const Result<void> released = co_await greet();
    (void)released;  // the node's own loss
}

void CapacityLink::on_reply(CapacityReply reply) {
    const auto asked = pending_.find(reply.number);
    if (reply.session != parts_.session || asked == pending_.end() || asked->second) return;
    asked->second = std::move(reply);
    changed_.notify();
}

void CapacityLink::on_link_lost() {
    lost_ = true;
    changed_.notify();
}

}  // namespace vcity::verifier
