// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <string>

#include "grammar/form.hpp"
#include "services/gateway/api/request_fields.hpp"
#include "services/gateway/api/tool_use.hpp"

// Of the request: what the output must look like, and what is told about its tokens.
namespace vcity::gateway::fields {
namespace {

constexpr std::size_t kToolsMax = 64;
constexpr std::size_t kNameMax = 64;

Refusal wrong_type(std::string_view name, std::string_view expected) {
    return refusal(ErrorCode::kInvalidType, name, "'" + std::string{name} + "' must be " + std::string{expected});
}

Refusal unknown(const std::string& name) {
    return refusal(ErrorCode::kUnknownParameter, name, "unknown parameter '" + name.substr(0, 128) + "'");
}

bool is_name(std::string_view text) {
    return !text.empty() && text.size() <= kNameMax && std::ranges::all_of(text, [](char letter) {
        return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') ||
               (letter >= '0' && letter <= '9') || letter == '_' || letter == '-';
    });
}

Refusal read_name(const codec::Json* value, const std::string& at, std::string* out) {
    if (value == nullptr) return refusal(ErrorCode::kMissingParameter, at, "'" + at + "' is missing");
    if (value->get_string() == nullptr || !is_name(*value->get_string())) {
        return wrong_type(at, "a name of 1 to 64 letters, digits, '_' and '-'");
    }
    *out = *value->get_string();
    return std::nullopt;
}

// The function of a tool. `strict` needs no attention: every call is held to the schema.
Refusal read_function(const codec::Json& function, const std::string& at, Tool* out) {
    if (!function.is_object()) return wrong_type(at, "an object");
    out->parameters =
        codec::JsonObject{{"type", "object"}, {"properties", codec::JsonObject{}}, {"additionalProperties", false}};
    for (const auto& [key, value] : *function.get_object()) {
        const std::string full = at + "." + key.substr(0, 64);
        if (key == "name" || value.is_null()) continue;
        if (key == "description") {
            if (value.get_string() == nullptr) return wrong_type(full, "a string");
            out->description = *value.get_string();
        } else if (key == "parameters") {
            if (!value.is_object()) return wrong_type(full, "a JSON schema");
            out->parameters = value;
        } else if (key != "strict") {
            return unknown(full);
        }
    }
    return read_name(function.find("name"), at + ".name", &out->name);
}

Refusal read_schema_format(const codec::Json& format, const std::string& at, Draft* draft) {
    if (!format.is_object()) return wrong_type(at, "an object");
    for (const auto& [key, value] : *format.get_object()) {
        if (key == "type" || key == "schema" || key == "name" || key == "description" || key == "strict") continue;
        return unknown(at + "." + key.substr(0, 64));
    }
    const codec::Json* schema = format.find("schema");
    if (schema == nullptr || !schema->is_object()) return wrong_type(at + ".schema", "a JSON schema");
    draft->form = schema_form(*schema);
    return std::nullopt;
}

}  // namespace

Refusal read_tools(const codec::Json& value, std::string_view name, Draft* draft) {
    const codec::JsonArray* items = value.get_array();
    if (items == nullptr || items->size() > kToolsMax) return wrong_type(name, "a list of at most 64 tools");
    for (const codec::Json& item : *items) {
        const std::string at = std::string{name} + "[" + std::to_string(draft->tools.size()) + "]";
        const codec::Json* type = item.find("type");
        if (type == nullptr || type->get_string() == nullptr) return wrong_type(at, "an object with a 'type'");
        if (*type->get_string() != "function") {
            return refusal(ErrorCode::kUnsupportedParameter, at + ".type",
                           "only tools of type 'function' are supported");
        }
        Tool tool;
        // The responses API has the function's fields in the tool itself.
        codec::Json flat = item;
        const codec::Json* function = item.find("function");
        if (function == nullptr) {
            codec::JsonObject members = *item.get_object();
            std::erase_if(members, [](const auto& member) { return member.first == "type"; });
            flat = std::move(members);
            function = &flat;
        }
        const std::string inside = function == &flat ? at : at + ".function";
        if (Refusal refused = read_function(*function, inside, &tool)) return refused;
        const bool is_known = std::ranges::find(draft->tools, tool.name, &Tool::name) != draft->tools.end();
        if (is_known) return refusal(ErrorCode::kInvalidValue, at, "two functions have the name '" + tool.name + "'");
        draft->tools.push_back(std::move(tool));
    }
    return std::nullopt;
}

Refusal read_tool_choice(const codec::Json& value, std::string_view name, Draft* draft) {
    if (const std::string* text = value.get_string()) {
        if (*text != "none" && *text != "auto" && *text != "required") {
            return refusal(ErrorCode::kInvalidValue, name, "'tool_choice' must be none, auto, required or a function");
        }
        draft->tool_choice = *text;
        return std::nullopt;
    }
    const codec::Json* function = value.find("function");
    const codec::Json* chosen = function == nullptr ? value.find("name") : function->find("name");
    draft->tool_choice = "named";
    return read_name(chosen, std::string{name} + ".function.name", &draft->tool_chosen);
}

Refusal read_response_format(const codec::Json& value, std::string_view name, Draft* draft) {
    const codec::Json* type = value.find("type");
    if (type == nullptr || type->get_string() == nullptr) return wrong_type(name, "an object with a 'type'");
    if (*type->get_string() == "text") return std::nullopt;
    if (*type->get_string() == "json_object") {
        draft->form = schema_form(codec::JsonObject{{"type", "object"}});
        return std::nullopt;
    }
    if (*type->get_string() != "json_schema") {
        return refusal(ErrorCode::kInvalidValue, std::string{name} + ".type",
                       "'" + std::string{name} + ".type' must be text, json_object or json_schema");
    }
    // The responses API has the schema in the format itself.
    const codec::Json* inner = value.find("json_schema");
    if (inner == nullptr) return read_schema_format(value, std::string{name}, draft);
    return read_schema_format(*inner, std::string{name} + ".json_schema", draft);
}

Refusal read_choices(const codec::Json& value, std::string_view name, Draft* draft) {
    constexpr std::uint64_t kChoicesMax = 16;
    std::uint64_t count = 0;
    if (!value.is_integer()) return wrong_type(name, "an integer");
    if (!value.get_u64(&count) || count == 0 || count > kChoicesMax) {
        return refusal(ErrorCode::kInvalidValue, name, "'n' must be between 1 and 16");
    }
    draft->request.choices = static_cast<std::uint32_t>(count);
    return std::nullopt;
}

Refusal read_logprobs(const codec::Json& value, std::string_view name, Draft* draft) {
    const bool* flag = value.get_bool();
    if (flag == nullptr) return wrong_type(name, "true or false");
    draft->has_logprobs = *flag;
    return std::nullopt;
}

Refusal read_top_logprobs(const codec::Json& value, std::string_view name, Draft* draft) {
    constexpr std::uint64_t kTopMax = kLogprobsMax - 1;
    std::uint64_t count = 0;
    if (!value.is_integer()) return wrong_type(name, "an integer");
    if (!value.get_u64(&count) || count > kTopMax) {
        return refusal(ErrorCode::kInvalidValue, name, "'" + std::string{name} + "' must be between 0 and 20");
    }
    draft->top_logprobs = static_cast<std::uint32_t>(count);
    return std::nullopt;
}

// Of the older endpoint: the number itself.
Refusal read_completion_logprobs(const codec::Json& value, std::string_view name, Draft* draft) {
    std::uint64_t count = 0;
    if (!value.is_integer()) return wrong_type(name, "an integer");
    if (!value.get_u64(&count) || count > 5) {
        return refusal(ErrorCode::kInvalidValue, name, "'logprobs' must be between 0 and 5");
    }
    draft->has_logprobs = true;
    draft->top_logprobs = static_cast<std::uint32_t>(count);
    return std::nullopt;
}

namespace {

Refusal apply_tools(Draft* draft) {
    const bool is_used = !draft->tools.empty() && draft->tool_choice != "none";
    const bool is_demanded = draft->tool_choice == "required" || draft->tool_choice == "named";
    if (!is_used && !is_demanded) return std::nullopt;
    std::vector<Tool> tools = draft->tools;
    if (draft->tool_choice == "named") {
        std::erase_if(tools, [draft](const Tool& tool) { return tool.name != draft->tool_chosen; });
    }
    if (tools.empty()) {
        return refusal(ErrorCode::kInvalidValue, "tool_choice",
                       "'tool_choice' asks for a function that is not in 'tools'");
    }
    if (!draft->form.empty()) {
        return refusal(ErrorCode::kUnsupportedParameter, "response_format",
                       "'response_format' and callable 'tools' are not supported together");
    }
    draft->form = tools_form(tools, is_demanded);
    draft->request.may_call = true;
    draft->request.must_call = is_demanded;
    auto& messages = draft->request.call.messages;
    const std::string told = tools_prompt(tools);
    const bool has_system = !messages.empty() && messages.front().role == "system";
    if (has_system) {
        messages.front().content += "\n\n" + told;
    } else {
        messages.insert(messages.begin(), ChatMessage{.role = "system", .content = told});
    }
    return std::nullopt;
}

}  // namespace

Refusal finish_forms(Draft* draft) {
    if (!draft->has_logprobs && draft->top_logprobs > 0) {
        return refusal(ErrorCode::kInvalidValue, "top_logprobs", "'top_logprobs' needs 'logprobs' to be true");
    }
    if (draft->has_logprobs) draft->request.call.logprobs = 1 + draft->top_logprobs;
    const std::string_view at = draft->form.empty() ? "tools" : "response_format";
    if (Refusal refused = apply_tools(draft)) return refused;
    if (draft->form.empty()) return std::nullopt;
    if (draft->form.size() > grammar::kFormBytesMax) {
        return refusal(ErrorCode::kRequestTooLarge, at, "the schemas have more than 64 KiB");
    }
    const Result<grammar::Form> form = grammar::Form::parse(draft->form);
    if (!form) return refusal(ErrorCode::kUnsupportedParameter, at, form.error().message);
    draft->request.call.form = std::move(draft->form);
    return std::nullopt;
}

}  // namespace vcity::gateway::fields
