// SPDX-License-Identifier: Apache-2.0
#include "checkpoint/output_text.hpp"

#include <gtest/gtest.h>

#include "checkpoint/testing/tiny_model.hpp"
#include "codec/json.hpp"

namespace vcity::checkpoint {
namespace {

constexpr std::uint32_t kFirstByte = 5;

Tokenizer tiny() {
    return *parse_sentencepiece(testing::sentencepiece_file(testing::tiny_pieces()));
}

std::uint32_t byte_token(int byte) {
    return kFirstByte + static_cast<std::uint32_t>(byte);
}

TEST(OutputText, HoldsBackIncompleteCharacters) {
    const Tokenizer tokenizer = tiny();
    OutputText text{tokenizer, {}};

    EXPECT_EQ(text.push(byte_token(0xe4)), "");
    EXPECT_EQ(text.push(byte_token(0xbd)), "");
    EXPECT_EQ(text.push(byte_token(0xa0)), "\xe4\xbd\xa0");
    EXPECT_EQ(text.finish(), "");
}

TEST(OutputText, ReplacesBytesThatAreNoText) {
    const Tokenizer tokenizer = tiny();
    OutputText text{tokenizer, {}};

    EXPECT_EQ(text.push(byte_token(0xff)), "\xef\xbf\xbd");
    EXPECT_EQ(text.push(byte_token(0xe4)), "");
    EXPECT_EQ(text.push(byte_token('a')), "\xef\xbf\xbd\x61");
    EXPECT_EQ(text.push(byte_token(0xe4)), "");
    EXPECT_EQ(text.finish(), "\xef\xbf\xbd");
}

TEST(OutputText, DropsTheFirstSpaceOnly) {
    const Tokenizer tokenizer = tiny();
    const auto ids = tokenizer.encode("hello hello");

    EXPECT_EQ(output_text(tokenizer, {}, *ids), "hello hello");
}

TEST(OutputText, StopsBeforeAStopText) {
    const Tokenizer tokenizer = tiny();
    OutputText text{tokenizer, {"", "END"}};

    EXPECT_EQ(text.push(byte_token('x')), "x");
    EXPECT_EQ(text.push(byte_token('E')), "");
    EXPECT_EQ(text.push(byte_token('N')), "");
    EXPECT_EQ(text.push(byte_token('o')), "ENo");
    EXPECT_EQ(text.push(byte_token('E')), "");
    EXPECT_EQ(text.push(byte_token('N')), "");
    EXPECT_EQ(text.push(byte_token('D')), "");
    EXPECT_TRUE(text.stopped());
    EXPECT_EQ(text.push(byte_token('x')), "");
    EXPECT_EQ(text.finish(), "");
}

TEST(OutputText, GivesBackWhatOnlyLookedLikeAStopText) {
    const Tokenizer tokenizer = tiny();
    OutputText text{tokenizer, {"END"}};

    EXPECT_EQ(text.push(byte_token('E')), "");
    EXPECT_EQ(text.finish(), "E");
}

TEST(OutputText, IsTheSameInPiecesAndWhole) {
    const Tokenizer tokenizer = tiny();
    std::uint64_t state = 7;
    for (int round = 0; round < 200; ++round) {
        std::vector<std::uint32_t> ids;
        for (int i = 0; i < 20; ++i) {
            state = state * 6364136223846793005U + 1442695040888963407U;
            ids.push_back(static_cast<std::uint32_t>(state >> 33U) % tokenizer.vocabulary());
        }
        OutputText text{tokenizer, {"he", "\xe4"}};
        std::string streamed;
        for (const std::uint32_t id : ids) {
            const std::string piece = text.push(id);
            EXPECT_TRUE(codec::is_utf8(piece));
            streamed += piece;
        }
        streamed += text.finish();
        EXPECT_EQ(streamed, output_text(tokenizer, {"he", "\xe4"}, ids));
        EXPECT_EQ(streamed.find("he"), std::string::npos);
    }
}

}  // namespace
}  // namespace vcity::checkpoint
