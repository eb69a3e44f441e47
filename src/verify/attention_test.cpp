// SPDX-License-Identifier: Apache-2.0
#include "verify/attention.hpp"

#include <gtest/gtest.h>

#include "verify/testing/reference_llama.hpp"

namespace vcity::verify {
namespace {

using testing::LayerValues;
using testing::ReferenceLlama;
using testing::StoredModel;

constexpr std::uint32_t kPositions = 12;

std::vector<LayerValues> run_layer(const StoredModel& model, testing::SumOrder order) {
    ReferenceLlama llama{&model, order};
    std::vector<LayerValues> out;
    for (std::uint32_t i = 0; i < kPositions; ++i) out.push_back(llama.layer(1, llama.embed(i * 7 % 96)));
    return out;
}

std::vector<CellTrace> traces(const std::vector<LayerValues>& values) {
    std::vector<CellTrace> out;
    for (const LayerValues& one : values) out.push_back(one.trace());
    return out;
}

class Attention : public ::testing::Test {
  protected:
    StoredModel model_ = testing::random_model(testing::small_shape(), 1);
    std::vector<LayerValues> values_ = run_layer(model_, testing::SumOrder::kLanes8);
};

TEST_F(Attention, OfEveryOrderIsAccepted) {
    for (int order = 0; order < testing::kSumOrders; ++order) {
        const auto values = run_layer(model_, static_cast<testing::SumOrder>(order));
        std::vector<CellTrace> cells;
        for (const LayerValues& one : values) {
            cells.push_back(one.trace());
            EXPECT_TRUE(attention_accepts(model_.shape, cells)) << order << " " << cells.size();
        }
    }
}

TEST_F(Attention, OfBfloat16IsAcceptedWithItsWiderBound) {
    model_.shape.compute = ComputeType::kBfloat16;
    EXPECT_TRUE(attention_accepts(model_.shape, traces(run_layer(model_, testing::SumOrder::kForward))));
    ModelShape exact = model_.shape;
    exact.compute = ComputeType::kFloat32;
    EXPECT_FALSE(attention_accepts(exact, traces(run_layer(model_, testing::SumOrder::kForward))));
}

TEST_F(Attention, IsRejectedWithAChangedOutputKeyValueOrQuery) {
    for (std::vector<float> LayerValues::* member :
         {&LayerValues::attn_out, &LayerValues::k, &LayerValues::v, &LayerValues::q}) {
        std::vector<LayerValues> changed = values_;
        (changed.back().*member)[1] += 0.02F;
        EXPECT_FALSE(attention_accepts(model_.shape, traces(changed)));
    }
}

TEST_F(Attention, IsRejectedWhenAPositionWasLeftOut) {
    std::vector<LayerValues> shorter = values_;
    shorter.erase(shorter.begin() + 3);
    EXPECT_FALSE(attention_accepts(model_.shape, traces(shorter)));
}

TEST_F(Attention, IsRejectedWhenPositionsAreSwapped) {
    std::swap(values_[2], values_[5]);
    EXPECT_FALSE(attention_accepts(model_.shape, traces(values_)));
}

TEST_F(Attention, IsRejectedWithOtherPositionsInTheRotaryEmbedding) {
    ModelShape other = model_.shape;
    other.rope_theta = 500.0;
    EXPECT_FALSE(attention_accepts(other, traces(values_)));
}

TEST_F(Attention, OfHugeNumbersIsJudgedWithoutFailing) {
    for (LayerValues& value : values_) {
        std::ranges::fill(value.q, 3e38F);
        std::ranges::fill(value.k, -3e38F);
        std::ranges::fill(value.v, 3e38F);
    }
    EXPECT_GE(attention_ratio(model_.shape, traces(values_)), 0.0);
}

}  // namespace
}  // namespace vcity::verify
