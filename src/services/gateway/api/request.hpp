// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/job.hpp"
#include "model/node.hpp"
#include "model/request.hpp"
#include "services/gateway/api/api_error.hpp"

namespace vcity::gateway {

enum class Endpoint : std::uint8_t { kChat, kCompletions, kEmbeddings, kResponses };

struct RequestLimits {
    std::size_t body_bytes_max = 2U << 20U;
    std::size_t prompt_bytes_max = 1U << 20U;  // all message texts together, or the prompt
    std::size_t messages_max = 1'024;
    std::size_t stop_bytes_max = 256;  // of one stop sequence
    std::uint32_t output_tokens_max = 1U << 20U;
};

// A client's request, validated and in our own words.
struct GenerationRequest {
    Endpoint endpoint = Endpoint::kChat;
    ModelRequest call;      // output_tokens_max is 0 when the client set no limit
    bool has_seed = false;  // without one the gateway draws it
    bool stream = false;
    bool include_usage = false;
    bool include_obfuscation = true;
    std::optional<TokenPrices> prices_max;  // provider.max_price
    bool may_hedge = false;                 // provider.hedge
    NodeWish wish;                          // the rest of provider
    std::vector<std::string> models;        // tried in this order when nobody offers call.model
    bool may_call = false;                  // the answer may be a function call
    bool must_call = false;
    std::uint32_t choices = 1;  // n: that many jobs
    codec::Json echo{};         // of /v1/responses
};

// The body as JSON: kRequestTooLarge, kInvalidUtf8 or kInvalidJson with the offset, or not an object.
ApiResult<codec::Json> parse_body(std::string_view body, const RequestLimits& limits);

// The bodies of POST /v1/chat/completions and POST /v1/completions (OpenAI API 2.3.0). docs/api/openai.md lists which
// fields are honoured, which are accepted without effect, and which are refused; a field outside these lists is
// kUnknownParameter. A null is the same as an absent field.
ApiResult<GenerationRequest> parse_chat_request(const codec::Json& body, const RequestLimits& limits);
ApiResult<GenerationRequest> parse_completion_request(const codec::Json& body, const RequestLimits& limits);

// The client's nonce: 0x and 64 hexadecimal digits, not all zero. It enters the request's hash and the worker's
// commitment, so a client that sends a fresh one knows that its answer was not computed before. Empty: the gateway
// draws one.
inline constexpr std::string_view kNonceHeader = "x-vcity-nonce";
Refusal read_nonce(std::string_view header, GenerationRequest* request);

}  // namespace vcity::gateway
