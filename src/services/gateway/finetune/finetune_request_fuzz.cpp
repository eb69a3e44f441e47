// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/finetune/finetune_request.hpp"

#include <cstdint>

#include "base/check.hpp"
#include "services/gateway/api/request.hpp"
#include "services/gateway/work/work_request.hpp"

// Any bytes are a request or a refusal; what is accepted becomes an order that reads as JSON.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    namespace gateway = vcity::gateway;
    const gateway::RequestLimits limits;
    const auto body = gateway::parse_body(vcity::as_text({data, size}), limits);
    if (!body) return 0;
    const gateway::ApiResult<gateway::FinetuneRequest> request = gateway::parse_finetune_request(*body);
    if (!request) {
        CHECK(gateway::error_response(request.error(), "req_fuzz").status == 400);
        CHECK(!request.error().message.empty());
        return 0;
    }
    CHECK(!request->model.empty() && request->folder().find('/') == std::string::npos);
    const std::string order = vcity::codec::dump_json(gateway::finetune_order(*request));
    CHECK(vcity::codec::parse_json(order));
    return 0;
}
