// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/api/responses.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "services/gateway/api/request_fields.hpp"
#include "services/gateway/api/sse.hpp"
#include "services/gateway/api/tool_use.hpp"

namespace vcity::gateway {
namespace {

using codec::Json;
using codec::JsonArray;
using codec::JsonObject;

// Fields of a chat that mean the same here.
constexpr std::array<std::string_view, 15> kSame = {
    "model",       "temperature", "top_p",    "tools",  "tool_choice",         "stream",           "stream_options",
    "metadata",    "user",        "provider", "models", "parallel_tool_calls", "prompt_cache_key", "safety_identifier",
    "service_tier"};
// Echoed in the response, and what they are when absent.
constexpr std::array<std::string_view, 4> kEchoed = {"instructions", "max_output_tokens", "metadata", "user"};

Refusal wrong(std::string_view name, const std::string& what) {
    return fields::refusal(ErrorCode::kInvalidType, name, "'" + std::string{name} + "' must be " + what);
}

Refusal unsupported(std::string_view name) {
    return fields::refusal(ErrorCode::kUnsupportedParameter, name, "'" + std::string{name} + "' is not supported");
}

std::string text_of(const Json& item, std::string_view name) {
    const Json* value = item.find(name);
    return value != nullptr && value->get_string() != nullptr ? *value->get_string() : std::string{};
}

// The parts of a message, as a chat has them.
Json chat_content(const Json& content) {
    const JsonArray* parts = content.get_array();
    if (parts == nullptr) return content;
    JsonArray out;
    for (const Json& part : *parts) {
        const std::string type = text_of(part, "type");
        const bool is_text = type == "input_text" || type == "output_text";
        out.push_back(JsonObject{{"type", is_text ? "text" : type}, {"text", text_of(part, "text")}});
    }
    return out;
}

Refusal add_item(const Json& item, const std::string& at, JsonArray* messages) {
    const std::string type = text_of(item, "type");
    if (!item.is_object()) return wrong(at, "an object");
    if (type == "function_call") {
        JsonObject function{{"name", text_of(item, "name")}, {"arguments", text_of(item, "arguments")}};
        messages->push_back(JsonObject{{"role", "assistant"},
                                       {"tool_calls", JsonArray{JsonObject{{"function", std::move(function)}}}}});
        return std::nullopt;
    }
    if (type == "function_call_output") {
        messages->push_back(JsonObject{{"role", "tool"}, {"content", text_of(item, "output")}});
        return std::nullopt;
    }
    const Json* content = item.find("content");
    if ((!type.empty() && type != "message") || content == nullptr) {
        return fields::refusal(ErrorCode::kUnsupportedParameter, at,
                               "'" + at + "' must be a message, a function_call or a function_call_output");
    }
    messages->push_back(JsonObject{{"role", text_of(item, "role")}, {"content", chat_content(*content)}});
    return std::nullopt;
}

Refusal read_input(const Json& body, JsonArray* messages) {
    const Json* told = body.find("instructions");
    if (told != nullptr && !told->is_null()) {
        if (told->get_string() == nullptr) return wrong("instructions", "a string");
        messages->push_back(JsonObject{{"role", "system"}, {"content", *told}});
    }
    const Json* input = body.find("input");
    if (input == nullptr) {
        return fields::refusal(ErrorCode::kMissingParameter, "input", "missing required parameter 'input'");
    }
    if (input->is_string()) {
        messages->push_back(JsonObject{{"role", "user"}, {"content", *input}});
        return std::nullopt;
    }
    const JsonArray* items = input->get_array();
    if (items == nullptr || items->empty()) return wrong("input", "a string or a list of items");
    for (std::size_t i = 0; i < items->size(); ++i) {
        if (Refusal refused = add_item((*items)[i], "input[" + std::to_string(i) + "]", messages)) return refused;
    }
    return std::nullopt;
}

Refusal read_text(const Json& value, Json* chat) {
    if (!value.is_object()) return wrong("text", "an object");
    for (const auto& [name, format] : *value.get_object()) {
        if (format.is_null()) continue;
        if (name != "format") return unsupported("text." + name.substr(0, 64));
        chat->set("response_format", format);
    }
    return std::nullopt;
}

bool is_absent(const Json& value) {
    const bool* flag = value.get_bool();
    const std::string* text = value.get_string();
    return value.is_null() || (flag != nullptr && !*flag) ||
           (text != nullptr && (*text == "disabled" || text->empty())) ||
           (value.is_array() && value.get_array()->empty());
}

Refusal read_field(const std::string& name, const Json& value, Json* chat) {
    if (std::ranges::find(kSame, name) != kSame.end()) {
        chat->set(name, value);
        return std::nullopt;
    }
    if (name == "input" || name == "instructions") return std::nullopt;
    if (name == "text") return value.is_null() ? std::nullopt : read_text(value, chat);
    if (name == "max_output_tokens") {
        chat->set("max_completion_tokens", value);
        return std::nullopt;
    }
    if (name == "top_logprobs") {
        chat->set("top_logprobs", value).set("logprobs", !value.is_null());
        return std::nullopt;
    }
    // What needs memory, or what no model here does; harmless when it is switched off.
    for (const char* known : {"store", "background", "truncation", "previous_response_id", "conversation", "include",
                              "reasoning", "prompt", "max_tool_calls"}) {
        if (name == known) return is_absent(value) ? std::nullopt : unsupported(name);
    }
    return fields::refusal(ErrorCode::kUnknownParameter, name, "unknown parameter '" + name.substr(0, 64) + "'");
}

std::string part_id(const AnswerIdentity& identity, std::string_view prefix) {
    constexpr std::size_t kIdDigits = 24;
    return std::string{prefix} + identity.id.substr(identity.id.find('_') + 1, kIdDigits);
}

Json text_part(std::string_view text) {
    return JsonObject{{"type", "output_text"}, {"text", text}, {"annotations", JsonArray{}}, {"logprobs", JsonArray{}}};
}

Json text_part(std::string_view text, std::span<const TokenLogprobs> tokens) {
    Json part = text_part(text);
    if (!tokens.empty()) part.set("logprobs", token_list_json(tokens));
    return part;
}

Json message_item(const AnswerIdentity& identity, std::string_view status, JsonArray content) {
    return JsonObject{{"type", "message"},
                      {"id", part_id(identity, "msg_")},
                      {"status", status},
                      {"role", "assistant"},
                      {"content", std::move(content)}};
}

Json call_item(const AnswerIdentity& identity, const ToolCall& call, std::string_view status) {
    return JsonObject{
        {"type", "function_call"}, {"id", part_id(identity, "fc_")}, {"call_id", part_id(identity, "call_")},
        {"name", call.name},       {"arguments", call.arguments},    {"status", status}};
}

Json response_json(const AnswerIdentity& identity, const AnswerForm& form, std::string_view status) {
    Json response = JsonObject{{"id", identity.id},
                               {"object", "response"},
                               {"created_at", identity.created_unix_seconds},
                               {"status", status},
                               {"error", nullptr},
                               {"incomplete_details", nullptr},
                               {"model", identity.model},
                               {"output", JsonArray{}},
                               {"previous_response_id", nullptr},
                               {"reasoning", JsonObject{{"effort", nullptr}, {"summary", nullptr}}},
                               {"store", false},
                               {"truncation", "disabled"},
                               {"background", false},
                               {"usage", nullptr}};
    if (const JsonObject* echo = form.echo.get_object()) {
        for (const auto& [name, value] : *echo) response.set(name, value);
    }
    return response;
}

Json ended(const AnswerIdentity& identity,
           const AnswerForm& form,
           const AnswerContent& content,
           const AnswerBill& bill) {
    const std::optional<ToolCall> call = form.may_call ? parse_call(content.text, form.must_call) : std::nullopt;
    const bool is_whole = call || content.reason == FinishReason::kStop;
    const std::string_view status = is_whole ? "completed" : "incomplete";
    Json response = response_json(identity, form, status);
    if (!is_whole) response.set("incomplete_details", JsonObject{{"reason", "max_output_tokens"}});
    Json item = call ? call_item(identity, *call, "completed")
                     : message_item(identity, status, {text_part(content.text, content.logprobs)});
    response.set("output", JsonArray{std::move(item)});
    response.set("usage", JsonObject{{"input_tokens", bill.units.input},
                                     {"input_tokens_details", JsonObject{{"cached_tokens", 0}}},
                                     {"output_tokens", bill.units.output},
                                     {"output_tokens_details", JsonObject{{"reasoning_tokens", 0}}},
                                     {"total_tokens", bill.units.input + bill.units.output},
                                     {"cost", static_cast<double>(bill.cost.micro) / 1e6},
                                     {"cost_usd", to_string(bill.cost)}});
    response.set("vcity", network_json(bill));
    return response;
}

Json echo_of(const Json& body) {
    Json echo = JsonObject{{"parallel_tool_calls", true},
                           {"tools", JsonArray{}},
                           {"tool_choice", "auto"},
                           {"temperature", 1},
                           {"top_p", 1}};
    for (const std::string_view name : kEchoed) echo.set(std::string{name}, nullptr);
    echo.set("metadata", JsonObject{}).set("text", JsonObject{{"format", JsonObject{{"type", "text"}}}});
    for (const char* name : {"parallel_tool_calls", "tools", "tool_choice", "temperature", "top_p", "instructions",
                             "max_output_tokens", "metadata", "user", "text"}) {
        const Json* given = body.find(name);
        if (given != nullptr && !given->is_null()) echo.set(name, *given);
    }
    return echo;
}

}  // namespace

ApiResult<GenerationRequest> parse_response_request(const Json& body, const RequestLimits& limits) {
    const JsonObject* object = body.get_object();
    if (object == nullptr) return *fields::refusal(ErrorCode::kInvalidType, "", "the body must be a JSON object");
    Json chat = JsonObject{};
    for (const auto& [name, value] : *object) {
        if (Refusal refused = read_field(name, value, &chat)) return *std::move(refused);
    }
    JsonArray messages;
    if (Refusal refused = read_input(body, &messages)) return *std::move(refused);
    chat.set("messages", std::move(messages));
    ApiResult<GenerationRequest> request = parse_chat_request(chat, limits);
    if (!request) return request;
    request->endpoint = Endpoint::kResponses;
    request->include_usage = true;
    request->echo = echo_of(body);
    return request;
}

Json whole_response(const AnswerIdentity& identity,
                    const AnswerForm& form,
                    const AnswerContent& content,
                    const AnswerBill& bill) {
    return ended(identity, form, content, bill);
}

std::string ResponseStream::event(std::string_view type, Json fields) {
    fields.set("type", type).set("sequence_number", next_++);
    return "event: " + std::string{type} + "\n" + sse_event(fields);
}

std::string ResponseStream::opening() {
    const Json response = response_json(identity_, form_, "in_progress");
    std::string events = event("response.created", JsonObject{{"response", response}});
    return events + event("response.in_progress", JsonObject{{"response", response}});
}

std::string ResponseStream::begin_text() {
    has_begun_ = true;
    std::string events = event("response.output_item.added",
                               JsonObject{{"output_index", 0}, {"item", message_item(identity_, "in_progress", {})}});
    return events + event("response.content_part.added", JsonObject{{"item_id", part_id(identity_, "msg_")},
                                                                    {"output_index", 0},
                                                                    {"content_index", 0},
                                                                    {"part", text_part("")}});
}

std::string ResponseStream::delta(std::string_view text) {
    constexpr std::size_t kPaddedTo = 64;
    Json fields = JsonObject{{"item_id", part_id(identity_, "msg_")},
                             {"output_index", 0},
                             {"content_index", 0},
                             {"delta", text},
                             {"logprobs", JsonArray{}}};
    if (form_.padding.size() >= kPaddedTo) {
        const std::size_t bare = codec::dump_json(fields).size();
        fields.set("obfuscation", form_.padding.substr(0, (kPaddedTo - bare % kPaddedTo) % kPaddedTo));
    }
    return event("response.output_text.delta", std::move(fields));
}

std::string ResponseStream::content(std::string_view text, std::span<const TokenLogprobs> logprobs) {
    logprobs_.insert(logprobs_.end(), logprobs.begin(), logprobs.end());
    text_ += text;
    if (!has_begun_ && form_.may_call &&
        (form_.must_call || kCallBegin.starts_with(text_) || text_.starts_with(kCallBegin))) {
        return {};
    }
    if (has_begun_) return delta(text);
    std::string events = begin_text();
    return events + delta(text_);
}

std::string ResponseStream::end_text() {
    const Json part = text_part(text_, logprobs_);
    const std::string item = part_id(identity_, "msg_");
    std::string events = event("response.output_text.done", JsonObject{{"item_id", item},
                                                                       {"output_index", 0},
                                                                       {"content_index", 0},
                                                                       {"text", text_},
                                                                       {"logprobs", *part.find("logprobs")}});
    events += event("response.content_part.done",
                    JsonObject{{"item_id", item}, {"output_index", 0}, {"content_index", 0}, {"part", part}});
    const std::string_view status = reason_ == FinishReason::kStop ? "completed" : "incomplete";
    return events + event("response.output_item.done",
                          JsonObject{{"output_index", 0}, {"item", message_item(identity_, status, {part})}});
}

std::string ResponseStream::whole_call(const Json& item) {
    Json begun = item;
    begun.set("arguments", "").set("status", "in_progress");
    const Json id = *item.find("id");
    const Json arguments = *item.find("arguments");
    std::string events = event("response.output_item.added", JsonObject{{"output_index", 0}, {"item", begun}});
    events += event("response.function_call_arguments.delta",
                    JsonObject{{"item_id", id}, {"output_index", 0}, {"delta", arguments}});
    events +=
        event("response.function_call_arguments.done",
              JsonObject{{"item_id", id}, {"output_index", 0}, {"name", *item.find("name")}, {"arguments", arguments}});
    return events + event("response.output_item.done", JsonObject{{"output_index", 0}, {"item", item}});
}

std::string ResponseStream::finish(FinishReason reason, const AnswerBill* /*bill*/) {
    reason_ = reason;
    const std::optional<ToolCall> call =
        form_.may_call && !has_begun_ ? parse_call(text_, form_.must_call) : std::nullopt;
    if (call) return whole_call(call_item(identity_, *call, "completed"));
    std::string events;
    if (!has_begun_) {
        events = begin_text();
        if (!text_.empty()) events += delta(text_);
    }
    return events + end_text();
}

std::string ResponseStream::usage(const AnswerBill& bill) {
    const AnswerContent content{.text = text_, .reason = reason_, .logprobs = logprobs_};
    Json response = ended(identity_, form_, content, bill);
    const bool is_whole = *response.find("status") == Json{"completed"};
    return event(is_whole ? "response.completed" : "response.incomplete",
                 JsonObject{{"response", std::move(response)}});
}

std::string ResponseStream::failure(const Json& error) {
    const Json* inner = error.find("error");
    Json fields = error;
    for (const char* name : {"code", "message", "param"}) {
        const Json* value = inner == nullptr ? nullptr : inner->find(name);
        if (value != nullptr) fields.set(name, *value);
    }
    return event("error", std::move(fields));
}

}  // namespace vcity::gateway
