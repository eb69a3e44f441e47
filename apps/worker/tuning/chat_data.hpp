// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <string_view>
#include <vector>

#include "checkpoint/model_directory.hpp"

namespace vcity::worker {

// One answer of an assistant with all that was said before: the tokens, and how many of them the model is only given.
struct ChatExample {
    std::vector<std::uint32_t> tokens;
    std::size_t given = 0;  // at least one; the rest is to be predicted
};

struct ChatData {
    std::vector<ChatExample> examples;
    std::size_t lines = 0;
    std::size_t cut = 0;  // examples whose prompt lost its beginning, because the whole is longer than the model reads
    std::size_t dropped = 0;  // whose answer alone is longer
    std::uint64_t learned_tokens = 0;
};

struct ChatDataLimits {
    std::uint64_t file_bytes = 512U << 20U;
    std::size_t line_bytes = 4U << 20U;
    std::size_t examples = 1'000'000;
    std::size_t messages = 512;  // of one line
};

// A dataset in the form of OpenAI's fine-tuning: a JSON object a line, {"messages": [{"role": "system"|"user"|
// "assistant", "content": "...", "weight": 0|1}]}. Every answer with weight 1 (the default) becomes an example, its
// prompt written as for serving. `length`: tokens of an example at most. kInvalid names file, line and field;
// kNotFound; kExhausted beyond the limits.
Result<ChatData> read_chat_file(const std::filesystem::path& path,
                                const checkpoint::ModelDirectory& model,
                                std::size_t length,
                                const ChatDataLimits& limits = {});

// One line, appended. kInvalid names the field.
Result<void> read_chat_line(std::string_view line,
                            const checkpoint::ModelDirectory& model,
                            std::size_t length,
                            const ChatDataLimits& limits,
                            ChatData* data);

}  // namespace vcity::worker
