// SPDX-License-Identifier: Apache-2.0
#include "app/chat_lines.hpp"

#include <algorithm>

#include <gtest/gtest.h>

#include "app/app_spec.hpp"

namespace vcity::app {
namespace {

constexpr std::string_view kGood =
    R"({"messages": [{"role": "system", "content": ""}, {"role": "user", "content": "a"},
 {"role": "assistant", "content": "b", "weight": 0}, {"role": "assistant", "content": "c", "name": "x"}]})";

std::string problems_of(std::string_view jsonl) {
    std::string all;
    for (const Problem& problem : check_chat_lines(jsonl)) all += to_text("d.jsonl", problem) + "\n";
    return all;
}

TEST(ChatLines, AnswersWithAWeightOfOneAreLearned) {
    const Result<std::vector<ChatTurn>> turns = parse_chat_line(kGood);
    ASSERT_TRUE(turns.has_value()) << turns.error().message;
    ASSERT_EQ(turns->size(), 4U);
    EXPECT_FALSE((*turns)[1].is_learned);
    EXPECT_FALSE((*turns)[2].is_learned);
    EXPECT_TRUE((*turns)[3].is_learned);
}

TEST(ChatLines, EachWrongLineIsNamedWithItsField) {
    const std::string good =
        R"({"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]})";
    const std::pair<std::string_view, std::string_view> cases[] = {
        {"[]", "must be an object with the member messages"},
        {"{}", "messages: must be a list of messages"},
        {R"({"messages": []})", "messages: must be a list of messages"},
        {R"({"messages": [1]})", "messages[0]: must be an object with role and content"},
        {R"({"messages": [{"content": "a"}]})", "messages[0].role: is missing"},
        {R"({"messages": [{"role": "moon", "content": "a"}]})", "messages[0].role: must be system, user or assistant"},
        {R"({"messages": [{"role": "user"}]})", "messages[0].content: must be a text"},
        {R"({"messages": [{"role": "user", "content": "a", "mood": 1}]})", "messages[0].mood: is not known"},
        {R"({"messages": [{"role": "user", "content": "a"}]})", "messages: has no answer to learn from"},
        {R"({"messages": [{"role": "assistant", "content": "a"}]})", "messages[0]: must not be an answer"},
        {R"({"messages": [{"role": "assistant", "content": ""}]})", "messages[0].content: an answer must not be empty"},
        {R"({"messages": [{"role": "user", "content": "a", "weight": 2}]})", "messages[0].weight: must be 0 or 1"},
        {R"({"messages": [{"role": "user", "tool_calls": []}]})", "messages[0].tool_calls: calls of tools"},
        {R"({"tools": [], "messages": []})", "tools: calls of tools"},
        {R"({"prompt": "a"})", "prompt: is not known"},
    };
    for (const auto& [line, reason] : cases) {
        const std::string text = problems_of(good + "\n\n" + std::string{line} + "\n" + good + "\n");
        EXPECT_TRUE(text.starts_with("d.jsonl:3:1: " + std::string{reason})) << line << "\n" << text;
        EXPECT_EQ(std::ranges::count(text, '\n'), 1) << text;
    }
    EXPECT_TRUE(problems_of("{oops\n").starts_with("d.jsonl:1:1: ")) << problems_of("{oops\n");
}

TEST(ChatLines, NothingToLearnFromAndTooMuchIsSaid) {
    EXPECT_EQ(problems_of(""), "d.jsonl:1:1: holds no example\n");
    EXPECT_EQ(problems_of("\n \r\n"), "d.jsonl:1:1: holds no example\n");
    EXPECT_EQ(parse_chat_line(std::string(kChatLineBytesMax + 1, 'x')).error().code, Errc::kExhausted);
    EXPECT_EQ(parse_chat_line(kGood, 3).error().message, "messages: has 4 messages, at most 3 are read");
    std::string many;
    for (int line = 0; line < 500; ++line) many += "[]\n";
    EXPECT_EQ(check_chat_lines(many).size(), kProblemsMax);
}

}  // namespace
}  // namespace vcity::app
