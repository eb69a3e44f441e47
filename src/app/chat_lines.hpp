// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "app/yaml.hpp"
#include "base/result.hpp"

// Datasets in the form of OpenAI's fine-tuning: a JSON object a line, {"messages": [{"role": "system"|"user"|
// "assistant", "content": "...", "weight": 0|1}]}. One definition for who orders a run and for what trains.
namespace vcity::app {

struct ChatTurn {
    std::string role;
    std::string content;
    bool is_learned = false;  // an answer with weight 1, which is the default
};

inline constexpr std::size_t kChatMessagesMax = 512;  // of one line
inline constexpr std::size_t kChatLineBytesMax = 4U << 20U;

// Untrusted. kInvalid: no JSON, or "FIELD: reason" for the first field that is wrong; kExhausted: too long a line.
Result<std::vector<ChatTurn>> parse_chat_line(std::string_view line, std::size_t messages_max = kChatMessagesMax);

// What is wrong with the first lines that are wrong, kProblemsMax at most; empty lines do not count. A dataset without
// a line is wrong too.
std::vector<Problem> check_chat_lines(std::string_view jsonl);

}  // namespace vcity::app
