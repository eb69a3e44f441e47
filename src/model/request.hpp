// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace vcity {

struct ChatMessage {
    std::string role;  // "system", "user" or "assistant"
    std::string content;

    bool operator==(const ChatMessage&) const = default;
};

struct Sampling {
    double temperature = 1.0;  // 0: greedy; at most 2
    double top_p = 1.0;        // in (0, 1]
    std::uint64_t seed = 0;

    bool operator==(const Sampling&) const = default;
};

// A normalised model call. Exactly one of messages (chat) and prompt (completion) is used: a chat has messages.
struct ModelRequest {
    std::string model;
    std::vector<ChatMessage> messages;
    std::string prompt;
    std::uint32_t output_tokens_max = 0;
    Sampling sampling;
    std::vector<std::string> stop;  // at most 4

    bool operator==(const ModelRequest&) const = default;
};

enum class FinishReason : std::uint8_t { kStop = 0, kLength = 1, kCancelled = 2 };
std::string_view to_string(FinishReason reason);

struct TokenUsage {
    std::uint64_t input = 0;
    std::uint64_t output = 0;

    bool operator==(const TokenUsage&) const = default;
};

}  // namespace vcity
