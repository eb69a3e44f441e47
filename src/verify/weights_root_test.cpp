// SPDX-License-Identifier: Apache-2.0
#include "verify/weights_root.hpp"

#include <algorithm>

#include <gtest/gtest.h>

#include "verify/matrix.hpp"
#include "verify/testing/stored_model.hpp"

namespace vcity::verify {
namespace {

class Weights : public ::testing::Test {
  protected:
    testing::StoredModel model_ = testing::random_model(testing::small_shape(), 1);
    std::vector<TensorView> views_ = model_.views();
};

TEST_F(Weights, RootDoesNotDependOnTheOrderOfTensors) {
    const Hash root = *weights_root(views_);
    std::ranges::reverse(views_);
    EXPECT_EQ(*weights_root(views_), root);
}

TEST_F(Weights, RootCoversNameTypeDimensionsAndBytes) {
    const Hash root = *weights_root(views_);
    std::vector<TensorView> renamed = views_;
    renamed[0].name = "other";
    std::vector<TensorView> retyped = views_;
    retyped[0].type = TensorType::kFloat16;
    std::vector<TensorView> reshaped = views_;
    std::swap(reshaped[0].dims[0], reshaped[0].dims[1]);
    Bytes bytes{views_[0].bytes.begin(), views_[0].bytes.end()};
    bytes.back() ^= 1;
    std::vector<TensorView> changed = views_;
    changed[0].bytes = bytes;
    const std::vector<TensorView> fewer{views_.begin() + 1, views_.end()};

    for (const auto& other : {renamed, retyped, reshaped, changed, fewer}) EXPECT_NE(*weights_root(other), root);
}

TEST_F(Weights, RootRefusesRepeatedNamesAndWrongSizes) {
    std::vector<TensorView> repeated = views_;
    repeated.push_back(views_[0]);
    EXPECT_FALSE(weights_root(repeated).has_value());
    std::vector<TensorView> huge = views_;
    huge[0].dims = {0xFFFFFFFFFFFFFFFFULL, 0xFFFFFFFFFFFFFFFFULL};
    EXPECT_FALSE(weights_root(huge).has_value());
    std::vector<TensorView> wrong = views_;
    wrong[0].dims[0] += 1;
    EXPECT_FALSE(weights_root(wrong).has_value());
}

TEST_F(Weights, BindByNameAndDimensions) {
    const auto bound = bind_weights(model_.shape, views_);
    ASSERT_TRUE(bound.has_value()) << bound.error().message;
    std::vector<float> row(model_.shape.hidden);
    bound->layers[1].gate.read_row(3, row);
    const auto& gate = model_.values("model.layers.1.mlp.gate_proj.weight");
    EXPECT_TRUE(std::equal(row.begin(), row.end(), gate.begin() + 3 * std::ptrdiff_t{model_.shape.hidden}));

    ModelShape deeper = model_.shape;
    deeper.layers += 1;
    EXPECT_EQ(bind_weights(deeper, views_).error().code, Errc::kNotFound);
    ModelShape wider = model_.shape;
    wider.ffn += 1;
    EXPECT_EQ(bind_weights(wider, views_).error().code, Errc::kInvalid);
    ModelShape untied = model_.shape;
    untied.tied_embeddings = false;
    EXPECT_EQ(bind_weights(untied, views_).error().code, Errc::kNotFound);
}

TEST_F(Weights, RefuseANumberThatIsNotFinite) {
    Bytes bytes{views_[1].bytes.begin(), views_[1].bytes.end()};
    bytes[1] = 0x7F;
    bytes[0] = 0x80;
    views_[1].bytes = bytes;
    EXPECT_FALSE(bind_weights(model_.shape, views_).has_value());
}

TEST(Matrix, WidensEveryFormatExactly) {
    const std::uint16_t halves[] = {0x3C00, 0xC000, 0x0001, 0x7BFF, 0x0400, 0x8000};
    const ByteView bytes{reinterpret_cast<const std::uint8_t*>(halves), sizeof(halves)};
    const auto matrix = Matrix::make({.name = "w", .type = TensorType::kFloat16, .dims = {1, 6}, .bytes = bytes},
                                     ComputeType::kFloat32);
    ASSERT_TRUE(matrix.has_value());
    std::vector<float> row(6);
    matrix->read_row(0, row);
    EXPECT_EQ(row, (std::vector<float>{1.0F, -2.0F, 0x1p-24F, 65504.0F, 0x1p-14F, -0.0F}));
    EXPECT_FALSE(
        Matrix::make({.name = "w", .type = TensorType::kFloat32, .dims = {1, 6}, .bytes = bytes}, ComputeType::kFloat32)
            .has_value());
    EXPECT_FALSE(
        Matrix::make({.name = "w", .type = TensorType::kFloat16, .dims = {6}, .bytes = bytes}, ComputeType::kFloat32)
            .has_value());
}

}  // namespace
}  // namespace vcity::verify
