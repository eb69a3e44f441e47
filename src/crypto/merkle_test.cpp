// SPDX-License-Identifier: Apache-2.0
#include "crypto/merkle.hpp"

#include <gtest/gtest.h>

#include "crypto/keccak.hpp"

namespace vcity::crypto {
namespace {

std::vector<Hash> leaves(std::size_t count) {
    std::vector<Hash> result;
    for (std::size_t index = 0; index < count; ++index) result.push_back(keccak256_text(std::to_string(index)));
    return result;
}

Hash pair_hash(const Hash& a, const Hash& b) {
    return a < b ? keccak256({a.view(), b.view()}) : keccak256({b.view(), a.view()});
}

TEST(MerkleTree, OfNothingHasTheZeroRoot) {
    const MerkleTree tree{{}};
    EXPECT_TRUE(tree.root().is_zero());
    EXPECT_EQ(tree.size(), 0U);
}

TEST(MerkleTree, OfOneLeafIsThatLeaf) {
    const MerkleTree tree{leaves(1)};
    EXPECT_EQ(tree.root(), leaves(1).front());
    EXPECT_TRUE(tree.proof(0).empty());
}

TEST(MerkleTree, PromotesAnOddLastNodeUnchanged) {
    const std::vector<Hash> l = leaves(5);
    const Hash expected = pair_hash(pair_hash(pair_hash(l[0], l[1]), pair_hash(l[2], l[3])), l[4]);
    EXPECT_EQ(MerkleTree{l}.root(), expected);
    EXPECT_EQ(MerkleTree{l}.proof(4).size(), 1U);
}

TEST(MerkleTree, ProvesEveryLeafOfEverySize) {
    for (std::size_t count = 1; count <= 33; ++count) {
        const std::vector<Hash> l = leaves(count);
        const MerkleTree tree{l};
        for (std::size_t index = 0; index < count; ++index) {
            EXPECT_EQ(merkle_root_of_proof(l[index], tree.proof(index)), tree.root()) << count << " " << index;
        }
    }
}

TEST(MerkleTree, ProvesNothingElse) {
    const MerkleTree tree{leaves(7)};
    EXPECT_NE(merkle_root_of_proof(keccak256_text("x"), tree.proof(3)), tree.root());
    EXPECT_NE(merkle_root_of_proof(leaves(7)[2], tree.proof(4)), tree.root());
    std::vector<Hash> longer = tree.proof(3);
    longer.push_back(Hash{});
    EXPECT_NE(merkle_root_of_proof(leaves(7)[3], longer), tree.root());
}

TEST(MerkleTree, DependsOnTheOrderOfPairs) {
    std::vector<Hash> l = leaves(4);
    const Hash before = MerkleTree{l}.root();
    std::swap(l[0], l[1]);
    EXPECT_EQ(MerkleTree{l}.root(), before);
    std::swap(l[1], l[2]);
    EXPECT_NE(MerkleTree{l}.root(), before);
}

}  // namespace
}  // namespace vcity::crypto
