// SPDX-License-Identifier: Apache-2.0
#include "services/verifier/capacity_rounds.hpp"

#include <algorithm>

#include "capacity/specs.hpp"
#include "codec/hex.hpp"
#include "services/challenge/challenge.hpp"

namespace vcity::verifier {
namespace {

using capacity::CardClaim;
using capacity::CardOutcome;
using capacity::CardScore;

// Of one node; above what a machine holds.
constexpr std::uint16_t kCardsMax = 16;
constexpr std::uint64_t kRandomBytes = 8;

}  // namespace

std::vector<CardClaim> claims_of(const Hardware& hardware) {
    const capacity::CardSpec* spec = capacity::find_card(hardware.gpu_model);
    if (spec == nullptr || hardware.gpu_count > kCardsMax) return {};
    const CardClaim claim{std::string{spec->name}, spec->memory_bytes, spec->bandwidth, spec->operations};
    return std::vector<CardClaim>(hardware.gpu_count, claim);
}

capacity::SessionPolicy CapacityOptions::over_a_link() {
    capacity::SessionPolicy policy;
    policy.round_trip = std::chrono::milliseconds{200};
    policy.answer_max = std::chrono::seconds{60};
    return policy;
}

CapacityRounds::CapacityRounds(Parts parts, CapacityOptions options)
    : parts_{std::move(parts)}, options_{std::move(options)}, changed_{parts_.runtime} {}

Task<void> CapacityRounds::run() {
    while (!stopping_) {
        const TimePoint next = parts_.runtime->now() + options_.every;
        bool notified = true;
        while (notified && !stopping_) {
            notified = co_await changed_.wait_until(next);
        }
        if (!stopping_) {
            co_await hold();
        }
    }
}

void CapacityRounds::stop() {
    stopping_ = true;
    on_link_lost();
}

void CapacityRounds::on_link_lost() {
    if (link_) link_->on_link_lost();
    changed_.notify();
}

void CapacityRounds::on_offers(OffersReply offers) {
    offers_ = std::move(offers);
    changed_.notify();
}

void CapacityRounds::on_reply(CapacityReply reply) {
    if (link_) link_->on_reply(std::move(reply));
}

Task<void> CapacityRounds::hold() {
    const std::optional<Address> node = co_await pick();
    if (!node || stopping_) co_return;
    const Result<std::vector<CardScore>> scores = co_await examine(*node);
    link_.reset();
    report(*node, scores);
}

// Connected nodes serve something, so the offers name them all.
Task<std::optional<Address>> CapacityRounds::pick() {
    offers_.reset();
    if (!parts_.post(OffersRequest{})) co_return std::nullopt;
    const TimePoint deadline = parts_.runtime->now() + options_.find_patience;
    bool in_time = true;
    while (in_time && !offers_ && !stopping_) {
        in_time = co_await changed_.wait_until(deadline);
    }
    if (!offers_ || offers_->entries.empty()) co_return std::nullopt;
    const Hash random = random_hash();
    std::uint64_t number = 0;
    for (std::size_t i = 0; i < kRandomBytes; ++i) number = number << 8U | random.bytes[i];
    co_return offers_->entries[number % offers_->entries.size()].node;
}

Task<Result<std::vector<CardScore>>> CapacityRounds::examine(Address node) {
    CO_TRY(const std::optional<NodeRecord> record, co_await parts_.chain_reader->node(node));
    if (!record) co_return make_error(Errc::kNotFound, "the node is not registered");
    std::vector<CardClaim> claims = options_.claims(record->hardware);
    if (claims.empty()) co_return make_error(Errc::kNotFound, "no public figures of its card");
    CapacityLink::Parts parts;
    parts.runtime = parts_.runtime;
    parts.node = node;
    parts.session = random_hash();
    parts.answer_max = options_.policy.answer_max;
    parts.post = parts_.post;
    const std::unique_ptr<capacity::Session> session = make_session(parts.session, std::move(claims));
    link_ = std::make_unique<CapacityLink>(std::move(parts));
    const Result<void> greeted = co_await link_->greet();
    if (!greeted && greeted.error().code == Errc::kTimeout) {
        CardScore silent;
        silent.outcome = CardOutcome::kNoAnswer;
        co_return std::vector<CardScore>(session->scores().size(), silent);
    }
    if (!greeted) co_return greeted.error();
    std::vector<CardScore> scores =
        co_await services::challenge(parts_.runtime, link_.get(), session.get(), services::ChallengeOptions());
    if (link_->is_lost()) co_return make_error(Errc::kUnavailable, "the link broke");
    co_return scores;
}

std::unique_ptr<capacity::Session> CapacityRounds::make_session(const Hash& id, std::vector<CardClaim> claims) {
    const Hash secret = random_hash();
    if (!options_.sizes) return std::make_unique<capacity::Session>(id, secret, std::move(claims), options_.policy);
    return std::make_unique<capacity::Session>(id, secret, std::move(claims), options_.policy, options_.sizes->chain,
                                               options_.sizes->store);
}

Hash CapacityRounds::random_hash() {
    Hash hash;
    parts_.runtime->random_bytes(hash.bytes);
    return hash;
}

void CapacityRounds::report(const Address& node, const Result<std::vector<CardScore>>& scores) {
    std::string outcome = "not_held";
    std::string reason;
    if (scores) {
        const auto failed = std::ranges::find_if(
            *scores, [](const CardScore& score) { return score.outcome != CardOutcome::kAccepted; });
        outcome = to_string(failed == scores->end() ? CardOutcome::kAccepted : failed->outcome);
        std::ranges::replace(outcome, ' ', '_');
    } else {
        reason = scores.error().message;
    }
    parts_.metrics
        ->counter("vcity_verifier_capacity_sessions_total", "Proofs of capacity asked for", {{"outcome", outcome}})
        ->increment();
    parts_.log.info("capacity_session", {{"node", codec::to_hex(node)}, {"outcome", outcome}, {"reason", reason}});
}

}  // namespace vcity::verifier
