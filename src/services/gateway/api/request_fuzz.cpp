// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/api/request.hpp"

#include <cstdint>

#include "base/check.hpp"
#include "market/pricing.hpp"

// Any bytes are a request or a refusal of the documented shape; what is accepted is within the limits.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    namespace gateway = vcity::gateway;
    const std::string_view text = vcity::as_text({data, size});
    const gateway::RequestLimits limits;
    const gateway::ApiResult<vcity::codec::Json> body = gateway::parse_body(text, limits);
    if (!body) {
        CHECK(!gateway::error_response(body.error(), "req_fuzz").body.empty());
        return 0;
    }
    for (const auto parse : {gateway::parse_chat_request, gateway::parse_completion_request}) {
        const gateway::ApiResult<gateway::GenerationRequest> request = parse(*body, limits);
        if (!request) {
            CHECK(gateway::error_response(request.error(), "req_fuzz").status >= 400);
            continue;
        }
        CHECK(!request->call.model.empty());
        CHECK(request->call.messages.empty() != request->call.prompt.empty());
        CHECK(request->call.stop.size() <= 4);
        CHECK(request->call.sampling.temperature >= 0 && request->call.sampling.temperature <= 2);
        CHECK(request->call.sampling.top_p > 0 && request->call.sampling.top_p <= 1);
        CHECK(vcity::market::input_tokens_bound(request->call) > 0);
    }
    return 0;
}
