// SPDX-License-Identifier: Apache-2.0
#include "verify/freivalds.hpp"

#include <random>

#include <gtest/gtest.h>

#include "verify/bounds.hpp"
#include "verify/testing/reference_worker.hpp"

namespace vcity::verify {
namespace {

using testing::dot;
using testing::seed_of;
using testing::StoredModel;
using testing::SumOrder;

constexpr auto kGate = "model.layers.0.mlp.gate_proj.weight";

class Product : public ::testing::Test {
  protected:
    Product() {
        for (float& value : x_) value = normal_(random_);
    }
    std::vector<float> multiply(const std::vector<float>& weights, SumOrder order) const {
        std::vector<float> y(weights.size() / x_.size());
        for (std::size_t i = 0; i < y.size(); ++i)
            y[i] = dot(order, weights.data() + i * x_.size(), x_.data(), x_.size());
        return y;
    }
    bool accepts(const std::vector<float>& y) const { return key_.accepts(ComputeType::kFloat32, x_, y); }

    std::mt19937_64 random_{5};
    std::normal_distribution<float> normal_;
    StoredModel model_ = testing::random_model(testing::small_shape(), 1);
    std::vector<TensorView> views_ = model_.views();
    Matrix matrix_ = bind_weights(model_.shape, views_)->layers[0].gate;
    FreivaldsKey key_ = FreivaldsKey::make(matrix_, 4, seed_of(1), "gate");
    std::vector<float> x_ = std::vector<float>(48);
};

TEST_F(Product, IsAcceptedInEveryOrderOfSummation) {
    for (int order = 0; order < testing::kSumOrders; ++order) {
        for (int i = 0; i < 20; ++i) {
            for (float& value : x_) value = normal_(random_) * static_cast<float>(i + 1);
            const std::vector<float> y = multiply(model_.values(kGate), static_cast<SumOrder>(order));
            EXPECT_TRUE(accepts(y));
            EXPECT_TRUE(row_accepts(ComputeType::kFloat32, matrix_, 3, x_, y[3]));
        }
    }
}

TEST_F(Product, OfTinyAndZeroInputsIsAccepted) {
    std::ranges::fill(x_, 0.0F);
    EXPECT_TRUE(accepts(multiply(model_.values(kGate), SumOrder::kForward)));
    std::ranges::fill(x_, 0x1p-140F);
    EXPECT_TRUE(accepts(multiply(model_.values(kGate), SumOrder::kForward)));
    EXPECT_TRUE(accepts(std::vector<float>(80)));
}

TEST_F(Product, WithOneChangedElementIsRejected) {
    std::vector<float> y = multiply(model_.values(kGate), SumOrder::kForward);
    y[17] += 0.01F;
    EXPECT_FALSE(accepts(y));
    EXPECT_FALSE(row_accepts(ComputeType::kFloat32, matrix_, 17, x_, y[17]));
    EXPECT_TRUE(row_accepts(ComputeType::kFloat32, matrix_, 18, x_, y[18]));
}

TEST_F(Product, OfQuantisedWeightsIsRejected) {
    StoredModel::Tensor tensor = model_.tensors.at(kGate);
    testing::quantise(&tensor, 8, 0);
    EXPECT_FALSE(accepts(multiply(tensor.values, SumOrder::kForward)));
}

// The rank-one forgery that keeps row sums passes vectors of positive entries; signs of mean zero see it.
TEST_F(Product, WithTheRightSumIsRejected) {
    std::vector<float> y = multiply(model_.values(kGate), SumOrder::kForward);
    y[1] += 0.5F;
    y[2] -= 0.25F;
    y[3] -= 0.25F;
    EXPECT_FALSE(accepts(y));
}

TEST_F(Product, IsRoundedToBfloat16WithinTheBound) {
    for (int i = 0; i < 50; ++i) {
        for (float& value : x_) value = testing::round_bfloat16(normal_(random_));
        std::vector<float> y = multiply(model_.values(kGate), SumOrder::kLanes8);
        for (float& value : y) value = testing::round_bfloat16(value);
        EXPECT_TRUE(key_.accepts(ComputeType::kBfloat16, x_, y));
        EXPECT_FALSE(key_.accepts(ComputeType::kFloat32, x_, y));
        EXPECT_TRUE(row_accepts(ComputeType::kBfloat16, matrix_, 3, x_, y[3]));
    }
}

TEST(FreivaldsKey, DiffersByLabelAndSeed) {
    const StoredModel model = testing::random_model(testing::small_shape(), 1);
    const std::vector<TensorView> views = model.views();
    const Matrix matrix = bind_weights(model.shape, views)->layers[0].q;
    const std::vector<float> x(48, 1.0F);
    const std::vector<float> y(48, 1.0F);
    const double first = FreivaldsKey::make(matrix, 1, seed_of(1), "a").worst_ratio(ComputeType::kFloat32, x, y);
    EXPECT_NE(first, FreivaldsKey::make(matrix, 1, seed_of(2), "a").worst_ratio(ComputeType::kFloat32, x, y));
    EXPECT_NE(first, FreivaldsKey::make(matrix, 1, seed_of(1), "b").worst_ratio(ComputeType::kFloat32, x, y));
    EXPECT_EQ(first, FreivaldsKey::make(matrix, 1, seed_of(1), "a").worst_ratio(ComputeType::kFloat32, x, y));
}

TEST(Bounds, AreTheSmallerOfTheCertainAndTheLikely) {
    EXPECT_NEAR(inner_product_constant(16), 16 * kUnit32, 1e-12);
    EXPECT_NEAR(inner_product_constant(4096), kLambda * 64 * kUnit32, 1e-9);
    EXPECT_EQ(output_half_ulp(ComputeType::kBfloat16, 1.5F), 0x1p-8);
    EXPECT_EQ(output_half_ulp(ComputeType::kFloat32, 1.5F), 0.0);
}

}  // namespace
}  // namespace vcity::verify
