// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"
#include "capacity/store.hpp"
#include "model/capacity.hpp"

namespace vcity::capacity {

// What one card is said to be: figures of CardSpec, or a node's own for a processor without a card.
struct CardClaim {
    std::string name;
    std::uint64_t memory_bytes = 0;
    std::uint64_t bandwidth = 0;   // bytes a second
    std::uint64_t operations = 0;  // a second
};

// How hard a session looks. docs/capacity.md derives the defaults.
struct SessionPolicy {
    std::size_t cells = 96;          // drawn of each chain
    std::uint32_t rows = 1;          // computed outright of each opened product
    double memory_fraction = 0.9;    // of the claimed memory that D takes
    std::uint32_t full_rounds = 12;  // over all of D
    std::uint32_t short_rounds = 24;
    std::uint64_t short_bytes = std::uint64_t{256} << 20U;
    // A round is in time within bytes / bandwidth * factor + exchange + round_trip.
    double bandwidth_factor = 1.6;
    double operations_factor = 6.0;
    double in_time_fraction = 0.75;                         // of the rounds of a kind
    Duration exchange = std::chrono::milliseconds{2};       // launches and copies of one round on the node
    Duration chain_setup = std::chrono::milliseconds{200};  // making and uploading A and the first state
    Duration round_trip{};                                  // measured to where the node says it is
    Duration answer_max = std::chrono::seconds{20};         // then it counts as no answer
};

enum class CardOutcome : unsigned char {
    kAccepted,
    kNoAnswer,      // not within answer_max
    kOutOfTurn,     // a message of another session, card or round, or one that was not asked for
    kMalformed,     // sizes or form of an opening
    kWrongRoot,     // opened what it had not committed to
    kWrongProduct,  // the chain was not computed
    kWrongSums,     // D is not there
    kSlowCompute,   // the chain took longer than the claimed card needs
    kSlowMemory,    // D is not in memory of the claimed bandwidth, or the card answers for another one too
    kTooFar,        // short rounds take longer than the way to the node explains
};
std::string_view to_string(CardOutcome outcome);

struct CardScore {
    CardOutcome outcome = CardOutcome::kAccepted;
    double operations = 0;             // a second, lower bound
    double bandwidth = 0;              // bytes a second, median of the full rounds, lower bound
    std::uint64_t resident_bytes = 0;  // of D
    Duration chain_time{};
    Duration short_time{};  // median of the short rounds
    Duration card_time{};   // all the time the card was kept busy
    std::uint32_t rounds_in_time = 0;
};

// Rows of a card's D that are to be sent.
struct FillPart {
    std::uint32_t card = 0;
    std::uint32_t first_row = 0;
    std::uint32_t rows = 0;
};

// Sizes for a claim: a chain that takes the claimed peak about a fifth of a second and whose opening of 96 cells is at
// most 77 MB, a store of the given number of bytes or a little less.
CapacityChainShape chain_for(std::uint64_t operations);
CapacityStoreShape store_for(std::uint64_t bytes);

// The verifier's side of one session with all cards of a node. Pure: the caller carries messages and tells the time.
// Order: begin, on_commitment of every card, draws, on_opening, next_fill until none, then start_round and on_answer
// until done. All cards are challenged at the same instant, so no card can answer for another. A card that fails is
// left out of what follows; expire() fails those whose answers are missing.
class Session {
  public:
    // id names the session and is public; secret (32 fresh random bytes) must stay unknown to the node.
    Session(const Hash& id, const Hash& secret, std::vector<CardClaim> claims, const SessionPolicy& policy);
    // As above with sizes that are checked ones; for tests and small machines.
    Session(const Hash& id,
            const Hash& secret,
            std::vector<CardClaim> claims,
            const SessionPolicy& policy,
            const CapacityChainShape& chain,
            const CapacityStoreShape& store);

    std::vector<CapacityChainChallenge> begin(TimePoint now);
    void on_commitment(const CapacityChainCommitment& commitment, TimePoint now);
    // What to open, once every card committed or failed; empty before.
    std::vector<CapacityDraw> draws(TimePoint now);
    void on_opening(const CapacityOpening& opening, TimePoint now);
    // The next part of some card's D; none when all are given out. make_fill() is the work, which may run on other
    // threads while nothing else happens to the session; keep_fill() takes what it gave, and the message is then sent,
    // for each card in the order of the parts.
    std::optional<FillPart> next_part(std::size_t bytes_max);
    StoreRows make_fill(const FillPart& part) const;
    CapacityFill keep_fill(const FillPart& part, StoreRows rows);
    // All three in one.
    std::optional<CapacityFill> next_fill(std::size_t bytes_max);
    // The next round for all cards; empty when there is none left or one is under way.
    std::vector<CapacitySweep> start_round(TimePoint now);
    void on_answer(const CapacityAnswer& answer, TimePoint now);
    // The node said nothing, or an error, for this card.
    void on_failure(std::uint32_t card);
    // Fails every card that owes an answer for longer than answer_max.
    void expire(TimePoint now);

    bool done() const;
    // One a card; final once done().
    std::vector<CardScore> scores() const;

  private:
    struct Card {
        CardClaim claim;
        CapacityChainChallenge challenge;
        std::optional<CapacityChainCommitment> commitment;
        CapacityDraw draw;
        bool opened = false;
        std::optional<StoreKey> store;
        std::uint32_t rows_given = 0;  // of D, as parts
        std::optional<CapacitySweep> sweep;
        std::vector<Duration> full_times;
        std::vector<Duration> short_times;
        CardScore score;

        bool failed() const { return score.outcome != CardOutcome::kAccepted; }
    };

    void add_card(CardClaim claim, const CapacityChainShape& chain, const CapacityStoreShape& store);
    // Null for a card that does not exist or failed, also by this message.
    Card* find(std::uint32_t card, const Hash& session, TimePoint now);
    CapacitySweep next_sweep(const Card& card, std::uint32_t index) const;
    bool waiting() const;
    void judge_times(Card* card);
    Duration allowed(const Card& card, std::uint64_t bytes) const;
    std::uint32_t in_time(const Card& card, const std::vector<Duration>& times, std::uint64_t bytes) const;
    std::uint64_t short_bytes(const Card& card) const;

    Hash id_;
    Hash secret_;
    SessionPolicy policy_;
    std::vector<Card> cards_;
    TimePoint asked_{};
    std::uint32_t rounds_ = 0;  // started so far
    bool begun_ = false;
    bool drawn_ = false;
};

}  // namespace vcity::capacity
