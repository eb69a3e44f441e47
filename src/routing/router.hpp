// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <variant>
#include <vector>

#include "base/result.hpp"
#include "routing/prefix_index.hpp"

// Chooses among the replicas of one deployed model. Times in nanoseconds, prices in micro-dollars for a million tokens.
namespace vcity::routing {

using Nanos = std::uint64_t;

struct Replica {
    std::uint16_t region = 0;
    Nanos prefill_per_token = 0;  // to compute one prompt token that is not cached
    std::uint32_t slots = 1;      // requests at a time, queued ones included
    std::uint32_t cache_blocks = 0;
    std::uint64_t price = 0;  // of output
    std::uint64_t input_price = 0;
    std::uint32_t features = 0;        // one bit for each thing that a request may need
    std::uint32_t context_tokens = 0;  // the most it holds
    Nanos away = 0;                    // beyond its region's round trip: measured
    Nanos penalty = 0;                 // time that its record is expected to cost; weighs and is not waited for

    bool operator==(const Replica&) const = default;
};

struct Request {
    std::uint16_t region = 0;                 // of the client
    std::uint32_t tokens = 0;                 // of the prompt
    std::uint32_t block_tokens = 0;           // of one block; the last one may be shorter
    std::span<const std::uint64_t> blocks{};  // see PrefixIndex; empty: nothing is known
    std::uint64_t price_max = ~0ULL;
    std::uint64_t input_price_max = ~0ULL;
    std::uint32_t needs = 0;                // of the replica's features
    std::uint32_t context_min = 0;          // tokens
    Nanos per_price = 0;                    // time that one micro-dollar of price is worth to the client
    Nanos per_input_price = 0;              // the same for the price of input
    Nanos wait_max = ~0ULL;                 // an expected time to the first token beyond it is a refusal
    std::span<const ReplicaId> excluded{};  // tried before, or running the request already
};

struct Choice {
    ReplicaId replica = 0;
    std::uint32_t generation = 0;  // tells a replica from an earlier one with its number
    Nanos expected = 0;            // to the first token, the network's round trip included
    Nanos work = 0;                // of that what the replica itself has to do
    std::uint32_t cached_blocks = 0;
    Nanos hedge_after = 0;  // without a first token by then, a second replica is worth asking
};

struct Refusal {
    enum class Kind : std::uint8_t {
        kNone,     // no replica that does what is needed, or all were tried
        kTooDear,  // none at this price
        kBusy,     // all slots are taken or the wait is too long: 429 or 503 with Retry-After
    };
    Kind kind = Kind::kNone;
    Nanos retry_after = 0;  // kBusy only
};

struct RouterOptions {
    std::uint32_t cache_entries_max = 1U << 20U;
    std::uint32_t cached_candidates = 8;  // replicas with most of the prompt that are looked at
    std::uint32_t replicas_max = 1U << 20U;
    // Slots are taken by others as well, such as another model on the same machine: the owner counts all of them and
    // says so with set_active(); requests are not counted here.
    bool owner_counts_slots = false;
    std::uint32_t work_weight_percent = 100;  // see Router
};

// One request goes to the replica with the smallest expected time to the first token:
//
//   round trip + away + penalty + work it has in hand + prefill_per_token * (tokens - cached tokens)
//   [+ per_price * price + per_input_price * input price]
//
// where its own work counts once more by work_weight_percent, for what it makes later requests wait.
// Among the replicas without anything of the prompt the smallest is found exactly, by branch and bound over one
// tournament tree a region; replicas that hold a part of it are looked at one by one, the longest parts first. So a
// cached prefix attracts a request exactly as far as it saves time, and a loaded replica loses it: that is the load
// guard. Work in hand is counted, not timed: booked with dispatch(), taken back when the first token is there, and
// corrected by what it really took. What a request needs (features, context, both prices) rules out whole subtrees in
// the same way. Deterministic; no allocation but in add().
class Router {
  public:
    // round_trips: [from * regions + to].
    Router(std::uint16_t regions, std::vector<Nanos> round_trips, const RouterOptions& options = {});

    // kInvalid for an unknown region or no slots; kExhausted beyond replicas_max.
    Result<ReplicaId> add(const Replica& replica);
    // Requests on it are forgotten; its number may be used again. No effect when it is not there.
    void remove(ReplicaId replica);
    // A replica that is draining or that stopped answering gets nothing new.
    void set_available(ReplicaId replica, bool is_available);
    // The time to reach it and what its record costs, as they are known now.
    void set_terms(ReplicaId replica, Nanos away, Nanos penalty);
    // With owner_counts_slots: how many of its slots are taken.
    void set_active(ReplicaId replica, std::uint32_t active);
    std::size_t replicas() const { return count_; }

    std::variant<Choice, Refusal> choose(const Request& request) const;
    // This replica, when it can take the request now; wait_max does not count.
    std::optional<Choice> choice_of(ReplicaId replica, const Request& request) const;
    // The request goes there. Give the same request as to choose().
    void dispatch(const Choice& choice, const Request& request);
    // Its first token is there, after `took` on the replica for `choice.work` expected.
    void on_first_token(const Choice& choice, Nanos took);
    // It ended after its first token.
    void on_end(const Choice& choice);
    // It ended without any.
    void on_failure(const Choice& choice);

    Nanos backlog(ReplicaId replica) const;
    // As learned from first tokens.
    Nanos prefill_per_token(ReplicaId replica) const;

  private:
    // Of a subtree: the best that any replica in it can have.
    struct Bound {
        Nanos ready = ~0ULL;  // backlog, away and penalty; none is free
        Nanos per_token = ~0ULL;
        std::uint64_t price = ~0ULL;
        std::uint64_t input_price = ~0ULL;
        std::uint32_t features = 0;
        std::uint32_t context_tokens = 0;
    };
    struct Slot {
        Replica replica;
        bool is_used = false;
        bool is_available = false;
        std::uint32_t generation = 0;
        std::uint32_t active = 0;
        Nanos backlog = 0;
        std::uint32_t speed_q10 = 1024;  // measured over expected time, smoothed
        std::uint32_t place = 0;         // leaf in its region's tree
    };
    // Leaves stand in the order of their speed but for the newest ones, so that subtrees have tight bounds.
    struct Region {
        std::vector<Bound> nodes;        // [1] the root, leaves from `width` on
        std::vector<ReplicaId> members;  // by leaf, without gaps
        std::uint32_t width = 0;
        std::uint32_t unsorted = 0;  // added since the last sorting
    };
    struct Best {
        Nanos cost = ~0ULL;
        ReplicaId replica = 0;
        std::uint32_t cached = 0;
        bool is_found = false;
    };

    Nanos round_trip(std::uint16_t from, std::uint16_t to) const { return round_trips_[from * regions_.size() + to]; }
    Nanos work_of(const Slot& slot, const Request& request, std::uint32_t cached_blocks) const;
    Nanos weighted(Nanos work) const;
    static bool is_free(const Slot& slot);
    static Nanos per_token_of(const Slot& slot);
    static bool is_able(const Slot& slot, const Request& request);
    Choice make_choice(ReplicaId replica, const Request& request, std::uint32_t cached_blocks) const;
    void consider(const Request& request, ReplicaId replica, std::uint32_t cached, Best* best) const;
    void search(const Request& request, std::uint16_t region, Best* best) const;
    Refusal why_none(const Request& request) const;
    Bound bound_of(const Slot& slot) const;
    void refresh(ReplicaId replica);
    static void refresh_above(Region* region, std::uint32_t leaf);
    static Bound both(const std::vector<Bound>& nodes, std::size_t parent);
    void sort_leaves(Region* region);
    void sum_up(Region* region);
    Slot* slot_of(const Choice& choice);
    void release(const Choice& choice, bool had_token);

    RouterOptions options_;
    std::vector<Nanos> round_trips_;
    std::vector<std::vector<std::uint16_t>> nearest_;  // regions by round trip
    std::vector<Region> regions_;
    std::vector<Slot> slots_;
    std::vector<ReplicaId> free_;
    std::size_t count_ = 0;
    PrefixIndex prefixes_;
};

}  // namespace vcity::routing
