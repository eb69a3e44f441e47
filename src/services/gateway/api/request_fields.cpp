// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/api/request_fields.hpp"

#include <algorithm>
#include <cmath>

#include "services/gateway/api/tool_use.hpp"

namespace vcity::gateway::fields {
namespace {

Refusal wrong_type(std::string_view name, std::string_view expected) {
    return refusal(ErrorCode::kInvalidType, name, "'" + std::string{name} + "' must be " + std::string{expected});
}

Refusal wrong_value(std::string_view name, std::string_view expected) {
    return refusal(ErrorCode::kInvalidValue, name, "'" + std::string{name} + "' must be " + std::string{expected});
}

Refusal unsupported(std::string_view name, std::string_view explanation) {
    return refusal(ErrorCode::kUnsupportedParameter, name, "'" + std::string{name} + "' " + std::string{explanation});
}

// Six decimals are what the request hash covers, so no more than six take effect.
double to_six_decimals(double value) {
    return std::round(value * 1e6) / 1e6;
}

Refusal add_prompt_bytes(std::size_t bytes, std::string_view name, const Draft& draft, std::size_t* total) {
    *total += bytes;
    if (*total <= draft.limits.prompt_bytes_max) return std::nullopt;
    return refusal(ErrorCode::kRequestTooLarge, name,
                   "the prompt is longer than " + std::to_string(draft.limits.prompt_bytes_max) + " bytes");
}

std::string indexed(std::string_view name, std::size_t index) {
    return std::string{name} + "[" + std::to_string(index) + "]";
}

// "developer" is the newer name of "system".
Refusal read_role(const codec::Json& message, const std::string& at, ChatMessage* out) {
    const codec::Json* role = message.find("role");
    if (role == nullptr) return refusal(ErrorCode::kMissingParameter, at + ".role", "'" + at + ".role' is missing");
    const std::string* text = role->get_string();
    if (text == nullptr) return wrong_type(at + ".role", "a string");
    if (*text == "function") return unsupported(at + ".role", "must be 'tool' instead of 'function'");
    if (*text == "tool") {
        out->role = "user";
    } else if (*text == "developer") {
        out->role = "system";
    } else if (*text == "system" || *text == "user" || *text == "assistant") {
        out->role = *text;
    } else {
        return wrong_value(at + ".role", "one of system, developer, user, assistant, tool");
    }
    return std::nullopt;
}

Refusal read_part(const codec::Json& part, const std::string& at, std::string* out) {
    const codec::Json* type = part.find("type");
    const codec::Json* text = part.find("text");
    if (type == nullptr || type->get_string() == nullptr) return wrong_type(at, "an object with a 'type'");
    if (*type->get_string() != "text") return unsupported(at + ".type", "must be 'text': only text input is supported");
    if (text == nullptr || text->get_string() == nullptr) return wrong_type(at + ".text", "a string");
    *out += *text->get_string();
    return std::nullopt;
}

Refusal read_content(const codec::Json& message, const std::string& at, ChatMessage* out) {
    const codec::Json* content = message.find("content");
    if (content == nullptr || content->is_null()) {
        return refusal(ErrorCode::kMissingParameter, at + ".content", "'" + at + ".content' is missing");
    }
    if (const std::string* text = content->get_string()) {
        out->content = *text;
        return std::nullopt;
    }
    const codec::JsonArray* parts = content->get_array();
    if (parts == nullptr || parts->empty()) return wrong_type(at + ".content", "a string or a list of text parts");
    for (std::size_t index = 0; index < parts->size(); ++index) {
        Refusal refused = read_part((*parts)[index], indexed(at + ".content", index), &out->content);
        if (refused) return refused;
    }
    return std::nullopt;
}

Refusal check_message_fields(const codec::JsonObject& message, const std::string& at) {
    for (const auto& [name, value] : message) {
        if (name == "role" || name == "content" || value.is_null()) continue;
        const std::string full = at + "." + name.substr(0, 64);
        if (name == "function_call" || name == "audio") return unsupported(full, "is not supported");
        if (name == "tool_calls") continue;  // read_calls
        if (name == "tool_call_id" && value.is_string()) continue;
        if (name != "name" && name != "refusal") {
            return refusal(ErrorCode::kUnknownParameter, full, "unknown parameter '" + full + "'");
        }
        if (!value.is_string()) return wrong_type(full, "a string");
    }
    return std::nullopt;
}

// Calls of an earlier answer, as the model wrote them.
Refusal read_calls(const codec::JsonArray& calls, const std::string& at, ChatMessage* out) {
    for (const codec::Json& call : calls) {
        const codec::Json* function = call.find("function");
        const codec::Json* name = function == nullptr ? nullptr : function->find("name");
        const codec::Json* arguments = function == nullptr ? nullptr : function->find("arguments");
        const bool is_whole = name != nullptr && name->get_string() != nullptr && arguments != nullptr &&
                              arguments->get_string() != nullptr;
        if (!is_whole) return wrong_type(at, "a list of function calls with name and arguments");
        out->content += call_text(*name->get_string(), *arguments->get_string());
    }
    return std::nullopt;
}

Refusal read_message(const codec::Json& value, const std::string& at, ChatMessage* out) {
    const codec::JsonObject* object = value.get_object();
    if (object == nullptr) return wrong_type(at, "an object");
    if (Refusal refused = check_message_fields(*object, at)) return refused;
    if (Refusal refused = read_role(value, at, out)) return refused;
    const codec::Json* calls = value.find("tool_calls");
    const codec::Json* content = value.find("content");
    const bool is_call = calls != nullptr && calls->get_array() != nullptr && !calls->get_array()->empty();
    const bool is_silent = content == nullptr || content->is_null();
    if (!(is_call && is_silent)) {
        if (Refusal refused = read_content(value, at, out)) return refused;
    }
    if (is_call) return read_calls(*calls->get_array(), at + ".tool_calls", out);
    if (*value.find("role")->get_string() == "tool") out->content = result_text(out->content);
    return std::nullopt;
}

Refusal read_stop_text(const codec::Json& value, std::string_view name, Draft* draft) {
    const std::string* text = value.get_string();
    if (text == nullptr) return wrong_type(name, "a string or a list of at most 4 strings");
    if (text->empty() || text->size() > draft->limits.stop_bytes_max) {
        return wrong_value(name, "between 1 and " + std::to_string(draft->limits.stop_bytes_max) + " bytes long");
    }
    draft->request.call.stop.push_back(*text);
    return std::nullopt;
}

}  // namespace

Refusal refusal(ErrorCode code, std::string_view param, std::string message) {
    ApiError error;
    error.code = code;
    error.param = param.substr(0, 128);
    error.message = std::move(message);
    return error;
}

std::size_t first_bad_utf8(std::string_view text) {
    // Well-formedness of prefixes is monotone once cut at character borders, so the border can be found by halving.
    std::size_t good = 0;
    std::size_t bad = text.size() + 1;
    while (bad - good > 1) {
        const std::size_t middle = good + (bad - good) / 2;
        const std::string_view prefix = text.substr(0, middle);
        const std::string_view whole = prefix.substr(0, codec::utf8_complete_prefix(prefix));
        (codec::is_utf8(whole) ? good : bad) = middle;
    }
    return good;
}

Refusal read_model(const codec::Json& value, std::string_view name, Draft* draft) {
    const std::string* text = value.get_string();
    if (text == nullptr) return wrong_type(name, "a string");
    if (text->empty() || text->size() > 128) return wrong_value(name, "between 1 and 128 bytes long");
    draft->request.call.model = *text;
    return std::nullopt;
}

Refusal read_messages(const codec::Json& value, std::string_view name, Draft* draft) {
    const codec::JsonArray* items = value.get_array();
    if (items == nullptr) return wrong_type(name, "a list of messages");
    if (items->empty() || items->size() > draft->limits.messages_max) {
        return wrong_value(name, "a list of 1 to " + std::to_string(draft->limits.messages_max) + " messages");
    }
    std::size_t bytes = 0;
    for (std::size_t index = 0; index < items->size(); ++index) {
        ChatMessage message;
        if (Refusal refused = read_message((*items)[index], indexed(name, index), &message)) return refused;
        if (Refusal refused = add_prompt_bytes(message.content.size(), name, *draft, &bytes)) return refused;
        draft->request.call.messages.push_back(std::move(message));
    }
    draft->has_input = true;
    return std::nullopt;
}

Refusal read_prompt(const codec::Json& value, std::string_view name, Draft* draft) {
    const codec::Json* item = &value;
    if (const codec::JsonArray* items = value.get_array()) {
        if (items->size() != 1) return unsupported(name, "must be one string: several prompts are not supported");
        item = &items->front();
    }
    const std::string* text = item->get_string();
    if (text == nullptr) return wrong_type(name, "a string (token ids are not supported)");
    if (text->empty()) return wrong_value(name, "at least one character long");
    std::size_t bytes = 0;
    if (Refusal refused = add_prompt_bytes(text->size(), name, *draft, &bytes)) return refused;
    draft->request.call.prompt = *text;
    draft->has_input = true;
    return std::nullopt;
}

Refusal read_temperature(const codec::Json& value, std::string_view name, Draft* draft) {
    double number = 0;
    if (!value.get_double(&number)) return wrong_type(name, "a number");
    if (!(number >= 0 && number <= 2)) return wrong_value(name, "between 0 and 2");
    draft->request.call.sampling.temperature = to_six_decimals(number);
    return std::nullopt;
}

Refusal read_top_p(const codec::Json& value, std::string_view name, Draft* draft) {
    double number = 0;
    if (!value.get_double(&number)) return wrong_type(name, "a number");
    if (!(number >= 0 && number <= 1)) return wrong_value(name, "between 0 and 1");
    // The smallest set that reaches a mass of nothing is the likeliest token alone; our samplers want more than zero.
    draft->request.call.sampling.top_p = std::max(to_six_decimals(number), 1e-6);
    return std::nullopt;
}

Refusal read_seed(const codec::Json& value, std::string_view name, Draft* draft) {
    std::uint64_t seed = 0;
    double number = 0;
    if (!value.is_integer()) return wrong_type(name, "an integer");
    if (!value.get_u64(&seed)) {
        // Negative: two's complement of what a double holds exactly.
        if (!value.get_double(&number) || number < -9007199254740992.0) {
            return wrong_value(name, "between -9007199254740992 and 18446744073709551615");
        }
        seed = static_cast<std::uint64_t>(static_cast<std::int64_t>(number));
    }
    draft->request.call.sampling.seed = seed;
    draft->request.has_seed = true;
    return std::nullopt;
}

Refusal read_stop(const codec::Json& value, std::string_view name, Draft* draft) {
    const codec::JsonArray* items = value.get_array();
    if (items == nullptr) return read_stop_text(value, name, draft);
    if (items->size() > 4) return wrong_value(name, "a list of at most 4 strings");
    for (std::size_t index = 0; index < items->size(); ++index) {
        if (Refusal refused = read_stop_text((*items)[index], indexed(name, index), draft)) return refused;
    }
    return std::nullopt;
}

Refusal read_stream(const codec::Json& value, std::string_view name, Draft* draft) {
    const bool* flag = value.get_bool();
    if (flag == nullptr) return wrong_type(name, "true or false");
    draft->request.stream = *flag;
    return std::nullopt;
}

Refusal read_stream_options(const codec::Json& value, std::string_view name, Draft* draft) {
    const codec::JsonObject* object = value.get_object();
    if (object == nullptr) return wrong_type(name, "an object");
    for (const auto& [key, item] : *object) {
        const std::string full = std::string{name} + "." + key.substr(0, 64);
        if (key != "include_usage" && key != "include_obfuscation") {
            return refusal(ErrorCode::kUnknownParameter, full, "unknown parameter '" + full + "'");
        }
        if (item.is_null()) continue;
        const bool* flag = item.get_bool();
        if (flag == nullptr) return wrong_type(full, "true or false");
        (key == "include_usage" ? draft->request.include_usage : draft->request.include_obfuscation) = *flag;
    }
    draft->has_stream_options = true;
    return std::nullopt;
}

Refusal read_output_limit(const codec::Json& value, std::string_view name, Draft* draft) {
    std::uint64_t limit = 0;
    if (!value.is_integer()) return wrong_type(name, "an integer");
    if (!value.get_u64(&limit) || limit == 0 || limit > draft->limits.output_tokens_max) {
        return wrong_value(name, "between 1 and " + std::to_string(draft->limits.output_tokens_max));
    }
    draft->request.call.output_tokens_max = static_cast<std::uint32_t>(limit);
    return std::nullopt;
}

Refusal only_one(const codec::Json& value, std::string_view name, Draft*) {
    std::uint64_t number = 0;
    if (!value.is_integer()) return wrong_type(name, "an integer");
    if (value.get_u64(&number) && number == 1) return std::nullopt;
    return unsupported(name, "must be 1: send several requests for several answers");
}

Refusal only_zero(const codec::Json& value, std::string_view name, Draft*) {
    double number = 0;
    if (!value.get_double(&number)) return wrong_type(name, "a number");
    if (number == 0) return std::nullopt;
    return unsupported(name, "other than 0 is not supported");
}

Refusal only_false(const codec::Json& value, std::string_view name, Draft*) {
    const bool* flag = value.get_bool();
    if (flag == nullptr) return wrong_type(name, "true or false");
    if (!*flag) return std::nullopt;
    return unsupported(name, "is not supported");
}

Refusal only_empty(const codec::Json& value, std::string_view name, Draft*) {
    const codec::JsonArray* items = value.get_array();
    const codec::JsonObject* members = value.get_object();
    if (items == nullptr && members == nullptr) return wrong_type(name, "a list or an object");
    if (items != nullptr ? items->empty() : members->empty()) return std::nullopt;
    return unsupported(name, "is not supported");
}

Refusal only_text_modality(const codec::Json& value, std::string_view name, Draft*) {
    const codec::JsonArray* items = value.get_array();
    if (items == nullptr) return wrong_type(name, "a list");
    const bool is_text = std::ranges::all_of(
        *items, [](const codec::Json& item) { return item.get_string() != nullptr && *item.get_string() == "text"; });
    if (is_text) return std::nullopt;
    return unsupported(name, "other than [\"text\"] is not supported");
}

Refusal only_default_tier(const codec::Json& value, std::string_view name, Draft*) {
    const std::string* text = value.get_string();
    if (text == nullptr) return wrong_type(name, "a string");
    if (*text == "auto" || *text == "default") return std::nullopt;
    return unsupported(name, "other than auto and default is not supported");
}

Refusal ignore_text(const codec::Json& value, std::string_view name, Draft*) {
    if (!value.is_string()) return wrong_type(name, "a string");
    return std::nullopt;
}

Refusal ignore_bool(const codec::Json& value, std::string_view name, Draft*) {
    if (!value.is_bool()) return wrong_type(name, "true or false");
    return std::nullopt;
}

Refusal ignore_object(const codec::Json& value, std::string_view name, Draft*) {
    if (!value.is_object()) return wrong_type(name, "an object");
    return std::nullopt;
}

Refusal refuse(const codec::Json&, std::string_view name, Draft*) {
    return unsupported(name, "is not supported");
}

}  // namespace vcity::gateway::fields
