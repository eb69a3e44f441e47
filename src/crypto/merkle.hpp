// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "base/bytes.hpp"

namespace vcity::crypto {

// Commutative keccak-256 Merkle tree as OpenZeppelin's MerkleProof verifies it: parent = keccak256(min || max); leaves
// in the given order, an odd last node of a layer is promoted unchanged. Root of one leaf: the leaf; of none: zero.
// Leaves must be hashes of something longer or shorter than 64 bytes, or hashed twice, so that no inner node is a leaf.
class MerkleTree {
  public:
    explicit MerkleTree(std::vector<Hash> leaves);

    Hash root() const;
    std::size_t size() const { return layers_.front().size(); }
    // index < size().
    std::vector<Hash> proof(std::size_t index) const;

  private:
    std::vector<std::vector<Hash>> layers_;
};

Hash merkle_root_of_proof(const Hash& leaf, const std::vector<Hash>& proof);

}  // namespace vcity::crypto
