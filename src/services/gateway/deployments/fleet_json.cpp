// SPDX-License-Identifier: Apache-2.0
#include "codec/hex.hpp"
#include "services/gateway/deployments/deployment_api.hpp"
#include "services/gateway/work/work_json.hpp"

namespace vcity::gateway {
namespace {

using codec::Json;

Json seconds(UnixMillis at) {
    constexpr double kMillis = 1000;
    return at.count() == 0 ? Json{} : Json{static_cast<double>(at.count()) / kMillis};
}

Json replica_json(const Replica& replica) {
    return codec::JsonObject{
        {"number", replica.number},
        {"version", replica.version},
        {"state", std::string{to_string(replica.state)}},
        {"job", replica.job_id.is_zero() ? Json{} : Json{make_work_id(replica.job_id)}},
        {"node", replica.node.is_zero() ? Json{} : Json{codec::to_hex(replica.node)}},
        {"active", replica.active},
        {"created", seconds(replica.created_at)},
        {"started", seconds(replica.started_at)},
        {"ready", seconds(replica.ready_at)},
        {"ends", replica.started_at.count() == 0 ? Json{}
                                                 : seconds(replica.started_at + std::chrono::seconds{replica.seconds})},
        {"reserved", to_string(replica.reserved)},
        {"charged", to_string(replica.charged)},
    };
}

std::string reason_of(const Fleet& fleet) {
    if (fleet.is_removed) return "it is being removed";
    if (fleet.is_budget_out) return "what is left of the budget is too little for another replica";
    const FleetVersion* target = fleet.version(fleet.target);
    return target == nullptr ? "" : target->problem;
}

}  // namespace

Json fleet_json(const Fleet& fleet, const std::string& public_url) {
    codec::JsonArray members;
    for (const Replica& replica : fleet.replicas) members.push_back(replica_json(replica));
    const FleetVersion* stable = fleet.version(fleet.stable);
    const bool has_model = stable != nullptr && !stable->openai_model.empty();
    const std::string reason = reason_of(fleet);
    const auto count = [&](ReplicaState state) { return static_cast<std::uint64_t>(fleet.count(state)); };
    return codec::JsonObject{
        {"id", fleet.id},
        {"object", "deployment"},
        {"name", fleet.name},
        {"kind", fleet.is_enterprise ? "enterprise" : "serve"},
        {"state", std::string{to_string(fleet.state())}},
        {"reason", reason.empty() ? Json{} : Json{reason}},
        {"version", fleet.stable},
        {"rollout",
         fleet.is_rolling() ? Json{codec::JsonObject{{"from", fleet.stable}, {"to", fleet.target}}} : Json{}},
        {"scale", codec::JsonObject{{"min", fleet.terms.replicas_min},
                                    {"max", fleet.terms.replicas_max},
                                    {"requests_per_replica", fleet.terms.requests_per_replica},
                                    {"by", fleet.terms.is_by_delay ? "delay" : "requests"},
                                    {"idle_seconds", fleet.terms.idle_seconds}}},
        {"replicas", codec::JsonObject{{"wanted", fleet.desired()},
                                       {"ready", count(ReplicaState::kReady)},
                                       {"starting", count(ReplicaState::kStarting)},
                                       {"unwell", count(ReplicaState::kUnwell)},
                                       {"draining", count(ReplicaState::kDraining) + count(ReplicaState::kStopping)}}},
        {"members", std::move(members)},
        {"url", public_url + std::string{kDoorPath} + fleet.name + "/"},
        {"model", has_model ? Json{std::string{kDeploymentModel} + fleet.name} : Json{}},
        {"budget", to_string(fleet.terms.budget)},
        {"charged", to_string(fleet.charged())},
        {"reserved", to_string(fleet.reserved())},
        {"availability", fleet.availability_bp == 0 ? Json{} : Json{fleet.availability_bp / 10'000.0}},
        {"created", seconds(fleet.created_at)},
    };
}

}  // namespace vcity::gateway
