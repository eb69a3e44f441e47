// SPDX-License-Identifier: Apache-2.0
#include "tuning/chat_data.hpp"

#include <fstream>

#include "app/chat_lines.hpp"
#include "checkpoint/prompt.hpp"

namespace vcity::worker {
namespace {

// What closes an answer in this form of chat.
std::optional<std::uint32_t> end_of_answer(const checkpoint::ModelDirectory& model) {
    const checkpoint::PromptRules& rules = model.prompt_rules();
    switch (*rules.chat) {
        case checkpoint::ChatForm::kChatMl: return model.tokenizer().special("<|im_end|>");
        case checkpoint::ChatForm::kLlama3: return model.tokenizer().special("<|eot_id|>");
        case checkpoint::ChatForm::kTurnTokens:
        case checkpoint::ChatForm::kLlama2: return rules.end;
    }
    return std::nullopt;
}

// The newest part of the prompt is kept, behind its first token.
void add_example(std::vector<std::uint32_t> prompt,
                 const std::vector<std::uint32_t>& answer,
                 std::size_t length,
                 ChatData* data) {
    if (answer.size() + 1 > length || prompt.empty()) {
        ++data->dropped;
        return;
    }
    const std::size_t room = length - answer.size();
    if (prompt.size() > room) {
        const auto surplus = static_cast<std::ptrdiff_t>(prompt.size() - room);
        prompt.erase(prompt.begin() + (room > 1 ? 1 : 0), prompt.begin() + (room > 1 ? 1 : 0) + surplus);
        ++data->cut;
    }
    ChatExample example;
    example.given = prompt.size();
    example.tokens = std::move(prompt);
    example.tokens.insert(example.tokens.end(), answer.begin(), answer.end());
    data->learned_tokens += answer.size();
    data->examples.push_back(std::move(example));
}

}  // namespace

Result<void> read_chat_line(std::string_view line,
                            const checkpoint::ModelDirectory& model,
                            std::size_t length,
                            const ChatDataLimits& limits,
                            ChatData* data) {
    if (!model.prompt_rules().chat) return make_error(Errc::kInvalid, "the model has no form of chat to learn in");
    TRY(const std::vector<app::ChatTurn> turns, app::parse_chat_line(line, limits.messages));
    ModelRequest before;
    for (std::size_t at = 0; at < turns.size(); ++at) {
        if (turns[at].is_learned) {
            if (data->examples.size() >= limits.examples) {
                return make_error(Errc::kExhausted, "more than " + std::to_string(limits.examples) + " answers");
            }
            TRY(auto prompt, checkpoint::encode_prompt(before, model.tokenizer(), model.prompt_rules()));
            Result<std::vector<std::uint32_t>> answer = model.tokenizer().encode(turns[at].content);
            if (!answer) {
                return make_error(Errc::kInvalid,
                                  "messages[" + std::to_string(at) + "].content: " + answer.error().message);
            }
            if (const auto end = end_of_answer(model)) answer->push_back(*end);
            add_example(std::move(prompt), *answer, length, data);
        }
        before.messages.push_back({.role = turns[at].role, .content = turns[at].content});
    }
    return {};
}

Result<ChatData> read_chat_file(const std::filesystem::path& path,
                                const checkpoint::ModelDirectory& model,
                                std::size_t length,
                                const ChatDataLimits& limits) {
    std::error_code failed;
    const auto bytes = std::filesystem::file_size(path, failed);
    std::ifstream file(path);
    if (failed || !file) return make_error(Errc::kNotFound, "cannot read " + path.string());
    if (bytes > limits.file_bytes) {
        return make_error(Errc::kExhausted, path.string() + " has " + std::to_string(bytes) + " bytes, at most " +
                                                std::to_string(limits.file_bytes) + " are read");
    }
    ChatData data;
    std::string line;
    while (std::getline(file, line)) {
        ++data.lines;
        const std::string place = path.filename().string() + ", line " + std::to_string(data.lines);
        if (line.size() > limits.line_bytes) return make_error(Errc::kExhausted, place + ": is too long");
        if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
        const Result<void> read = read_chat_line(line, model, length, limits, &data);
        if (!read) return make_error(read.error().code, place + ": " + read.error().message);
    }
    if (data.examples.empty()) return make_error(Errc::kInvalid, path.filename().string() + ": holds no example");
    return data;
}

}  // namespace vcity::worker
