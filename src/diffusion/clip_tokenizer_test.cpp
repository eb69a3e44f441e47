// SPDX-License-Identifier: Apache-2.0
#include "diffusion/clip_tokenizer.hpp"

#include <gtest/gtest.h>

#include "checkpoint/mapped_file.hpp"

namespace vcity::diffusion {
namespace {

using Ids = std::vector<std::uint32_t>;

constexpr std::string_view kWords =
    R"({"r":0,"e":1,"d":2,"d</w>":3,"re":4,"red</w>":5,"7</w>":6,"!</w>":7,"s</w>":8,"'":9,"'s</w>":10,
        "<|startoftext|>":11,"<|endoftext|>":12})";
constexpr std::string_view kMerges = "#version: 0.2\nr e\nre d</w>\n' s</w>\n";

Result<ClipTokenizer> small() {
    return ClipTokenizer::parse(kWords, kMerges);
}

TEST(ClipTokenizer, MarksTheEndOfWordsAndFillsUpWithTheEnd) {
    const ClipTokenizer tokenizer = small().value();
    EXPECT_EQ(tokenizer.vocabulary(), 13U);
    EXPECT_EQ(tokenizer.encode("red", 5).value(), (Ids{11, 5, 12, 12, 12}));
    EXPECT_EQ(tokenizer.encode("", 3).value(), (Ids{11, 12, 12}));
    EXPECT_EQ(tokenizer.encode("ReD's 77!", 9).value(), (Ids{11, 5, 10, 6, 6, 7, 12, 12, 12}));
}

TEST(ClipTokenizer, SpacesOfEveryKindPartWords) {
    const ClipTokenizer tokenizer = small().value();
    for (const std::string_view space : {" ", "\n\t ", "\xc2\xa0", "\xe3\x80\x80", "\xe2\x80\x83", " \xe2\x80\xa8 "}) {
        const std::string text = "red" + std::string{space} + "red" + std::string{space};
        EXPECT_EQ(tokenizer.encode(text, 4).value(), (Ids{11, 5, 5, 12})) << space.size();
    }
}

TEST(ClipTokenizer, WhatIsTooLongIsCutBeforeTheEnd) {
    EXPECT_EQ(small().value().encode("red red red red", 4).value(), (Ids{11, 5, 5, 12}));
    EXPECT_EQ(small().value().encode("red red", 2).value(), (Ids{11, 12}));
}

TEST(ClipTokenizer, RefusesWhatItCannotRead) {
    const ClipTokenizer tokenizer = small().value();
    EXPECT_EQ(tokenizer.encode("blue", 5).error().code, Errc::kInvalid);
    EXPECT_EQ(tokenizer.encode("\xff", 5).error().code, Errc::kInvalid);
    EXPECT_EQ(tokenizer.encode(std::string(70'000, 'r'), 5).error().code, Errc::kInvalid);
    // Control tokens are words like any other: here without the letters that they need.
    EXPECT_EQ(tokenizer.encode("<|endoftext|>", 5).error().code, Errc::kInvalid);
}

TEST(ClipTokenizer, NamesTheFileThatIsWrong) {
    const std::tuple<std::string_view, std::string_view, std::string_view> cases[] = {
        {"[]", kMerges, "vocab.json: is no JSON object"},
        {"{", kMerges, "vocab.json: "},
        {R"({"a":-1})", kMerges, "vocab.json: an id"},
        {R"({"a":1})", kMerges, "vocab.json: lacks"},
        {kWords, "r e d\n", "merges.txt: line 1: must be two symbols"},
        {kWords, "#version: 0.2\nred\n", "merges.txt: line 2"},
    };
    for (const auto& [words, merges, why] : cases) {
        const auto parsed = ClipTokenizer::parse(words, merges);
        ASSERT_FALSE(parsed) << why;
        EXPECT_NE(parsed.error().message.find(why), std::string::npos) << parsed.error().message;
    }
}

TEST(ClipTokenizer, GivesWhatTheRecipeOfTheModelGave) {
    const std::string folder = std::string{VCITY_SOURCE_DIR} + "/models/vcity-mini-paint/tokenizer/";
    const std::string words = checkpoint::read_text_file(folder + "vocab.json", 1U << 20U).value();
    const std::string merges = checkpoint::read_text_file(folder + "merges.txt", 1U << 20U).value();
    const ClipTokenizer tokenizer = ClipTokenizer::parse(words, merges).value();
    // words.py, Tokenizer().encode().
    EXPECT_EQ(tokenizer.encode("a red circle on a blue background", 16).value(),
              (Ids{566, 320, 546, 560, 555, 320, 561, 565, 567, 567, 567, 567, 567, 567, 567, 567}));
    EXPECT_TRUE(tokenizer.encode("每 <|endoftext|> \xf0\x9f\x8e\xa8", 16).has_value());
}

}  // namespace
}  // namespace vcity::diffusion
