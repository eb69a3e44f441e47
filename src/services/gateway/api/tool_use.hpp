// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "codec/json.hpp"

// Function calls are text: the model is told of the functions in a system message, and what it writes is held to a form
// (grammar/form.hpp) that only a call of one of them fits.
namespace vcity::gateway {

inline constexpr std::string_view kCallBegin = "<tool_call>";

struct Tool {
    std::string name;
    std::string description;
    codec::Json parameters;  // a JSON schema
};

// What the model is told, after the client's own system message.
std::string tools_prompt(const std::vector<Tool>& tools);
// The form of an answer that may be (or with `must_call` is) a call of one of these.
std::string tools_form(const std::vector<Tool>& tools, bool must_call);
std::string schema_form(const codec::Json& schema);

// How a call of an earlier answer and a function's result stand in the prompt.
std::string call_text(std::string_view name, std::string_view arguments);
std::string result_text(std::string_view content);

struct ToolCall {
    std::string name;
    std::string arguments;  // JSON text
};
// The call that an answer is; nothing for any other text, an unfinished call among them. Only one that must be a call
// may be without the mark.
std::optional<ToolCall> parse_call(std::string_view text, bool must_call);

}  // namespace vcity::gateway
