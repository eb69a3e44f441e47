// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/work/work_request.hpp"

#include <cstdint>

#include "base/check.hpp"
#include "services/gateway/api/request.hpp"
#include "work/spec_check.hpp"

// Any bytes are an order or a refusal of the documented shape; what is accepted is within the limits.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    namespace gateway = vcity::gateway;
    const gateway::RequestLimits limits;
    const auto body = gateway::parse_body(vcity::as_text({data, size}), limits);
    if (!body) return 0;
    const auto resolve = [](const std::string& id, const std::string&) -> gateway::ApiResult<vcity::InputFile> {
        vcity::InputFile file;
        file.sha256.bytes.fill(1);
        file.bytes = id.size();
        return file;
    };
    const gateway::ApiResult<gateway::WorkRequest> request = gateway::parse_work_request(*body, resolve);
    if (!request) {
        CHECK(gateway::error_response(request.error(), "req_fuzz").status == 400);
        CHECK(!request.error().message.empty());
        return 0;
    }
    CHECK(vcity::work::check(request->spec));
    CHECK(request->budget.micro > 0);
    CHECK(request->deadline_minutes >= 1 && request->deadline_minutes <= gateway::kDeadlineMinutesMax);
    return 0;
}
