// SPDX-License-Identifier: Apache-2.0
#include "app/chat_lines.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "app/app_spec.hpp"
#include "codec/json.hpp"

namespace vcity::app {
namespace {

using codec::Json;

constexpr std::array<std::string_view, 3> kRoles{"system", "user", "assistant"};

Error invalid(const std::string& field, const std::string& what) {
    return make_error(Errc::kInvalid, field + ": " + what);
}

Result<bool> read_weight(const Json& message, const std::string& field, bool is_answer) {
    const Json* weight = message.find("weight");
    if (weight == nullptr) return is_answer;
    std::int64_t value = 0;
    if (!weight->get_i64(&value) || (value != 0 && value != 1)) return invalid(field + ".weight", "must be 0 or 1");
    return is_answer && value == 1;
}

Result<void> check_members(const codec::JsonObject& message, const std::string& field) {
    for (const auto& [name, value] : message) {
        if (name == "tool_calls" || name == "function_call") {
            return invalid(field + "." + name, "calls of tools cannot be learned yet");
        }
        const bool is_known = name == "role" || name == "content" || name == "weight" || name == "name";
        if (!is_known) return invalid(field + "." + name, "is not known");
    }
    return {};
}

Result<ChatTurn> read_turn(const Json& json, const std::string& field) {
    const codec::JsonObject* object = json.get_object();
    if (object == nullptr) return invalid(field, "must be an object with role and content");
    TRY_OK(check_members(*object, field));
    ChatTurn turn;
    const Json* role = json.find("role");
    if (role == nullptr || role->get_string() == nullptr) return invalid(field + ".role", "is missing");
    turn.role = *role->get_string();
    if (std::ranges::find(kRoles, turn.role) == kRoles.end()) {
        return invalid(field + ".role", "must be system, user or assistant");
    }
    const Json* content = json.find("content");
    if (content == nullptr || content->get_string() == nullptr) return invalid(field + ".content", "must be a text");
    turn.content = *content->get_string();
    const bool is_answer = turn.role == "assistant";
    if (is_answer && turn.content.empty()) return invalid(field + ".content", "an answer must not be empty");
    TRY(turn.is_learned, read_weight(json, field, is_answer));
    return turn;
}

Result<const codec::JsonArray*> read_messages(const Json& row, std::size_t messages_max) {
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
        return invalid("messages", fmt::format("has {} messages, at most {} are read", messages->size(), messages_max));
    }
    return messages;
}

}  // namespace

Result<std::vector<ChatTurn>> parse_chat_line(std::string_view line, std::size_t messages_max) {
    if (line.size() > kChatLineBytesMax) return make_error(Errc::kExhausted, "is too long");
    TRY(const Json row, codec::parse_json(line));
    TRY(const codec::JsonArray* messages, read_messages(row, messages_max));
    std::vector<ChatTurn> turns;
    for (std::size_t at = 0; at < messages->size(); ++at) {
        TRY(ChatTurn turn, read_turn((*messages)[at], fmt::format("messages[{}]", at)));
        turns.push_back(std::move(turn));
    }
    if (std::ranges::none_of(turns, &ChatTurn::is_learned)) {
        return invalid("messages", "has no answer to learn from: a message of the assistant with weight 1");
    }
    if (turns.front().is_learned) return invalid("messages[0]", "must not be an answer: there is nothing before it");
    return turns;
}

std::vector<Problem> check_chat_lines(std::string_view jsonl) {
    std::vector<Problem> problems;
    std::uint32_t number = 0;
    bool is_empty = true;
    while (!jsonl.empty() && problems.size() < kProblemsMax) {
        const std::size_t end = jsonl.find('\n');
        const std::string_view line = jsonl.substr(0, end);
        jsonl.remove_prefix(end == std::string_view::npos ? jsonl.size() : end + 1);
        ++number;
        if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
        is_empty = false;
        const Result<std::vector<ChatTurn>> turns = parse_chat_line(line);
        if (turns) continue;
        // "FIELD: reason", or a reason alone.
        const std::string& text = turns.error().message;
        const std::size_t colon = text.find(": ");
        const bool has_field = colon != std::string::npos && colon < text.find(' ');
        problems.push_back({{number, 1},
                            has_field ? text.substr(0, colon) : std::string{},
                            has_field ? text.substr(colon + 2) : text});
    }
    if (is_empty) problems.push_back({{1, 1}, "", "holds no example"});
    return problems;
}

}  // namespace vcity::app
