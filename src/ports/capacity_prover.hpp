// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "async/task.hpp"
#include "base/result.hpp"
#include "model/capacity.hpp"

namespace vcity::ports {

// The cards of this machine, answering a proof of capacity. Owned by the node; called on its runtime, computes off it.
// Every message names its card by the index in cards(): kNotFound for another. Errors besides: kInvalid for a message
// out of bounds or out of turn, kExhausted when the card's memory is too small, kUnavailable when the card failed. A
// call may not be repeated unless its answer was an error. Calls for several cards may run at the same time, those for
// one card one after the other.
class CapacityProver {
  public:
    virtual ~CapacityProver() = default;
    virtual std::vector<CapacityCard> cards() = 0;
    virtual Task<Result<CapacityChainCommitment>> run_chain(CapacityChainChallenge challenge) = 0;
    // Once for each chain.
    virtual Task<Result<CapacityOpening>> open(CapacityDraw draw) = 0;
    // A chunk at offset 0 starts a new store and drops the one before.
    virtual Task<Result<void>> fill(CapacityFill chunk) = 0;
    virtual Task<Result<CapacityAnswer>> sweep(CapacitySweep challenge) = 0;
    // Gives back the memory of all cards.
    virtual Task<void> release() = 0;
};

}  // namespace vcity::ports
