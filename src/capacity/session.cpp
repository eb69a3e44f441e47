// SPDX-License-Identifier: Apache-2.0
#include "capacity/session.hpp"

#include <algorithm>
#include <cmath>

#include "base/check.hpp"
#include "capacity/chain.hpp"
#include "capacity/check.hpp"
#include "capacity/stream.hpp"

namespace vcity::capacity {
namespace {

Duration seconds(double value) {
    return std::chrono::duration_cast<Duration>(std::chrono::duration<double>{value});
}
double to_seconds(Duration value) {
    return std::chrono::duration<double>{value}.count();
}

// The middle one, the later of the two middle ones.
Duration median(std::vector<Duration> times) {
    if (times.empty()) return {};
    const auto middle = times.begin() + static_cast<std::ptrdiff_t>(times.size() / 2);
    std::nth_element(times.begin(), middle, times.end());
    return *middle;
}

std::uint32_t multiple_of_16(double value, std::uint32_t least, std::uint32_t most) {
    const double rounded = std::floor(value / 16) * 16;
    return static_cast<std::uint32_t>(std::clamp(rounded, double{1} * least, double{1} * most));
}

CardOutcome outcome_of(ChainFault fault) {
    switch (fault) {
        case ChainFault::kNone: return CardOutcome::kAccepted;
        case ChainFault::kMalformed: return CardOutcome::kMalformed;
        case ChainFault::kWrongRoot: return CardOutcome::kWrongRoot;
        case ChainFault::kWrongProduct: return CardOutcome::kWrongProduct;
    }
    unreachable();
}

}  // namespace

std::string_view to_string(CardOutcome outcome) {
    switch (outcome) {
        case CardOutcome::kAccepted: return "accepted";
        case CardOutcome::kNoAnswer: return "no answer";
        case CardOutcome::kOutOfTurn: return "message out of turn";
        case CardOutcome::kMalformed: return "malformed opening";
        case CardOutcome::kWrongRoot: return "opened what was not committed to";
        case CardOutcome::kWrongProduct: return "wrong product";
        case CardOutcome::kWrongSums: return "wrong sums over the store";
        case CardOutcome::kSlowCompute: return "computes too slowly for its claim";
        case CardOutcome::kSlowMemory: return "reads its memory too slowly for its claim";
        case CardOutcome::kTooFar: return "answers from farther than it says";
    }
    unreachable();
}

CapacityChainShape chain_for(std::uint64_t operations) {
    const double wanted = static_cast<double>(operations) / 5;
    CapacityChainShape shape;
    // A card needs large matrices to be busy; 512 steps of a smaller one keep a processor busy.
    shape.rows = multiple_of_16(std::cbrt(wanted / (2 * 512)), 64, 4096);
    shape.columns = shape.rows;
    shape.block_columns = 1;
    shape.steps = 64;
    const double segment = 2.0 * shape.rows * shape.rows * shape.columns * shape.steps;
    shape.segments = static_cast<std::uint32_t>(std::clamp(std::round(wanted / segment), 8.0, 96.0));
    return shape;
}

CapacityStoreShape store_for(std::uint64_t bytes) {
    CapacityStoreShape shape;
    // Wide enough for a card's threads, and an answer of at most 512 KiB.
    shape.columns = multiple_of_16(std::sqrt(static_cast<double>(bytes)) / 4, 64, 65536);
    shape.rows = static_cast<std::uint32_t>(std::clamp<std::uint64_t>(bytes / shape.columns, 1, 0xFFFFFFFF));
    return shape;
}

Session::Session(const Hash& id, const Hash& secret, std::vector<CardClaim> claims, const SessionPolicy& policy)
    : id_{id}, secret_{secret}, policy_{policy} {
    for (CardClaim& claim : claims) {
        const auto bytes = static_cast<std::uint64_t>(static_cast<double>(claim.memory_bytes) * policy.memory_fraction);
        const CapacityChainShape chain = chain_for(claim.operations);
        add_card(std::move(claim), chain, store_for(bytes));
    }
}

Session::Session(const Hash& id,
                 const Hash& secret,
                 std::vector<CardClaim> claims,
                 const SessionPolicy& policy,
                 const CapacityChainShape& chain,
                 const CapacityStoreShape& store)
    : id_{id}, secret_{secret}, policy_{policy} {
    for (CardClaim& claim : claims) add_card(std::move(claim), chain, store);
}

void Session::add_card(CardClaim claim, const CapacityChainShape& chain, const CapacityStoreShape& store) {
    CHECK(check_shape(chain).has_value() && check_store(store).has_value());
    CHECK(claim.bandwidth > 0 && claim.operations > 0);
    const auto number = static_cast<std::uint32_t>(cards_.size());
    Card& card = cards_.emplace_back();
    card.claim = std::move(claim);
    card.challenge = {id_, number, chain, derive_key("chain", secret_, number)};
    card.store.emplace(store, derive_key("data", secret_, number), derive_key("vector", secret_, number));
}

Session::Card* Session::find(std::uint32_t card, const Hash& session, TimePoint now) {
    if (card >= cards_.size() || cards_[card].failed()) return nullptr;
    if (session != id_ || !begun_) {
        cards_[card].score.outcome = CardOutcome::kOutOfTurn;
    } else if (now - asked_ > policy_.answer_max) {
        cards_[card].score.outcome = CardOutcome::kNoAnswer;
    }
    return cards_[card].failed() ? nullptr : &cards_[card];
}

std::vector<CapacityChainChallenge> Session::begin(TimePoint now) {
    asked_ = now;
    begun_ = true;
    std::vector<CapacityChainChallenge> challenges;
    for (const Card& card : cards_) challenges.push_back(card.challenge);
    return challenges;
}

void Session::on_commitment(const CapacityChainCommitment& commitment, TimePoint now) {
    Card* card = find(commitment.card, commitment.session, now);
    if (card == nullptr) return;
    if (card->commitment) {
        card->score.outcome = CardOutcome::kOutOfTurn;
        return;
    }
    card->commitment = commitment;
    const Duration elapsed = now - asked_;
    card->score.chain_time = elapsed;
    card->score.card_time += elapsed;
    const double operations = card->challenge.shape.operations();
    const Duration overhead = policy_.chain_setup + policy_.round_trip;
    const double computing = to_seconds(std::max(elapsed - policy_.round_trip, Duration{1}));
    card->score.operations = operations / computing;
    const double allowed = operations / static_cast<double>(card->claim.operations) * policy_.operations_factor;
    if (elapsed > overhead + seconds(allowed)) card->score.outcome = CardOutcome::kSlowCompute;
}

std::vector<CapacityDraw> Session::draws(TimePoint now) {
    if (drawn_) return {};
    for (const Card& card : cards_) {
        if (!card.failed() && !card.commitment) return {};
    }
    drawn_ = true;
    asked_ = now;
    std::vector<CapacityDraw> draws;
    for (Card& card : cards_) {
        if (card.failed()) continue;
        const Hash key = derive_key("draw", secret_, card.challenge.card);
        card.draw = {id_, card.challenge.card, draw_cells(card.challenge.shape, policy_.cells, key)};
        draws.push_back(card.draw);
    }
    return draws;
}

void Session::on_opening(const CapacityOpening& opening, TimePoint now) {
    Card* card = find(opening.card, opening.session, now);
    if (card == nullptr) return;
    if (card->draw.cells.empty() || card->opened) {
        card->score.outcome = CardOutcome::kOutOfTurn;
        return;
    }
    card->opened = true;
    card->score.card_time += now - asked_;
    const Hash key = derive_key("check", secret_, opening.card);
    const ChainFault fault = check_opening(card->challenge, *card->commitment, card->draw, opening, key, policy_.rows);
    card->score.outcome = outcome_of(fault);
}

std::optional<FillPart> Session::next_part(std::size_t bytes_max) {
    for (Card& card : cards_) {
        const CapacityStoreShape& shape = card.store->shape();
        if (card.failed() || !card.opened || card.rows_given == shape.rows) continue;
        const auto fitting =
            static_cast<std::uint32_t>(std::max<std::size_t>(1, std::min(bytes_max, kFillBytesMax) / shape.columns));
        const FillPart part{card.challenge.card, card.rows_given, std::min(fitting, shape.rows - card.rows_given)};
        card.rows_given += part.rows;
        return part;
    }
    return std::nullopt;
}

StoreRows Session::make_fill(const FillPart& part) const {
    return cards_.at(part.card).store->make_rows(part.first_row, part.rows);
}

CapacityFill Session::keep_fill(const FillPart& part, StoreRows rows) {
    StoreKey& store = *cards_.at(part.card).store;
    store.keep(rows);
    const std::uint64_t offset = std::uint64_t{part.first_row} * store.shape().columns;
    return CapacityFill{id_, part.card, store.shape(), offset, std::move(rows.data)};
}

std::optional<CapacityFill> Session::next_fill(std::size_t bytes_max) {
    const std::optional<FillPart> part = next_part(bytes_max);
    if (!part) return std::nullopt;
    return keep_fill(*part, make_fill(*part));
}

bool Session::waiting() const {
    return std::ranges::any_of(cards_, [](const Card& card) { return !card.failed() && card.sweep; });
}

std::uint64_t Session::short_bytes(const Card& card) const {
    const CapacityStoreShape& shape = card.store->shape();
    return std::clamp<std::uint64_t>(policy_.short_bytes / shape.columns, 1, shape.rows) * shape.columns;
}

CapacitySweep Session::next_sweep(const Card& card, std::uint32_t index) const {
    const CapacityStoreShape& shape = card.store->shape();
    const Hash key = derive_key("round", derive_key("rounds", secret_, card.challenge.card), index);
    CapacitySweep sweep{id_, card.challenge.card, index, 0, shape.rows, key};
    if (index >= policy_.full_rounds) {
        sweep.rows = static_cast<std::uint32_t>(short_bytes(card) / shape.columns);
        WordStream random{derive_key("window", key)};
        sweep.first_row = static_cast<std::uint32_t>(random.below(shape.rows - sweep.rows + std::uint64_t{1}));
    }
    return sweep;
}

std::vector<CapacitySweep> Session::start_round(TimePoint now) {
    if (waiting() || rounds_ == policy_.full_rounds + policy_.short_rounds) return {};
    std::vector<CapacitySweep> sweeps;
    for (Card& card : cards_) {
        if (card.failed()) continue;
        if (!card.opened || !card.store->complete()) return {};
        card.sweep = next_sweep(card, rounds_);
        sweeps.push_back(*card.sweep);
    }
    asked_ = now;
    ++rounds_;
    return sweeps;
}

void Session::on_answer(const CapacityAnswer& answer, TimePoint now) {
    Card* card = find(answer.card, answer.session, now);
    if (card == nullptr) return;
    if (!card->sweep || card->sweep->round != answer.round) {
        card->score.outcome = CardOutcome::kOutOfTurn;
        return;
    }
    const Duration elapsed = now - asked_;
    card->score.card_time += elapsed;
    (card->sweep->round < policy_.full_rounds ? card->full_times : card->short_times).push_back(elapsed);
    if (!card->store->accepts(*card->sweep, answer.sums)) card->score.outcome = CardOutcome::kWrongSums;
    card->sweep.reset();
    if (rounds_ == policy_.full_rounds + policy_.short_rounds && !card->failed()) judge_times(card);
}

void Session::on_failure(std::uint32_t card) {
    if (card < cards_.size() && !cards_[card].failed()) cards_[card].score.outcome = CardOutcome::kNoAnswer;
}

void Session::expire(TimePoint now) {
    if (now - asked_ <= policy_.answer_max) return;
    for (Card& card : cards_) {
        const bool owes = !card.commitment || (drawn_ && !card.opened) || card.sweep;
        if (owes && !card.failed()) card.score.outcome = CardOutcome::kNoAnswer;
    }
}

Duration Session::allowed(const Card& card, std::uint64_t bytes) const {
    const double reading = static_cast<double>(bytes) / static_cast<double>(card.claim.bandwidth);
    return seconds(reading * policy_.bandwidth_factor) + policy_.exchange + policy_.round_trip;
}

std::uint32_t Session::in_time(const Card& card, const std::vector<Duration>& times, std::uint64_t bytes) const {
    const Duration limit = allowed(card, bytes);
    return static_cast<std::uint32_t>(std::ranges::count_if(times, [&](Duration time) { return time <= limit; }));
}

void Session::judge_times(Card* card) {
    const std::uint64_t bytes = card->store->shape().bytes();
    const auto enough = [&](std::uint32_t good, std::size_t all) {
        return good >= policy_.in_time_fraction * static_cast<double>(all);
    };
    card->score.rounds_in_time = in_time(*card, card->full_times, bytes);
    card->score.short_time = median(card->short_times);
    card->score.resident_bytes = bytes;
    if (!card->full_times.empty()) {
        const double reading = to_seconds(std::max(median(card->full_times) - policy_.round_trip, Duration{1}));
        card->score.bandwidth = static_cast<double>(bytes) / reading;
    }
    if (!enough(card->score.rounds_in_time, card->full_times.size())) {
        card->score.outcome = CardOutcome::kSlowMemory;
    } else if (!enough(in_time(*card, card->short_times, short_bytes(*card)), card->short_times.size())) {
        card->score.outcome = CardOutcome::kTooFar;
    }
}

bool Session::done() const {
    const bool played = rounds_ == policy_.full_rounds + policy_.short_rounds && !waiting();
    return played || std::ranges::all_of(cards_, &Card::failed);
}

std::vector<CardScore> Session::scores() const {
    std::vector<CardScore> scores;
    for (const Card& card : cards_) scores.push_back(card.score);
    return scores;
}

}  // namespace vcity::capacity
