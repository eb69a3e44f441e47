// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/deployments/fleet_request.hpp"

#include <cstdint>

#include "base/check.hpp"
#include "services/gateway/api/request.hpp"
#include "services/gateway/deployments/fleet_machine.hpp"

// Any bytes are a deployment or a refusal of the documented shape. What is accepted can be started, and each replica's
// order is a job.
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
    gateway::ApiResult<gateway::FleetRequest> request = gateway::parse_fleet_request(*body, resolve);
    if (!request) {
        CHECK(gateway::error_response(request.error(), "req_fuzz").status == 400);
        CHECK(!request.error().message.empty());
        return 0;
    }
    CHECK(request->terms.replicas_min <= request->terms.replicas_max && request->terms.replicas_max >= 1);
    gateway::Fleet fleet;
    fleet.id = "dep_fuzz";
    fleet.name = request->name;
    fleet.request = *body;
    fleet.terms = request->terms;
    fleet.wanted = 1;
    const gateway::FleetMachine machine;
    const vcity::UnixMillis now{1'700'000'000'000};
    machine.deploy(&fleet, std::move(request->version), now);
    machine.reconcile(&fleet, now);
    CHECK(fleet.reserved() <= fleet.terms.budget);
    for (const gateway::Replica& replica : fleet.replicas) {
        const vcity::codec::Json order = gateway::replica_order(fleet, *fleet.version(replica.version), replica);
        CHECK(gateway::parse_work_request(order, resolve).has_value());
    }
    CHECK(gateway::parse_fleet(gateway::dump(fleet)).has_value());
    return 0;
}
