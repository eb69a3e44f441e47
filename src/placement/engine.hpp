// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "model/job.hpp"

namespace vcity::placement {

// One node's offer of one model, as the scheduler knows it now.
struct Candidate {
    Address node;
    ModelOffer offer;
    std::uint32_t leased = 0;    // slots of this offer that are taken
    std::uint32_t failures = 0;  // recent failures, decayed by the directory
    Vcai stake;
    Hash monitor_key;         // as announced; zero: it has none
    bool is_active = false;   // registered on chain with enough stake, and connected
    bool is_flagged = false;  // a verifier rejected a result of it, or it left too many unopened
};

struct Demand {
    ModelRequest request;
    std::optional<Hash> model_root;  // the weights that the model's name stands for, when the scheduler pins them
    TokenPrices prices_max;
    std::vector<Address> excluded;  // failed this job before
};

struct Placed {
    std::size_t candidate = 0;  // index into the candidates
    PlacementReason reason;
};

// What the caller can do about it differs by kind.
struct NotPlaced {
    enum class Kind : std::uint8_t {
        kNoOffer,   // nobody serves this model now
        kRuledOut,  // somebody does, but not on these terms: ask for less or pay more
        kAway,      // a node that would do is not connected now: it may come back
        kBusy,      // only free slots are missing: wait
    };
    Kind kind = Kind::kNoOffer;
    PlacementReason reason;
};

using Placement = std::variant<Placed, NotPlaced>;

// The best candidate, or why there is none. Pure and deterministic: the order of the candidates does not matter.
// Hard filters: model, pinned root, not flagged, not excluded, prices, context length, the tier and
// the monitor that the request's verification asks for, active, a free slot. Among the
// rest the smallest wins of (cost of the request at the offered prices, share of slots taken, recent failures, stake
// with the greater first, address), all in integers.
Placement place(const Demand& demand, const std::vector<Candidate>& candidates);

// For a choice that was made by other means with the same hard filters: how many would do, and what ruled out the
// others, as it follows the sentence about the chosen one.
struct Losses {
    std::uint32_t fitting = 0;
    std::uint32_t rejected = 0;
    std::string text;  // "; 2 ruled out: ..."
};
Losses losses(const Demand& demand, const std::vector<Candidate>& candidates);

}  // namespace vcity::placement
