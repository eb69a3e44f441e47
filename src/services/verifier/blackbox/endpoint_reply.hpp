// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace vcity::verifier {

// Which of OpenAI's interfaces an endpoint is asked by.
enum class EndpointApi : std::uint8_t {
    kChat,        // /v1/chat/completions
    kCompletions  // /v1/completions
};

// An ordinary request with temperature zero; nothing in it says that the answer will be checked.
struct EndpointAsk {
    EndpointApi api = EndpointApi::kChat;
    std::string model;
    std::string prompt;
    std::uint32_t tokens_max = 48;
    std::uint32_t alternatives = 5;
};
std::string_view path_of(EndpointApi api);  // after the base URL: "/chat/completions"
std::string request_body(const EndpointAsk& ask);

struct ClaimedAlternative {
    std::string bytes;
    double logprob = 0;

    bool operator==(const ClaimedAlternative&) const = default;
};
struct ClaimedToken {
    std::string bytes;
    double logprob = 0;
    std::vector<ClaimedAlternative> alternatives;  // without the token itself

    bool operator==(const ClaimedToken&) const = default;
};

inline constexpr std::size_t kReplyBytesMax = 4U << 20U;
inline constexpr std::size_t kReplyTokensMax = 4096;
inline constexpr std::size_t kReplyTokenBytesMax = 256;
inline constexpr std::size_t kReplyAlternativesMax = 20;

// The tokens of the first choice. The body is hostile: every length is bounded, log probabilities are finite. kCorrupt
// for a body of another form, kNotFound for an answer without log probabilities.
Result<std::vector<ClaimedToken>> parse_endpoint_reply(EndpointApi api, std::string_view body);

}  // namespace vcity::verifier
