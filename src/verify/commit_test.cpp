// SPDX-License-Identifier: Apache-2.0
#include "verify/commit.hpp"

#include <gtest/gtest.h>

#include "verify/opening.hpp"
#include "verify/testing/reference_llama.hpp"

namespace vcity::verify {
namespace {

using testing::LayerValues;
using testing::ReferenceLlama;
using testing::StoredModel;

class Committer : public ::testing::Test {
  protected:
    Committer() {
        header_.prompt_tokens = {3, 4};
        header_.output_tokens = {5, 6};
    }
    Result<void> add(TraceCommitter* committer, std::uint32_t position, std::uint32_t layer) const {
        if (layer == shape_.layers) return committer->add_final(position, final_.trace());
        return committer->add(Cell{position, layer}, layer_.trace());
    }
    // Layer by layer over all positions, as a prompt is computed.
    void fill(TraceCommitter* committer, std::uint32_t positions) const {
        for (std::uint32_t layer = 0; layer <= shape_.layers; ++layer) {
            for (std::uint32_t position = 0; position < positions; ++position) {
                ASSERT_TRUE(add(committer, position, layer).has_value());
            }
        }
    }

    StoredModel model_ = testing::random_model(testing::small_shape(), 1);
    const ModelShape& shape_ = model_.shape;
    ReferenceLlama llama_{&model_, testing::SumOrder::kForward};
    LayerValues layer_ = llama_.layer(0, llama_.embed(5));
    testing::FinalValues final_ = llama_.final(layer_.h_out);
    TraceHeader header_;  // three positions
};

TEST_F(Committer, OpensWhatItCommittedTo) {
    TraceCommitter committer{shape_, {}};
    fill(&committer, 3);
    EXPECT_EQ(committer.bytes_retained(), retained_bytes(shape_, 3));
    const auto root = committer.finish(header_);
    ASSERT_TRUE(root.has_value());

    std::vector<Cell> cells;
    for (std::uint32_t i = 0; i < 3 * shape_.cells_per_position(); ++i) cells.push_back({i / 4, i % 4});
    const auto opening = committer.open(cells);

    ASSERT_TRUE(opening.has_value());
    const auto checked = check_opening(shape_, *root, {.input = 2, .output = 2}, cells, *opening);
    ASSERT_TRUE(checked.has_value()) << checked.error().message;
    EXPECT_EQ(checked->header, header_);
    EXPECT_EQ(checked->cells.size(), cells.size());
}

TEST_F(Committer, GivesTheSameRootInAnyOrderOfAdding) {
    TraceCommitter by_layer{shape_, {}};
    fill(&by_layer, 3);
    TraceCommitter by_position{shape_, {.retention = Retention::kHashes, .bytes_max = 0}};
    for (std::uint32_t i = 0; i < 3 * shape_.cells_per_position(); ++i) {
        ASSERT_TRUE(add(&by_position, i / 4, i % 4).has_value());
    }

    EXPECT_EQ(*by_layer.finish(header_), *by_position.finish(header_));
    EXPECT_FALSE(by_position.open({{0, 0}}).has_value());
}

TEST_F(Committer, RefusesACellTwiceAndACellTooFar) {
    TraceCommitter committer{shape_, {}};
    EXPECT_TRUE(add(&committer, 0, 0).has_value());
    EXPECT_EQ(add(&committer, 0, 0).error().code, Errc::kInvalid);
    EXPECT_EQ(add(&committer, 0xFFFFFFFFU, 0).error().code, Errc::kInvalid);
}

TEST_F(Committer, RefusesToFinishWithAGapOrASurplus) {
    TraceCommitter gap{shape_, {}};
    fill(&gap, 2);
    ASSERT_TRUE(add(&gap, 2, 1).has_value());
    EXPECT_FALSE(gap.finish(header_).has_value());

    TraceCommitter surplus{shape_, {}};
    fill(&surplus, 4);
    EXPECT_FALSE(surplus.finish(header_).has_value());
    surplus.truncate(3);
    EXPECT_EQ(surplus.bytes_retained(), retained_bytes(shape_, 3));
    EXPECT_TRUE(surplus.finish(header_).has_value());
    EXPECT_FALSE(surplus.finish(header_).has_value());
    EXPECT_FALSE(add(&surplus, 3, 0).has_value());
}

TEST_F(Committer, KeepsToItsByteBudget) {
    TraceCommitter committer{shape_, {.bytes_max = layer_cell_bytes(shape_) * 2 + 1}};
    EXPECT_TRUE(add(&committer, 0, 0).has_value());
    EXPECT_TRUE(add(&committer, 0, 1).has_value());
    EXPECT_EQ(add(&committer, 0, 2).error().code, Errc::kExhausted);
}

TEST_F(Committer, OpensOnlyCellsThatAreThere) {
    TraceCommitter committer{shape_, {}};
    EXPECT_FALSE(committer.open({}).has_value());
    fill(&committer, 3);
    ASSERT_TRUE(committer.finish(header_).has_value());

    EXPECT_TRUE(committer.open({}).has_value());
    EXPECT_EQ(committer.open({{3, 0}}).error().code, Errc::kNotFound);
    EXPECT_EQ(committer.open({{0, 4}}).error().code, Errc::kNotFound);
    EXPECT_EQ(committer.open({{0xFFFFFFFFU, 0xFFFFFFFFU}}).error().code, Errc::kNotFound);
    EXPECT_FALSE(committer.open(std::vector<Cell>(kOpenedCellsMax + 1)).has_value());
}

TEST_F(Committer, CommitsToAHeaderAlone) {
    TraceCommitter committer{shape_, {}};
    const TraceHeader nothing;
    const auto root = committer.finish(nothing);

    ASSERT_TRUE(root.has_value());
    const auto checked = check_opening(shape_, *root, {}, {}, *committer.open({}));
    EXPECT_TRUE(checked.has_value());
}

TEST(MerklePath, HasTheLengthOfTheTreesProofs) {
    for (std::size_t size = 1; size < 40; ++size) {
        const crypto::MerkleTree tree{std::vector<Hash>(size)};
        for (std::size_t index = 0; index < size; ++index) {
            EXPECT_EQ(merkle_path_length(index, size), tree.proof(index).size()) << size << " " << index;
        }
    }
}

}  // namespace
}  // namespace vcity::verify
