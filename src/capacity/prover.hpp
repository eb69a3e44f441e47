// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>

#include "capacity/chain.hpp"
#include "capacity/device.hpp"
#include "capacity/store.hpp"

namespace vcity::capacity {

// The node's side of a session for one card: answers messages by computing on the device. Messages are untrusted;
// kInvalid when one is out of bounds or out of turn, else the device's errors.
class Prover {
  public:
    explicit Prover(Device* device) : device_{device} {}

    Result<CapacityChainCommitment> run_chain(const CapacityChainChallenge& challenge);
    // Once for each chain: what was drawn after the commitment.
    Result<CapacityOpening> open(const CapacityDraw& draw);
    Result<void> fill(const CapacityFill& chunk);
    Result<CapacityAnswer> sweep(const CapacitySweep& challenge);
    // Gives the card's memory back.
    void release();

  private:
    Result<CapacityOpenedCell> start_of(const CapacityCell& cell);
    Result<void> add_products(std::vector<CapacityOpenedCell>* cells);

    Device* device_;
    std::optional<CapacityChainChallenge> chain_;
    std::optional<crypto::MerkleTree> tree_;
    CapacityStoreShape store_;
    Hash store_session_;
    std::uint64_t filled_ = 0;
};

}  // namespace vcity::capacity
