// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/api/request.hpp"

#include <algorithm>
#include <array>
#include <span>
#include <string>

#include "codec/hex.hpp"
#include "services/gateway/api/request_fields.hpp"

namespace vcity::gateway {
namespace {

using fields::Draft;
using fields::Field;

constexpr std::array kShared = {
    Field{"model", fields::read_model},
    Field{"temperature", fields::read_temperature},
    Field{"top_p", fields::read_top_p},
    Field{"seed", fields::read_seed},
    Field{"stop", fields::read_stop},
    Field{"stream", fields::read_stream},
    Field{"stream_options", fields::read_stream_options},
    Field{"max_tokens", fields::read_output_limit},
    Field{"provider", fields::read_provider},
    Field{"models", fields::read_models},
    Field{"n", fields::read_choices},
    Field{"frequency_penalty", fields::only_zero},
    Field{"presence_penalty", fields::only_zero},
    Field{"logit_bias", fields::only_empty},
    Field{"user", fields::ignore_text},
};

constexpr std::array kChat = {
    Field{"messages", fields::read_messages},
    Field{"max_completion_tokens", fields::read_output_limit},
    Field{"logprobs", fields::read_logprobs},
    Field{"top_logprobs", fields::read_top_logprobs},
    Field{"store", fields::only_false},
    Field{"response_format", fields::read_response_format},
    Field{"modalities", fields::only_text_modality},
    Field{"service_tier", fields::only_default_tier},
    Field{"tools", fields::read_tools},
    Field{"functions", fields::only_empty},
    Field{"tool_choice", fields::read_tool_choice},
    Field{"function_call", fields::refuse},
    Field{"parallel_tool_calls", fields::ignore_bool},
    Field{"metadata", fields::ignore_object},
    Field{"safety_identifier", fields::ignore_text},
    Field{"prompt_cache_key", fields::ignore_text},
    Field{"audio", fields::refuse},
    Field{"moderation", fields::refuse},
    Field{"prediction", fields::refuse},
    Field{"prompt_cache_retention", fields::refuse},
    Field{"reasoning_effort", fields::refuse},
    Field{"verbosity", fields::refuse},
    Field{"web_search_options", fields::refuse},
};

constexpr std::array kCompletions = {
    Field{"prompt", fields::read_prompt}, Field{"best_of", fields::only_one},
    Field{"echo", fields::only_false},    Field{"logprobs", fields::read_completion_logprobs},
    Field{"suffix", fields::refuse},
};

const Field* find_field(std::span<const Field> table, std::string_view name) {
    const auto found = std::ranges::find(table, name, &Field::name);
    return found == table.end() ? nullptr : &*found;
}

Refusal read_fields(const codec::JsonObject& body, std::span<const Field> own, Draft* draft) {
    for (const auto& [name, value] : body) {
        const Field* field = find_field(own, name);
        if (field == nullptr) field = find_field(kShared, name);
        if (field == nullptr) {
            return fields::refusal(ErrorCode::kUnknownParameter, name,
                                   "unknown parameter '" + name.substr(0, 64) + "'");
        }
        if (value.is_null()) continue;
        if (Refusal refused = field->read(value, name, draft)) return refused;
    }
    return std::nullopt;
}

ApiResult<GenerationRequest> parse_fields(const codec::Json& body, std::span<const Field> own, Draft draft) {
    const codec::JsonObject* object = body.get_object();
    if (object == nullptr) return *fields::refusal(ErrorCode::kInvalidType, "", "the body must be a JSON object");
    if (Refusal refused = read_fields(*object, own, &draft)) return *std::move(refused);
    if (draft.request.call.model.empty() && !draft.request.models.empty()) {
        draft.request.call.model = draft.request.models.front();
    }
    if (draft.request.call.model.empty()) {
        return *fields::refusal(ErrorCode::kMissingParameter, "model", "missing required parameter 'model'");
    }
    if (!draft.has_input) {
        const std::string name = draft.request.endpoint == Endpoint::kChat ? "messages" : "prompt";
        return *fields::refusal(ErrorCode::kMissingParameter, name, "missing required parameter '" + name + "'");
    }
    if (draft.has_stream_options && !draft.request.stream) {
        return *fields::refusal(ErrorCode::kInvalidValue, "stream_options",
                                "'stream_options' is only allowed when 'stream' is true");
    }
    if (Refusal refused = fields::finish_forms(&draft)) return *std::move(refused);
    return std::move(draft.request);
}

Draft make_draft(Endpoint endpoint, const RequestLimits& limits) {
    Draft draft;
    draft.limits = limits;
    draft.request.endpoint = endpoint;
    return draft;
}

}  // namespace

ApiResult<codec::Json> parse_body(std::string_view body, const RequestLimits& limits) {
    if (body.size() > limits.body_bytes_max) {
        return *fields::refusal(ErrorCode::kRequestTooLarge, "",
                                "the body has " + std::to_string(body.size()) + " bytes; at most " +
                                    std::to_string(limits.body_bytes_max) + " are taken");
    }
    if (!codec::is_utf8(body)) {
        return *fields::refusal(
            ErrorCode::kInvalidUtf8, "",
            "the body is not UTF-8: bad byte at offset " + std::to_string(fields::first_bad_utf8(body)));
    }
    codec::JsonLimits json_limits;
    json_limits.bytes_max = limits.body_bytes_max;
    json_limits.values_max = 100'000;
    Result<codec::Json> parsed = codec::parse_json(body, json_limits);
    if (!parsed)
        return *fields::refusal(ErrorCode::kInvalidJson, "", "the body is not valid JSON: " + parsed.error().message);
    return *std::move(parsed);
}

ApiResult<GenerationRequest> parse_chat_request(const codec::Json& body, const RequestLimits& limits) {
    return parse_fields(body, kChat, make_draft(Endpoint::kChat, limits));
}

Refusal read_nonce(std::string_view header, GenerationRequest* request) {
    if (header.empty()) return std::nullopt;
    const Result<Hash> nonce = codec::parse_fixed<Hash>(header);
    if (!nonce || nonce->is_zero()) {
        return fields::refusal(ErrorCode::kInvalidValue, kNonceHeader,
                               "'X-Vcity-Nonce' must be 0x and 64 hexadecimal digits, not all zero");
    }
    request->call.client_nonce = *nonce;
    return std::nullopt;
}

ApiResult<GenerationRequest> parse_completion_request(const codec::Json& body, const RequestLimits& limits) {
    Draft draft = make_draft(Endpoint::kCompletions, limits);
    // The documented default of this endpoint.
    draft.request.call.output_tokens_max = 16;
    return parse_fields(body, kCompletions, std::move(draft));
}

}  // namespace vcity::gateway
