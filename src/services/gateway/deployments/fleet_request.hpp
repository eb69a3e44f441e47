// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "services/gateway/api/api_error.hpp"
#include "services/gateway/deployments/fleet.hpp"
#include "services/gateway/work/work_request.hpp"

namespace vcity::gateway {

// A deployment as its owner asks for it, validated.
struct FleetRequest {
    std::string name;
    FleetTerms terms;
    FleetVersion version;  // without a number
    bool is_enterprise = false;
    std::uint32_t availability_bp = 0;
};

inline constexpr std::uint32_t kReplicasMax = 64;

// The body of POST /api/v1/deployments (docs/serve.md): that of a job with one step that has a port, and `scale`,
// `readiness`, `openai`, `replica_seconds`, `kind` and `sla`. Every refusal names the field.
ApiResult<FleetRequest> parse_fleet_request(const codec::Json& body, const FileResolver& resolve = no_files);

// The request with members of the patch in place of its own; of `scale`, `readiness`, `where` and `sla` only those that
// the patch names. The name stays.
ApiResult<codec::Json> patched_request(const codec::Json& request, const codec::Json& patch);

// Whether two versions run the same.
bool is_same_work(const FleetVersion& one, const FleetVersion& other);

// Body of POST /v1/jobs for one replica; the same for the same replica, always.
codec::Json replica_order(const Fleet& fleet, const FleetVersion& version, const Replica& replica);

}  // namespace vcity::gateway
