// SPDX-License-Identifier: Apache-2.0
// Replies of hostile endpoints: the first byte chooses the interface.
#include "services/verifier/blackbox/endpoint_reply.hpp"

#include <cmath>
#include <cstdint>
#include <string_view>

#include "base/check.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using vcity::verifier::EndpointApi;
    if (size == 0) return 0;
    const EndpointApi api = data[0] % 2 == 0 ? EndpointApi::kChat : EndpointApi::kCompletions;
    const std::string_view body{reinterpret_cast<const char*>(data) + 1, size - 1};
    const auto tokens = vcity::verifier::parse_endpoint_reply(api, body);
    if (!tokens) return 0;
    CHECK(tokens->size() <= vcity::verifier::kReplyTokensMax);
    for (const auto& token : *tokens) {
        CHECK(token.bytes.size() <= vcity::verifier::kReplyTokenBytesMax);
        CHECK(std::isfinite(token.logprob) && token.logprob <= 1e-3);
        CHECK(token.alternatives.size() <= vcity::verifier::kReplyAlternativesMax);
    }
    return 0;
}
