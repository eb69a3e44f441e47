// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "base/bytes.hpp"
#include "crypto/merkle.hpp"
#include "market/rewards.hpp"

// The roots that verifiers post to RewardRoots (contracts/src/treasury/RewardRoots.sol).
namespace vcity::market {

enum class RewardKind : std::uint8_t { kCapacity = 0, kDelivery = 1, kFeeTier = 2, kDemandRebate = 3 };

// keccak256(keccak256(abi.encode(uint8 kind, address account, uint256 cumulative))); for kFeeTier the number is the
// tier in basis points.
Hash reward_leaf(RewardKind kind, const Address& account, U128 cumulative);

// Cumulative rewards of one kind. Claims are cumulative, so a missed epoch is never lost and a root replaces all
// before.
class RewardTree {
  public:
    // Adds an epoch's rewards to what was earned before. kInvalid when an account appears twice in `before` or a sum
    // does not fit.
    static Result<RewardTree> make(RewardKind kind,
                                   const std::vector<Reward>& before,
                                   const std::vector<Reward>& epoch);

    Hash root() const { return tree_.root(); }
    // Sorted by account.
    const std::vector<Reward>& cumulative() const { return cumulative_; }
    Vcai total() const { return total_; }
    // kNotFound for an account that is not in the tree.
    Result<std::vector<Hash>> proof(const Address& account) const;

  private:
    RewardTree(RewardKind kind, std::vector<Reward> cumulative, Vcai total);

    std::vector<Reward> cumulative_;
    Vcai total_;
    crypto::MerkleTree tree_;
};

}  // namespace vcity::market
