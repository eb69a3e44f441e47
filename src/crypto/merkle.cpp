// SPDX-License-Identifier: Apache-2.0
#include "crypto/merkle.hpp"

#include <algorithm>

#include "base/check.hpp"
#include "crypto/keccak.hpp"

namespace vcity::crypto {
namespace {

Hash parent_of(const Hash& a, const Hash& b) {
    return keccak256({std::min(a, b).view(), std::max(a, b).view()});
}

std::vector<Hash> next_layer(const std::vector<Hash>& layer) {
    std::vector<Hash> next;
    next.reserve((layer.size() + 1) / 2);
    for (std::size_t index = 0; index + 1 < layer.size(); index += 2) {
        next.push_back(parent_of(layer[index], layer[index + 1]));
    }
    if (layer.size() % 2 != 0) next.push_back(layer.back());
    return next;
}

}  // namespace

MerkleTree::MerkleTree(std::vector<Hash> leaves) {
    layers_.push_back(std::move(leaves));
    while (layers_.back().size() > 1) layers_.push_back(next_layer(layers_.back()));
}

Hash MerkleTree::root() const {
    return layers_.back().empty() ? Hash{} : layers_.back().front();
}

std::vector<Hash> MerkleTree::proof(std::size_t index) const {
    CHECK(index < size());
    std::vector<Hash> path;
    for (const std::vector<Hash>& layer : layers_) {
        const std::size_t sibling = index ^ 1U;
        if (sibling < layer.size()) path.push_back(layer[sibling]);
        index /= 2;
    }
    return path;
}

Hash merkle_root_of_proof(const Hash& leaf, const std::vector<Hash>& proof) {
    Hash node = leaf;
    for (const Hash& sibling : proof) node = parent_of(node, sibling);
    return node;
}

}  // namespace vcity::crypto
