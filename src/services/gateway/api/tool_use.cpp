// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/api/tool_use.hpp"

namespace vcity::gateway {
namespace {

using codec::Json;
using codec::JsonArray;
using codec::JsonObject;

// References of a function's own schema, once it stands inside of ours.
Json rebased(const Json& schema, const std::string& root) {
    if (const JsonArray* items = schema.get_array()) {
        JsonArray copy;
        for (const Json& item : *items) copy.push_back(rebased(item, root));
        return copy;
    }
    const JsonObject* members = schema.get_object();
    if (members == nullptr) return schema;
    JsonObject copy;
    for (const auto& [name, value] : *members) {
        const std::string* target = name == "$ref" ? value.get_string() : nullptr;
        const bool is_local = target != nullptr && target->starts_with('#');
        copy.emplace_back(name, is_local ? Json{root + target->substr(1)} : rebased(value, root));
    }
    return copy;
}

}  // namespace

std::string tools_prompt(const std::vector<Tool>& tools) {
    std::string text = "You may call one of these functions:\n";
    for (const Tool& tool : tools) {
        Json line = JsonObject{{"name", tool.name}};
        if (!tool.description.empty()) line.set("description", tool.description);
        line.set("parameters", tool.parameters);
        text += codec::dump_json(line) + "\n";
    }
    text += "To call one, answer with nothing but ";
    return text + std::string{kCallBegin} + R"({"name": its name, "arguments": {...}})";
}

std::string tools_form(const std::vector<Tool>& tools, bool must_call) {
    JsonObject definitions;
    JsonArray calls;
    for (const Tool& tool : tools) {
        const std::string key = "tool" + std::to_string(calls.size());
        const std::string at = "#/$defs/" + key;
        definitions.emplace_back(key, rebased(tool.parameters, at));
        calls.push_back(JsonObject{
            {"type", "object"},
            {"properties",
             JsonObject{{"name", JsonObject{{"const", tool.name}}}, {"arguments", JsonObject{{"$ref", at}}}}},
            {"required", JsonArray{"name", "arguments"}},
            {"additionalProperties", false},
        });
    }
    Json form;
    if (!must_call) form.set("after", kCallBegin);
    form.set("schema", JsonObject{{"anyOf", std::move(calls)}, {"$defs", std::move(definitions)}});
    return codec::dump_json(form);
}

std::string schema_form(const Json& schema) {
    return codec::dump_json(JsonObject{{"schema", schema}});
}

std::string call_text(std::string_view name, std::string_view arguments) {
    return std::string{kCallBegin} + R"({"name":)" + codec::dump_json(Json{name}) + R"(,"arguments":)" +
           std::string{arguments.empty() ? "{}" : arguments} + "}";
}

std::string result_text(std::string_view content) {
    return "<tool_response>" + std::string{content} + "</tool_response>";
}

std::optional<ToolCall> parse_call(std::string_view text, bool must_call) {
    const bool is_marked = text.starts_with(kCallBegin);
    if (!is_marked && !must_call) return std::nullopt;
    if (is_marked) text.remove_prefix(kCallBegin.size());
    const Result<Json> json = codec::parse_json(text);
    if (!json) return std::nullopt;
    const Json* name = json->find("name");
    const Json* arguments = json->find("arguments");
    if (name == nullptr || name->get_string() == nullptr || arguments == nullptr) return std::nullopt;
    return ToolCall{.name = *name->get_string(), .arguments = codec::dump_json(*arguments)};
}

}  // namespace vcity::gateway
