// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "services/gateway/api/request.hpp"
#include "services/gateway/api/tool_use.hpp"

// How each field of a request body is read. A reader gets a value that is not null.
namespace vcity::gateway::fields {

struct Draft {
    GenerationRequest request;
    RequestLimits limits;
    bool has_input = false;
    bool has_stream_options = false;
    std::vector<Tool> tools{};
    std::string tool_choice = "auto";  // none, auto, required, named
    std::string tool_chosen{};         // of named
    std::string form{};                // of response_format
    bool has_logprobs = false;
    std::uint32_t top_logprobs = 0;
};

using Reader = Refusal (*)(const codec::Json& value, std::string_view name, Draft* draft);

struct Field {
    std::string_view name;
    Reader read;
};

Refusal refusal(ErrorCode code, std::string_view param, std::string message);
// Offset of the first byte that cannot be part of well-formed UTF-8.
std::size_t first_bad_utf8(std::string_view text);

// --- honoured
Refusal read_model(const codec::Json& value, std::string_view name, Draft* draft);
Refusal read_messages(const codec::Json& value, std::string_view name, Draft* draft);
Refusal read_prompt(const codec::Json& value, std::string_view name, Draft* draft);
Refusal read_temperature(const codec::Json& value, std::string_view name, Draft* draft);
Refusal read_top_p(const codec::Json& value, std::string_view name, Draft* draft);
Refusal read_seed(const codec::Json& value, std::string_view name, Draft* draft);
Refusal read_stop(const codec::Json& value, std::string_view name, Draft* draft);
Refusal read_stream(const codec::Json& value, std::string_view name, Draft* draft);
Refusal read_stream_options(const codec::Json& value, std::string_view name, Draft* draft);
Refusal read_output_limit(const codec::Json& value, std::string_view name, Draft* draft);
Refusal read_verification(const codec::Json& value, std::string_view name, Draft* draft);
Refusal read_provider(const codec::Json& value, std::string_view name, Draft* draft);
Refusal read_choices(const codec::Json& value, std::string_view name, Draft* draft);
Refusal read_models(const codec::Json& value, std::string_view name, Draft* draft);
Refusal read_tools(const codec::Json& value, std::string_view name, Draft* draft);
Refusal read_tool_choice(const codec::Json& value, std::string_view name, Draft* draft);
Refusal read_response_format(const codec::Json& value, std::string_view name, Draft* draft);
Refusal read_logprobs(const codec::Json& value, std::string_view name, Draft* draft);
Refusal read_top_logprobs(const codec::Json& value, std::string_view name, Draft* draft);
Refusal read_completion_logprobs(const codec::Json& value, std::string_view name, Draft* draft);
// Once all fields were read: form and system message of tools and response_format.
Refusal finish_forms(Draft* draft);

// --- accepted only with the value that has no effect
Refusal only_one(const codec::Json& value, std::string_view name, Draft* draft);
Refusal only_zero(const codec::Json& value, std::string_view name, Draft* draft);
Refusal only_false(const codec::Json& value, std::string_view name, Draft* draft);
Refusal only_empty(const codec::Json& value, std::string_view name, Draft* draft);
Refusal only_text_modality(const codec::Json& value, std::string_view name, Draft* draft);
Refusal only_default_tier(const codec::Json& value, std::string_view name, Draft* draft);

// --- accepted without effect, of the right type
Refusal ignore_text(const codec::Json& value, std::string_view name, Draft* draft);
Refusal ignore_bool(const codec::Json& value, std::string_view name, Draft* draft);
Refusal ignore_object(const codec::Json& value, std::string_view name, Draft* draft);

// --- known, and refused with any value
Refusal refuse(const codec::Json& value, std::string_view name, Draft* draft);

}  // namespace vcity::gateway::fields
