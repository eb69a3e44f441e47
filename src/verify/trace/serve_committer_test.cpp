// SPDX-License-Identifier: Apache-2.0
#include "verify/trace/serve_committer.hpp"

#include <gtest/gtest.h>

#include "crypto/sha256.hpp"
#include "verify/testing/stored_model.hpp"

namespace vcity::verify {
namespace {

class Committing : public ::testing::Test {
  protected:
    Committing() {
        header_.prompt_tokens.assign(40, 3);
        header_.output_tokens = {5, 6, 7};  // 42 positions, two pages
    }
    ServedRow row(const Cell& cell) {
        data_.assign(served_bytes(shape_, cell.layer), static_cast<std::uint8_t>(cell.position * 7 + cell.layer));
        return split_served(shape_, cell.layer, data_);
    }
    void fill(ServeCommitter* committer, std::uint32_t positions) {
        for (std::uint32_t layer = 0; layer <= shape_.layers; ++layer) {
            for (std::uint32_t position = 0; position < positions; ++position) {
                ASSERT_TRUE(committer->add({position, layer}, row({position, layer})).has_value());
            }
        }
    }

    ModelShape shape_ = testing::small_shape();
    TraceHeader header_;
    Bytes data_;
};

TEST_F(Committing, GivesTheSameRootInAnyOrderOfAdding) {
    ServeCommitter by_layer{shape_, {}};
    fill(&by_layer, 42);
    ServeCommitter by_position{shape_, {}};
    for (std::uint32_t position = 0; position < 42; ++position) {
        for (std::uint32_t layer = 0; layer <= shape_.layers; ++layer) {
            ASSERT_TRUE(by_position.add({position, layer}, row({position, layer})).has_value());
        }
    }
    EXPECT_EQ(by_layer.bytes_retained(), served_retained_bytes(shape_, 42));
    EXPECT_EQ(*by_layer.finish(header_), *by_position.finish(header_));
}

TEST_F(Committing, ForgetsTokensThatWereComputedAheadAndNotEmitted) {
    ServeCommitter once{shape_, {}};
    fill(&once, 42);
    for (const std::uint32_t kept : {0U, 31U, 32U, 33U, 42U}) {
        ServeCommitter again{shape_, {}};
        fill(&again, 42);
        again.truncate(kept);
        for (std::uint32_t position = kept; position < 42; ++position) {
            for (std::uint32_t layer = 0; layer <= shape_.layers; ++layer) {
                ASSERT_TRUE(again.add({position, layer}, row({position, layer})).has_value());
            }
        }
        ServeCommitter fresh{shape_, {}};
        fill(&fresh, 42);
        EXPECT_EQ(again.bytes_retained(), fresh.bytes_retained());
        EXPECT_EQ(*again.finish(header_), *fresh.finish(header_)) << kept;
    }
}

TEST_F(Committing, OpensCellsAndPagesWithPathsToTheRoot) {
    ServeCommitter committer{shape_, {}};
    fill(&committer, 42);
    const Hash root = *committer.finish(header_);
    const AuditQuestion question{
        .cells = {{41, 0}, {3, shape_.layers}}, .pages = {{1, 1, 1}, {0, 0, 0}}, .sketches = {}};

    const auto opening = committer.open(question, {Bytes{1}, Bytes{2}});

    ASSERT_TRUE(opening.has_value());
    EXPECT_EQ(crypto::merkle_root_of_proof(header_leaf(opening->header), opening->header_proof), root);
    const OpenedCell& cell = opening->cells[0];
    const ServedRow values = split_served(shape_, 0, cell.data);
    EXPECT_EQ(crypto::merkle_root_of_proof(served_leaf(cell.cell, values.h_in, rest_digest(values)), cell.proof), root);
    const ByteView next{cell.next};
    const Hash rest = Hash::make(next.last(Hash::kSize));
    EXPECT_EQ(crypto::merkle_root_of_proof(served_leaf({41, 1}, next.first(next.size() - Hash::kSize), rest),
                                           cell.next_proof),
              root);
    EXPECT_EQ(cell.computed, Bytes{1});
    EXPECT_TRUE(opening->cells[1].next.empty());
    const OpenedPage& page = opening->pages[0];
    const std::vector<std::uint32_t> tokens{3, 3, 3, 3, 3, 3, 3, 3, 5, 6};
    EXPECT_EQ(page.data.size(), page_bytes(shape_, tokens.size()));
    EXPECT_EQ(crypto::merkle_root_of_proof(page_leaf(page.page, tokens, crypto::sha256(page.data)), page.proof), root);
}

TEST_F(Committing, RefusesWhatDoesNotBelong) {
    ServeCommitter committer{shape_, {.bytes_max = served_retained_bytes(shape_, 1)}};
    ServedRow shorter = row({0, 0});
    shorter.k = shorter.k.first(shorter.k.size() - 1);
    EXPECT_FALSE(committer.add({0, 0}, shorter).has_value());
    EXPECT_FALSE(committer.add({0, shape_.layers + 1}, row({0, 0})).has_value());
    EXPECT_FALSE(committer.add({0, shape_.layers}, row({0, 0})).has_value());
    EXPECT_FALSE(committer.add({0xFFFFFFFFU, 0}, row({0, 0})).has_value());
    EXPECT_TRUE(committer.add({0, 0}, row({0, 0})).has_value());
    EXPECT_FALSE(committer.add({0, 0}, row({0, 0})).has_value());
    EXPECT_FALSE(committer.finish(header_).has_value());
    for (std::uint32_t layer = 1; layer <= shape_.layers; ++layer) {
        EXPECT_TRUE(committer.add({0, layer}, row({0, layer})).has_value());
    }
    const auto full = committer.add({1, 0}, row({1, 0}));
    ASSERT_FALSE(full.has_value());
    EXPECT_EQ(full.error().code, Errc::kExhausted);
    EXPECT_FALSE(committer.row({1, 0}).has_value());
    EXPECT_TRUE(committer.row({0, 1}).has_value());
}

TEST_F(Committing, RefusesQuestionsOutsideTheTrace) {
    ServeCommitter committer{shape_, {}};
    fill(&committer, 42);
    ASSERT_TRUE(committer.finish(header_).has_value());
    EXPECT_FALSE(committer.open({.cells = {{42, 0}}, .pages = {}, .sketches = {}}, {Bytes{}}).has_value());
    EXPECT_FALSE(committer.open({.cells = {}, .pages = {{0, 0, 2}}, .sketches = {}}, {}).has_value());
    EXPECT_FALSE(committer.open({.cells = {}, .pages = {{0, shape_.kv_heads, 0}}, .sketches = {}}, {}).has_value());
    const AuditQuestion many{.cells = {}, .pages = std::vector<PageId>(kOpenedPagesMax + 1), .sketches = {}};
    EXPECT_FALSE(committer.open(many, {}).has_value());
}

TEST_F(Committing, AnswersForAReplayWithTheSketchesThatWereServed) {
    SketchCommitter served;
    const auto signs = sketch_signs(header_.client_nonce, shape_.hidden);
    const std::vector<float> state(shape_.hidden, 0.5F);
    for (std::uint32_t position = 0; position < 42; ++position) {
        ASSERT_TRUE(served.add(position, make_sketch(signs, state, state)).has_value());
    }
    const Hash root = *served.finish(header_);
    ServeCommitter replay{shape_, {}};
    fill(&replay, 42);
    const Hash replay_root = *replay.finish(header_);

    const auto opening = open_replay(served, replay, {.cells = {{1, 1}}, .pages = {}, .sketches = {9}}, {Bytes{}});

    ASSERT_TRUE(opening.has_value());
    EXPECT_EQ(crypto::merkle_root_of_proof(header_leaf(opening->header), opening->header_proof), root);
    const OpenedSketch& sketch = opening->sketches[0];
    EXPECT_EQ(crypto::merkle_root_of_proof(sketch_leaf(9, sketch.data), sketch.proof), root);
    EXPECT_EQ(*parse_sketch(sketch.data), make_sketch(signs, state, state));
    const ByteView last{sketch.last};
    const Hash leaf =
        served_leaf({9, shape_.layers}, last.first(last.size() - Hash::kSize), Hash::make(last.last(Hash::kSize)));
    EXPECT_EQ(crypto::merkle_root_of_proof(leaf, sketch.last_proof), replay_root);
}

TEST(Sketch, IsTheSameSumInEveryOrderUpToRounding) {
    const auto signs = sketch_signs(Hash{}, 8);
    std::vector<float> middle(8);
    std::vector<float> last(8);
    for (std::size_t j = 0; j < 8; ++j) {
        middle.assign(8, 0);
        last.assign(8, 0);
        middle[j] = 1;
        last[j] = 2;
        const Sketch sketch = make_sketch(signs, middle, last);
        for (std::size_t p = 0; p < kSketchHalf; ++p) {
            EXPECT_EQ(sketch[p], (signs[j] >> p & 1U) != 0 ? -1.0F : 1.0F);
            EXPECT_EQ(sketch[16 + p], (signs[j] >> (16 + p) & 1U) != 0 ? -2.0F : 2.0F);
        }
    }
}

TEST(Sketch, RefusesOtherSizesAndValuesThatAreNotFinite) {
    Sketch sketch{};
    Bytes bytes = encode_sketch(sketch);
    EXPECT_TRUE(parse_sketch(bytes).has_value());
    bytes[2] = 0xC0;
    bytes[3] = 0x7F;
    EXPECT_FALSE(parse_sketch(bytes).has_value());
    bytes.pop_back();
    EXPECT_FALSE(parse_sketch(bytes).has_value());
}

}  // namespace
}  // namespace vcity::verify
