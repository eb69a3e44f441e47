// SPDX-License-Identifier: Apache-2.0
#include "tuning/chat_data.hpp"

#include <algorithm>
#include <array>
#include <fstream>

#include "checkpoint/prompt.hpp"

namespace vcity::worker {
namespace {

using codec::Json;

constexpr std::array<std::string_view, 3> kRoles{"system", "user", "assistant"};

Error invalid(const std::string& field, const std::string& what) {
    return make_error(Errc::kInvalid, field + ": " + what);
}

struct Turn {
    ChatMessage message;
    bool is_learned = false;
};

Result<bool> read_weight(const Json& message, const std::string& field, bool is_answer) {
    const Json* weight = message.find("weight");
    if (weight == nullptr) return is_answer;
    std::int64_t value = 0;
    if (!weight->get_i64(&value) || (value != 0 && value != 1)) return invalid(field + ".weight", "must be 0 or 1");
    return is_answer && value == 1;
}

Result<Turn> read_turn(const Json& json, const std::string& field) {
    const codec::JsonObject* object = json.get_object();
    if (object == nullptr) return invalid(field, "must be an object with role and content");
    for (const auto& [name, value] : *object) {
        if (name == "tool_calls" || name == "function_call") {
            return invalid(field + "." + name, "calls of tools cannot be learned yet");
        }
        const bool is_known = name == "role" || name == "content" || name == "weight" || name == "name";
        if (!is_known) return invalid(field + "." + name, "is not known");
    }
    Turn turn;
    const Json* role = json.find("role");
    if (role == nullptr || role->get_string() == nullptr) return invalid(field + ".role", "is missing");
    turn.message.role = *role->get_string();
    if (std::ranges::find(kRoles, turn.message.role) == kRoles.end()) {
        return invalid(field + ".role", "must be system, user or assistant");
    }
    const Json* content = json.find("content");
    if (content == nullptr || content->get_string() == nullptr) return invalid(field + ".content", "must be a text");
    turn.message.content = *content->get_string();
    const bool is_answer = turn.message.role == "assistant";
    if (is_answer && turn.message.content.empty()) return invalid(field + ".content", "an answer must not be empty");
    TRY(turn.is_learned, read_weight(json, field, is_answer));
    return turn;
}

Result<std::vector<Turn>> read_turns(const Json& row, std::size_t messages_max) {
    const codec::JsonObject* object = row.get_object();
    if (object == nullptr) return make_error(Errc::kInvalid, "must be an object with the member messages");
    for (const auto& [name, value] : *object) {
        if (name == "tools" || name == "functions" || name == "parallel_tool_calls") {
            return invalid(name, "calls of tools cannot be learned yet");
        }
        if (name != "messages") return invalid(name, "is not known");
    }
    const Json* list = row.find("messages");
    const codec::JsonArray* messages = list == nullptr ? nullptr : list->get_array();
    if (messages == nullptr || messages->empty()) return invalid("messages", "must be a list of messages");
    if (messages->size() > messages_max) {
        return invalid("messages", "has " + std::to_string(messages->size()) + " messages, at most " +
                                       std::to_string(messages_max) + " are read");
    }
    std::vector<Turn> turns;
    for (std::size_t at = 0; at < messages->size(); ++at) {
        TRY(Turn turn, read_turn((*messages)[at], "messages[" + std::to_string(at) + "]"));
        turns.push_back(std::move(turn));
    }
    const bool has_answer = std::ranges::any_of(turns, &Turn::is_learned);
    if (!has_answer)
        return invalid("messages", "has no answer to learn from: a message of the assistant with weight 1");
    if (turns.front().is_learned) return invalid("messages[0]", "must not be an answer: there is nothing before it");
    return turns;
}

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
    TRY(const Json row, codec::parse_json(line));
    TRY(const std::vector<Turn> turns, read_turns(row, limits.messages));
    ModelRequest before;
    for (std::size_t at = 0; at < turns.size(); ++at) {
        if (turns[at].is_learned) {
            if (data->examples.size() >= limits.examples) {
                return make_error(Errc::kExhausted, "more than " + std::to_string(limits.examples) + " answers");
            }
            TRY(auto prompt, checkpoint::encode_prompt(before, model.tokenizer(), model.prompt_rules()));
            Result<std::vector<std::uint32_t>> answer = model.tokenizer().encode(turns[at].message.content);
            if (!answer) return invalid("messages[" + std::to_string(at) + "].content", answer.error().message);
            if (const auto end = end_of_answer(model)) answer->push_back(*end);
            add_example(std::move(prompt), *answer, length, data);
        }
        before.messages.push_back(turns[at].message);
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
