// SPDX-License-Identifier: Apache-2.0
#include "verify/cell.hpp"

#include <cmath>
#include <limits>

#include <gtest/gtest.h>

#include "verify/testing/reference_llama.hpp"

namespace vcity::verify {
namespace {

using testing::LayerValues;
using testing::ReferenceLlama;
using testing::StoredModel;

class CellBytes : public ::testing::Test {
  protected:
    StoredModel model_ = testing::random_model(testing::small_shape(), 1);
    ReferenceLlama llama_{&model_, testing::SumOrder::kForward};
    LayerValues values_ = llama_.layer(0, llama_.embed(5));
    const ModelShape& shape_ = model_.shape;
};

TEST_F(CellBytes, ComeBackBitForBit) {
    values_.o[0] = -0.0F;
    values_.o[1] = std::numeric_limits<float>::denorm_min();

    const auto bytes = encode_cell(shape_, Cell{7, 0}, values_.trace());
    ASSERT_TRUE(bytes.has_value());
    EXPECT_EQ(bytes->size(), layer_cell_bytes(shape_));
    const auto parsed = ParsedCell::parse(shape_, Cell{7, 0}, *bytes);
    ASSERT_TRUE(parsed.has_value());

    EXPECT_FALSE(parsed->is_final());
    EXPECT_TRUE(std::signbit(parsed->trace().o[0]));
    EXPECT_EQ(parsed->trace().o[1], values_.o[1]);
    EXPECT_TRUE(std::ranges::equal(parsed->trace().h_out, values_.h_out));
    EXPECT_EQ(*encode_cell(shape_, Cell{7, 0}, parsed->trace()), *bytes);
}

TEST_F(CellBytes, OfTheFinalCellComeBack) {
    const testing::FinalValues final = llama_.final(values_.h_out);

    const auto bytes = encode_cell(shape_, 3, final.trace());
    ASSERT_TRUE(bytes.has_value());
    const auto parsed = ParsedCell::parse(shape_, Cell{3, shape_.layers}, *bytes);
    ASSERT_TRUE(parsed.has_value());

    EXPECT_TRUE(parsed->is_final());
    EXPECT_TRUE(std::ranges::equal(parsed->final_trace().logits, final.logits));
}

TEST_F(CellBytes, AreRefusedWhenNotFinite) {
    values_.act[2] = std::numeric_limits<float>::infinity();
    EXPECT_FALSE(encode_cell(shape_, Cell{0, 0}, values_.trace()).has_value());
    values_.act[2] = 0;
    Bytes bytes = *encode_cell(shape_, Cell{0, 0}, values_.trace());

    const float nan = std::numeric_limits<float>::quiet_NaN();
    std::memcpy(bytes.data() + bytes.size() - sizeof(nan), &nan, sizeof(nan));

    EXPECT_FALSE(ParsedCell::parse(shape_, Cell{0, 0}, bytes).has_value());
}

TEST_F(CellBytes, AreRefusedForAnotherPlaceSizeOrTag) {
    const Bytes bytes = *encode_cell(shape_, Cell{4, 1}, values_.trace());
    Bytes longer = bytes;
    longer.push_back(0);
    Bytes tagged = bytes;
    tagged[0] = 'X';

    EXPECT_TRUE(ParsedCell::parse(shape_, Cell{4, 1}, bytes).has_value());
    EXPECT_FALSE(ParsedCell::parse(shape_, Cell{4, 2}, bytes).has_value());
    EXPECT_FALSE(ParsedCell::parse(shape_, Cell{5, 1}, bytes).has_value());
    EXPECT_FALSE(ParsedCell::parse(shape_, Cell{4, shape_.layers}, bytes).has_value());
    EXPECT_FALSE(ParsedCell::parse(shape_, Cell{4, shape_.layers + 1}, bytes).has_value());
    EXPECT_FALSE(ParsedCell::parse(shape_, Cell{4, 1}, longer).has_value());
    EXPECT_FALSE(ParsedCell::parse(shape_, Cell{4, 1}, tagged).has_value());
    EXPECT_FALSE(ParsedCell::parse(shape_, Cell{4, 1}, {}).has_value());
    EXPECT_FALSE(ParsedCell::parse(shape_, Cell{4, 1}, ByteView{bytes}.first(bytes.size() - 1)).has_value());
}

TEST_F(CellBytes, AreRefusedForAWrongLengthOrLayer) {
    EXPECT_FALSE(encode_cell(shape_, Cell{0, shape_.layers}, values_.trace()).has_value());
    values_.k.pop_back();
    EXPECT_FALSE(encode_cell(shape_, Cell{0, 0}, values_.trace()).has_value());
}

TEST(ModelShape, RefusesWhatCannotBe) {
    const ModelShape good = testing::small_shape();
    EXPECT_TRUE(validate(good).has_value());
    for (std::uint32_t ModelShape::* size : {&ModelShape::layers, &ModelShape::hidden, &ModelShape::kv_heads,
                                             &ModelShape::head_dim, &ModelShape::ffn, &ModelShape::vocab}) {
        ModelShape zero = good;
        zero.*size = 0;
        EXPECT_FALSE(validate(zero).has_value());
        ModelShape huge = good;
        huge.*size = 0xFFFFFFFFU;
        EXPECT_FALSE(validate(huge).has_value());
    }
    ModelShape uneven = good;
    uneven.kv_heads = 3;
    EXPECT_FALSE(validate(uneven).has_value());
    ModelShape odd = good;
    odd.head_dim = 11;
    EXPECT_FALSE(validate(odd).has_value());
    ModelShape nan = good;
    nan.rms_eps = std::nan("");
    EXPECT_FALSE(validate(nan).has_value());
}

TEST(ModelShape, HashCoversEveryField) {
    const ModelShape good = testing::small_shape();
    ModelShape other = good;
    other.compute = ComputeType::kBfloat16;
    EXPECT_NE(shape_hash(other), shape_hash(good));
    other = good;
    other.rms_eps = 1e-6;
    EXPECT_NE(shape_hash(other), shape_hash(good));
    other = good;
    other.tied_embeddings = false;
    EXPECT_NE(shape_hash(other), shape_hash(good));
}

}  // namespace
}  // namespace vcity::verify
