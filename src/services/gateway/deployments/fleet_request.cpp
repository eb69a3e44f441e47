// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/deployments/fleet_request.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "services/gateway/work/spec_reader.hpp"

namespace vcity::gateway {
namespace {

using codec::Json;
using spec::Member;

constexpr std::size_t kNameBytesMax = 48;
constexpr std::size_t kPathBytesMax = 256;
constexpr std::size_t kModelBytesMax = 128;
constexpr std::uint32_t kIdleSecondsMin = 5;
constexpr std::uint32_t kDaySeconds = 86'400;
constexpr std::uint32_t kReadySecondsMax = 3'600;
constexpr std::uint32_t kReplicaSecondsMin = 60;
constexpr std::uint32_t kReplicaSecondsMax = 30U * kDaySeconds;
constexpr std::uint32_t kRequestsMax = 256;
constexpr std::uint32_t kMinuteSeconds = 60;
constexpr std::array<std::string_view, 2> kKinds{"serve", "enterprise"};
constexpr std::array<std::string_view, 2> kBy{"requests", "delay"};
constexpr std::array<std::string_view, 6> kOwn{"scale", "readiness", "openai", "replica_seconds", "kind", "sla"};
// Of a job that nobody asks for here: the desk gives them to each replica.
constexpr std::array<std::string_view, 1> kDropped{"deadline_minutes"};

template <std::size_t N>
bool is_among(const std::array<std::string_view, N>& names, std::string_view name) {
    return std::ranges::find(names, name) != names.end();
}

constexpr std::array kScale = {
    Member<FleetTerms>{"min",
                       [](const Json& value, const std::string& path, FleetTerms* out) {
                           return spec::read_whole(value, path, 0, kReplicasMax, &out->replicas_min);
                       }},
    Member<FleetTerms>{"max",
                       [](const Json& value, const std::string& path, FleetTerms* out) {
                           return spec::read_whole(value, path, 1, kReplicasMax, &out->replicas_max);
                       }},
    Member<FleetTerms>{"requests_per_replica",
                       [](const Json& value, const std::string& path, FleetTerms* out) {
                           return spec::read_whole(value, path, 1, kRequestsMax, &out->requests_per_replica);
                       }},
    Member<FleetTerms>{"by",
                       [](const Json& value, const std::string& path, FleetTerms* out) {
                           std::size_t choice = 0;
                           Refusal refused = spec::read_choice(value, path, kBy, &choice);
                           out->is_by_delay = choice == 1;
                           return refused;
                       }},
    Member<FleetTerms>{"idle_seconds",
                       [](const Json& value, const std::string& path, FleetTerms* out) {
                           return spec::read_whole(value, path, kIdleSecondsMin, 30 * kDaySeconds, &out->idle_seconds);
                       }},
};

Refusal read_path(const Json& value, const std::string& path, FleetVersion* out) {
    if (Refusal refused = spec::read_text(value, path, kPathBytesMax, &out->readiness_path)) return refused;
    const bool is_path = out->readiness_path.starts_with('/') &&
                         std::ranges::all_of(out->readiness_path, [](char one) { return one > ' ' && one < '\x7f'; });
    if (is_path) return std::nullopt;
    return spec::refusal(ErrorCode::kInvalidValue, path, value, "a path such as \"/health\"");
}

constexpr std::array kReadiness = {
    Member<FleetVersion>{"path", read_path},
    Member<FleetVersion>{"seconds",
                         [](const Json& value, const std::string& path, FleetVersion* out) {
                             return spec::read_whole(value, path, 1, kReadySecondsMax, &out->ready_seconds);
                         }},
};

Refusal read_sla(const Json& value, const std::string& path, FleetRequest* out) {
    constexpr std::array kSla = {Member<FleetRequest>{
        "availability", [](const Json& part, const std::string& where, FleetRequest* request) {
            return spec::read_scaled(part, where, {10'000, 1, "0.99 is 99 %"}, &request->availability_bp);
        }}};
    return spec::read_members<FleetRequest>(value, path, kSla, out);
}

Refusal read_openai(const Json& value, const std::string& path, FleetRequest* out) {
    if (const bool* flag = value.get_bool()) {
        // The name is known when all has been read.
        out->version.openai_model = *flag ? "/" : "";
        return std::nullopt;
    }
    constexpr std::array kOpenai = {
        Member<FleetRequest>{"model", [](const Json& part, const std::string& where, FleetRequest* request) {
                                 return spec::read_text(part, where, kModelBytesMax, &request->version.openai_model);
                             }}};
    return spec::read_members<FleetRequest>(value, path, kOpenai, out);
}

constexpr std::array kMine = {
    Member<FleetRequest>{"scale",
                         [](const Json& value, const std::string& path, FleetRequest* out) {
                             return spec::read_members<FleetTerms>(value, path, kScale, &out->terms);
                         }},
    Member<FleetRequest>{"readiness",
                         [](const Json& value, const std::string& path, FleetRequest* out) {
                             if (value.is_string()) return read_path(value, path, &out->version);
                             return spec::read_members<FleetVersion>(value, path, kReadiness, &out->version);
                         }},
    Member<FleetRequest>{"openai", read_openai},
    Member<FleetRequest>{"replica_seconds",
                         [](const Json& value, const std::string& path, FleetRequest* out) {
                             return spec::read_whole(value, path, kReplicaSecondsMin, kReplicaSecondsMax,
                                                     &out->version.replica_seconds);
                         }},
    Member<FleetRequest>{"kind",
                         [](const Json& value, const std::string& path, FleetRequest* out) {
                             std::size_t choice = 0;
                             Refusal refused = spec::read_choice(value, path, kKinds, &choice);
                             out->is_enterprise = choice == 1;
                             return refused;
                         }},
    Member<FleetRequest>{"sla", read_sla},
};

Refusal check_name(const std::string& name) {
    const bool is_good = !name.empty() && name.size() <= kNameBytesMax && std::ranges::all_of(name, [](char one) {
        return (one >= 'a' && one <= 'z') || (one >= '0' && one <= '9') || one == '-';
    });
    if (is_good) return std::nullopt;
    return spec::refusal(ErrorCode::kInvalidValue, "name", Json{name.substr(0, 64)},
                         "made of 1 to 48 of a-z, 0-9 and '-'");
}

Json with_step(const Json& job, const std::vector<std::pair<std::string, Json>>& members) {
    Json changed = job;
    const Json* steps = job.find("steps");
    Json step = steps->get_array()->front();
    for (const auto& [name, value] : members) step.set(name, value);
    changed.set("steps", codec::JsonArray{std::move(step)});
    return changed;
}

// What of the body is a job, as it is checked like one.
ApiResult<Json> job_of(const Json& body) {
    const codec::JsonObject* object = body.get_object();
    if (object == nullptr) return spec::refusal(ErrorCode::kInvalidType, "", body, "an object");
    codec::JsonObject job;
    for (const auto& [name, value] : *object) {
        if (!is_among(kOwn, name) && !is_among(kDropped, name)) job.emplace_back(name, value);
    }
    const Json whole{std::move(job)};
    const Json* steps = whole.find("steps");
    const bool is_one = steps != nullptr && steps->get_array() != nullptr && steps->get_array()->size() == 1 &&
                        steps->get_array()->front().is_object();
    if (!is_one) {
        return spec::refusal(ErrorCode::kInvalidValue, "steps",
                             "'steps' must be a list of exactly one step: what every replica runs");
    }
    const Json* count = steps->get_array()->front().find("count");
    std::uint64_t number = 1;
    if (count != nullptr && (!count->get_u64(&number) || number != 1)) {
        return spec::refusal(ErrorCode::kInvalidValue, "steps[0].count", *count,
                             "1 or absent; 'scale' says how many replicas there are");
    }
    return with_step(whole, {{"service", true}, {"retries", 0}});
}

}  // namespace

ApiResult<FleetRequest> parse_fleet_request(const Json& body, const FileResolver& resolve) {
    ApiResult<Json> job = job_of(body);
    if (!job) return std::move(job).error();
    ApiResult<WorkRequest> work = parse_work_request(*job, resolve);
    if (!work) return std::move(work).error();
    FleetRequest request;
    codec::JsonObject mine;
    for (const auto& [name, value] : *body.get_object()) {
        if (is_among(kOwn, name)) mine.emplace_back(name, value);
    }
    if (Refusal refused = spec::read_members<FleetRequest>(Json{std::move(mine)}, "", kMine, &request)) {
        return *std::move(refused);
    }
    request.name = work->spec.name;
    if (Refusal refused = check_name(request.name)) return *std::move(refused);
    FleetTerms& terms = request.terms;
    const Json* scale = body.find("scale");
    const bool has_max = scale != nullptr && scale->find("max") != nullptr;
    if (!has_max) terms.replicas_max = std::max(1U, terms.replicas_min);
    if (terms.replicas_min > terms.replicas_max) {
        return spec::refusal(ErrorCode::kInvalidValue, "scale.max", *scale->find("max"), "at least scale.min");
    }
    terms.budget = work->budget;
    constexpr std::uint32_t kWhole = 1000;
    const UnitAsk& ask = work->spec.groups.front().ask;
    if (request.is_enterprise && ask.gpus > 0 && ask.gpu_milli < kWhole) {
        return spec::refusal(ErrorCode::kInvalidValue, "steps[0].resources.gpu_share",
                             "an enterprise deployment has whole GPUs: leave 'gpu_share' out");
    }
    const StepGroup& group = work->spec.groups.front();
    if (group.setup.ports.empty()) {
        return spec::refusal(ErrorCode::kMissingParameter, "steps[0].ports",
                             "'steps[0]' has no port: the first one is where requests go");
    }
    FleetVersion& version = request.version;
    version.group = group.name;
    version.port = group.setup.ports.front().port;
    if (!work->spec.hourly_max) {
        return spec::refusal(ErrorCode::kMissingParameter, "where.hourly_max",
                             "missing required parameter 'where.hourly_max': the most that an hour of one replica may "
                             "cost, in dollars; it says how long the budget lasts");
    }
    version.hourly_max = *work->spec.hourly_max;
    if (version.openai_model == "/") version.openai_model = request.name;
    codec::JsonObject kept;
    for (const auto& [name, value] : *job->get_object()) {
        if (name != "budget") kept.emplace_back(name, value);
    }
    version.job = std::move(kept);
    if (version.job.find("name") == nullptr) version.job.set("name", request.name);
    return request;
}

ApiResult<Json> patched_request(const Json& request, const Json& patch) {
    constexpr std::array<std::string_view, 4> kMerged{"scale", "readiness", "where", "sla"};
    const codec::JsonObject* members = patch.get_object();
    if (members == nullptr) return spec::refusal(ErrorCode::kInvalidType, "", patch, "an object");
    Json changed = request;
    for (const auto& [name, value] : *members) {
        const Json* before = request.find(name);
        if (name == "name") {
            if (before != nullptr && value == *before) continue;
            return spec::refusal(ErrorCode::kInvalidValue, "name", value, "what it is: a name stays");
        }
        const bool is_merged = is_among(kMerged, name) && value.is_object() && before != nullptr && before->is_object();
        if (!is_merged) {
            changed.set(name, value);
            continue;
        }
        Json part = *before;
        for (const auto& [inner, content] : *value.get_object()) part.set(inner, content);
        changed.set(name, std::move(part));
    }
    return changed;
}

bool is_same_work(const FleetVersion& one, const FleetVersion& other) {
    return one.job == other.job && one.readiness_path == other.readiness_path &&
           one.ready_seconds == other.ready_seconds && one.replica_seconds == other.replica_seconds &&
           one.hourly_max == other.hourly_max && one.openai_model == other.openai_model;
}

Json replica_order(const Fleet& fleet, const FleetVersion& version, const Replica& replica) {
    Json order = with_step(version.job, {{"seconds_max", replica.seconds}});
    order.set("budget", to_string(replica.reserved));
    // It may wait for a unit as long as it may take to become ready; then it is cancelled.
    order.set("deadline_minutes", (replica.seconds + version.ready_seconds) / kMinuteSeconds + kMinuteSeconds);
    Json where = order.find("where") == nullptr ? Json{codec::JsonObject{}} : *order.find("where");
    where.set("hourly_max", to_string(version.hourly_max));
    where.set("spread", fleet.id);
    if (fleet.is_enterprise) {
        where.set("exclusive", true);
        if (where.find("kind") == nullptr) where.set("kind", "stable");
        if (order.find("service_class") == nullptr) order.set("service_class", "critical");
    }
    order.set("where", std::move(where));
    return order;
}

}  // namespace vcity::gateway
