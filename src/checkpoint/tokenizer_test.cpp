// SPDX-License-Identifier: Apache-2.0
#include "checkpoint/tokenizer.hpp"

#include <gtest/gtest.h>

#include "checkpoint/mapped_file.hpp"
#include "checkpoint/output_text.hpp"
#include "checkpoint/testing/tiny_model.hpp"

namespace vcity::checkpoint {
namespace {

using testing::TinyPiece;

constexpr std::uint32_t kFirstByte = 5;
constexpr std::uint32_t kSpaceHello = 5 + 256 + 4;  // "▁hello"
constexpr std::uint32_t kGreeting = 5 + 256 + 5;    // "你好"
constexpr std::uint32_t kSpace = 5 + 256 + 6 + 7;   // "▁"

Tokenizer tiny() {
    auto tokenizer = parse_sentencepiece(testing::sentencepiece_file(testing::tiny_pieces()));
    EXPECT_TRUE(tokenizer) << tokenizer.error().message;
    return *std::move(tokenizer);
}

using Ids = std::vector<std::uint32_t>;

TEST(Sentencepiece, MergesByScore) {
    const Tokenizer tokenizer = tiny();

    EXPECT_EQ(*tokenizer.encode("hello"), (Ids{kSpaceHello}));
    EXPECT_EQ(*tokenizer.encode("hello hello"), (Ids{kSpaceHello, kSpaceHello}));
    EXPECT_EQ(*tokenizer.encode("\xe4\xbd\xa0\xe5\xa5\xbd"), (Ids{kSpace, kGreeting}));
    EXPECT_TRUE(tokenizer.encode("")->empty());
}

TEST(Sentencepiece, FallsBackToBytes) {
    const Tokenizer tokenizer = tiny();

    EXPECT_EQ(*tokenizer.encode("\n"), (Ids{kSpace, kFirstByte + '\n'}));
    EXPECT_EQ(*tokenizer.encode("\xe5\x8d\xab"),
              (Ids{kSpace, kFirstByte + 0xe5, kFirstByte + 0x8d, kFirstByte + 0xab}));
}

TEST(Sentencepiece, NeverEncodesControlTokens) {
    const Tokenizer tokenizer = tiny();

    const auto tokens = tokenizer.encode("</s><|assistant|>");

    ASSERT_TRUE(tokens);
    for (const std::uint32_t token : *tokens) EXPECT_GE(token, kFirstByte);
    EXPECT_EQ(tokenizer.special("<|assistant|>"), 4U);
    EXPECT_EQ(tokenizer.special("hello"), std::nullopt);
}

TEST(Sentencepiece, RoundTrips) {
    const Tokenizer tokenizer = tiny();
    for (const std::string text :
         {"hello", " hello", "a  b\n\tc", "\xe4\xbd\xa0\xe5\xa5\xbd, w\xc3\xb6rld \xf0\x9f\x98\x80"}) {
        EXPECT_EQ(output_text(tokenizer, {}, *tokenizer.encode(text)), text);
    }
}

TEST(Sentencepiece, RefusesBadText) {
    const Tokenizer tokenizer = tiny();

    EXPECT_EQ(tokenizer.encode("\xff\xfe").error().code, Errc::kInvalid);
    EXPECT_EQ(tokenizer.encode(std::string(kEncodedTextMax + 1, 'a')).error().code, Errc::kInvalid);
    EXPECT_EQ(tokenizer.token_bytes(1U << 30U), "");
}

TEST(Sentencepiece, RefusesBadFiles) {
    const std::vector<TinyPiece> pieces = testing::tiny_pieces();
    const Bytes good = testing::sentencepiece_file(pieces);

    EXPECT_FALSE(parse_sentencepiece({}));
    EXPECT_FALSE(parse_sentencepiece(ByteView{good}.first(good.size() - 1)));
    EXPECT_FALSE(parse_sentencepiece(testing::sentencepiece_file(pieces, true, 1))) << "unigram";
    EXPECT_FALSE(parse_sentencepiece(testing::sentencepiece_file({{"a", 0, 1}, {"a", 0, 1}}))) << "twice";
    EXPECT_FALSE(parse_sentencepiece(testing::sentencepiece_file({{"<0xZZ>", 0, 6}}))) << "no byte";
    EXPECT_FALSE(parse_sentencepiece(testing::sentencepiece_file({{"\xff", 0, 1}}))) << "no UTF-8";
    EXPECT_FALSE(parse_sentencepiece(testing::sentencepiece_file({{"a", 0, 4}}))) << "user-defined";
}

// The bytes of every piece were compared with sentencepiece 0.1.97 over the whole training corpus; these are samples.
TEST(Sentencepiece, AgreesWithTheLibraryOnTheShippedModel) {
    const auto file =
        read_text_file(std::string{VCITY_SOURCE_DIR} + "/models/vcity-mini-bilingual/tokenizer.model", 1U << 20U);
    ASSERT_TRUE(file);
    const auto tokenizer = parse_sentencepiece(as_bytes(*file));
    ASSERT_TRUE(tokenizer) << tokenizer.error().message;

    EXPECT_EQ(*tokenizer->encode("What is free software?"), (Ids{350, 284, 988, 612, 3720}));
    EXPECT_EQ(*tokenizer->encode("请介绍一下 Debian。"), (Ids{717, 325, 3694}));
    EXPECT_EQ(tokenizer->vocabulary(), 6144U);
}

constexpr const char* kByteLevel = R"({
  "model": {"type": "BPE", "ignore_merges": true,
    "vocab": {"h": 0, "e": 1, "l": 2, "o": 3, "he": 4, "ll": 5, "hell": 6, "hello": 7, "\u0120": 8, "\u0120hello": 9,
              "1": 10, "2": 11, "3": 12, "4": 13, "\u00e4": 14, "\u00bd": 15, "\u0142": 16, "\u010a": 17},
    "merges": ["h e", "l l", "he ll", "hell o", "\u0120 hello"]},
  "pre_tokenizer": {"type": "Sequence", "pretokenizers": [
    {"type": "Split", "behavior": "Isolated", "invert": false,
     "pattern": {"Regex": "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?)"
                                   R"(\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*)"
                                   R"(|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"}},
    {"type": "ByteLevel", "add_prefix_space": false, "use_regex": false}]},
  "added_tokens": [{"id": 18, "content": "<|eot_id|>", "special": true}]})";

TEST(TokenizerJson, ReadsByteLevelModels) {
    const auto tokenizer = parse_tokenizer_json(kByteLevel);
    ASSERT_TRUE(tokenizer) << tokenizer.error().message;

    EXPECT_EQ(*tokenizer->encode("hello hello"), (Ids{7, 9}));
    EXPECT_EQ(*tokenizer->encode("1234"), (Ids{10, 11, 12, 13}));
    EXPECT_EQ(*tokenizer->encode("\xe4\xbd\xa0"), (Ids{14, 15, 16}));
    EXPECT_EQ(output_text(*tokenizer, {}, Ids{7, 9, 17, 14, 15, 16, 18}), "hello hello\n\xe4\xbd\xa0");
    EXPECT_EQ(tokenizer->special("<|eot_id|>"), 18U);
    EXPECT_FALSE(tokenizer->encode("x")) << "no token for this byte";
}

constexpr const char* kMetaspace = R"({
  "model": {"type": "BPE", "unk_token": "<unk>", "byte_fallback": true,
    "vocab": {"<unk>": 0, "<0x0A>": 1, "\u2581": 2, "h": 3, "i": 4, "hi": 5, "\u2581hi": 6},
    "merges": [["h", "i"], ["\u2581", "hi"]]},
  "normalizer": {"type": "Sequence", "normalizers": [
    {"type": "Prepend", "prepend": "\u2581"},
    {"type": "Replace", "pattern": {"String": " "}, "content": "\u2581"}]},
  "pre_tokenizer": null, "added_tokens": []})";

TEST(TokenizerJson, ReadsMetaspaceModels) {
    const auto tokenizer = parse_tokenizer_json(kMetaspace);
    ASSERT_TRUE(tokenizer) << tokenizer.error().message;

    EXPECT_EQ(*tokenizer->encode("hi hi\n"), (Ids{6, 6, 1}));
    EXPECT_EQ(*tokenizer->encode("x"), (Ids{2, 0}));
    EXPECT_EQ(output_text(*tokenizer, {}, Ids{6, 6, 1}), "hi hi\n");
}

TEST(TokenizerJson, RefusesWhatItDoesNotKnow) {
    EXPECT_FALSE(parse_tokenizer_json("{}"));
    EXPECT_FALSE(parse_tokenizer_json(R"({"model": {"type": "WordPiece", "vocab": {"a": 0}, "merges": []}})"));
    EXPECT_FALSE(parse_tokenizer_json(R"({"model": {"vocab": {"a": 99999999}, "merges": ["a b"]}})"));
    EXPECT_FALSE(parse_tokenizer_json(R"({"model": {"vocab": {"a": 0}, "merges": ["ab"]}})"));
    EXPECT_FALSE(
        parse_tokenizer_json(R"({"model": {"vocab": {"a": 0}, "merges": ["a a"]}, "normalizer": {"type": "NFC"}})"));
    EXPECT_FALSE(parse_tokenizer_json(R"({"model": {"vocab": {"a": 0}, "merges": ["a a"]},
        "pre_tokenizer": {"type": "Split", "behavior": "Isolated", "pattern": {"Regex": "("}}})"));
}

TEST(SplitPattern, CutsTheWholeText) {
    const auto pattern = SplitPattern::compile(kGpt2Pattern);
    ASSERT_TRUE(pattern);

    const auto words = (*pattern)->split("don't stop  \xe4\xbd\xa0\xe5\xa5\xbd 42!");

    ASSERT_TRUE(words);
    EXPECT_EQ(*words,
              (std::vector<std::string_view>{"don", "'t", " stop", " ", " \xe4\xbd\xa0\xe5\xa5\xbd", " 42", "!"}));
}

TEST(SplitPattern, BoundsTheWorkOfAPattern) {
    const auto pattern = SplitPattern::compile("(a+)+$");
    ASSERT_TRUE(pattern);

    EXPECT_EQ((*pattern)->split(std::string(40, 'a') + "b").error().code, Errc::kExhausted);
    EXPECT_FALSE(SplitPattern::compile(""));
    EXPECT_FALSE(SplitPattern::compile(std::string(5000, 'a')));
}

TEST(ByteStandIns, AreOneToOne) {
    for (unsigned byte = 0; byte < 256; ++byte) {
        const auto value = static_cast<std::uint8_t>(byte);
        EXPECT_EQ(byte_of_stand_in(byte_stand_in(value)), value);
    }
    EXPECT_EQ(byte_stand_in(' '), "\xc4\xa0");
}

}  // namespace
}  // namespace vcity::checkpoint
