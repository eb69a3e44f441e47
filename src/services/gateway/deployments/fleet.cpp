// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/deployments/fleet.hpp"

#include <algorithm>
#include <array>

#include "codec/hex.hpp"

namespace vcity::gateway {
namespace {

using codec::Json;

constexpr std::array<std::string_view, 5> kStates{"Initializing", "Running", "Paused", "Scaled to Zero", "Failed"};
constexpr std::array<std::string_view, 5> kReplicaStates{"starting", "ready", "unwell", "draining", "stopping"};
constexpr std::uint32_t kFailuresMax = 3;

Json replica_json(const Replica& replica) {
    return codec::JsonObject{{"number", replica.number},
                             {"version", replica.version},
                             {"state", static_cast<unsigned>(replica.state)},
                             {"seconds", replica.seconds},
                             {"reserved", replica.reserved.micro},
                             {"charged", replica.charged.micro},
                             {"job", codec::to_hex(replica.job_id)},
                             {"node", codec::to_hex(replica.node)},
                             {"created_at", replica.created_at.count()},
                             {"started_at", replica.started_at.count()},
                             {"ready_at", replica.ready_at.count()},
                             {"changed_at", replica.changed_at.count()},
                             {"misses", replica.misses}};
}

Json version_json(const FleetVersion& version) {
    return codec::JsonObject{{"number", version.number},
                             {"job", version.job},
                             {"group", version.group},
                             {"port", unsigned{version.port}},
                             {"readiness", version.readiness_path},
                             {"ready_seconds", version.ready_seconds},
                             {"replica_seconds", version.replica_seconds},
                             {"hourly_max", version.hourly_max.micro},
                             {"openai_model", version.openai_model},
                             {"failures", version.failures},
                             {"retry_at", version.retry_at.count()},
                             {"problem", version.problem}};
}

// Reads members of one object; the first that is missing or wrong makes all of it corrupt.
class Members {
  public:
    explicit Members(const Json& json) : json_{json} {}

    template <class Number>
    void number(std::string_view name, Number* out) {
        const Json* value = json_.find(name);
        std::uint64_t read = 0;
        if (value == nullptr || !value->get_u64(&read) || read > std::numeric_limits<Number>::max()) return fail(name);
        *out = static_cast<Number>(read);
    }
    void text(std::string_view name, std::string* out) {
        const Json* value = json_.find(name);
        if (value == nullptr || value->get_string() == nullptr) return fail(name);
        *out = *value->get_string();
    }
    void flag(std::string_view name, bool* out) {
        const Json* value = json_.find(name);
        if (value == nullptr || value->get_bool() == nullptr) return fail(name);
        *out = *value->get_bool();
    }
    void money(std::string_view name, Usd* out) { number(name, &out->micro); }
    void time(std::string_view name, UnixMillis* out) {
        std::uint64_t millis = 0;
        number(name, &millis);
        *out = UnixMillis{millis};
    }
    template <class Fixed>
    void fixed(std::string_view name, Fixed* out) {
        std::string hex;
        text(name, &hex);
        const Result<Fixed> read = codec::parse_fixed<Fixed>(hex);
        if (!read) return fail(name);
        *out = *read;
    }
    const codec::JsonArray& list(std::string_view name) {
        static const codec::JsonArray kNone;
        const Json* value = json_.find(name);
        if (value != nullptr && value->get_array() != nullptr) return *value->get_array();
        fail(name);
        return kNone;
    }
    void json(std::string_view name, Json* out) {
        const Json* value = json_.find(name);
        if (value == nullptr) return fail(name);
        *out = *value;
    }
    Result<void> result() const {
        if (missing_.empty()) return {};
        return make_error(Errc::kCorrupt, "the record of a deployment has no " + missing_);
    }

  private:
    void fail(std::string_view name) {
        if (missing_.empty()) missing_ = name;
    }

    const Json& json_;
    std::string missing_;
};

Result<Replica> parse_replica(const Json& json) {
    Replica replica;
    Members members{json};
    std::uint8_t state = 0;
    members.number("number", &replica.number);
    members.number("version", &replica.version);
    members.number("state", &state);
    members.number("seconds", &replica.seconds);
    members.money("reserved", &replica.reserved);
    members.money("charged", &replica.charged);
    members.fixed("job", &replica.job_id);
    members.fixed("node", &replica.node);
    members.time("created_at", &replica.created_at);
    members.time("started_at", &replica.started_at);
    members.time("ready_at", &replica.ready_at);
    members.time("changed_at", &replica.changed_at);
    members.number("misses", &replica.misses);
    TRY_OK(members.result());
    if (state >= kReplicaStates.size()) return make_error(Errc::kCorrupt, "a replica has no such state");
    replica.state = static_cast<ReplicaState>(state);
    return replica;
}

Result<FleetVersion> parse_version(const Json& json) {
    FleetVersion version;
    Members members{json};
    members.number("number", &version.number);
    members.json("job", &version.job);
    members.text("group", &version.group);
    members.number("port", &version.port);
    members.text("readiness", &version.readiness_path);
    members.number("ready_seconds", &version.ready_seconds);
    members.number("replica_seconds", &version.replica_seconds);
    members.money("hourly_max", &version.hourly_max);
    members.text("openai_model", &version.openai_model);
    members.number("failures", &version.failures);
    members.time("retry_at", &version.retry_at);
    members.text("problem", &version.problem);
    TRY_OK(members.result());
    return version;
}

}  // namespace

std::string_view to_string(FleetState state) {
    return kStates.at(static_cast<std::size_t>(state));
}

std::string_view to_string(ReplicaState state) {
    return kReplicaStates.at(static_cast<std::size_t>(state));
}

const FleetVersion* Fleet::version(std::uint32_t wanted_number) const {
    const auto found = std::ranges::find(versions, wanted_number, &FleetVersion::number);
    return found == versions.end() ? nullptr : &*found;
}

FleetVersion* Fleet::version(std::uint32_t wanted_number) {
    const auto found = std::ranges::find(versions, wanted_number, &FleetVersion::number);
    return found == versions.end() ? nullptr : &*found;
}

const Replica* Fleet::replica(std::uint64_t wanted_number) const {
    const auto found = std::ranges::find(replicas, wanted_number, &Replica::number);
    return found == replicas.end() ? nullptr : &*found;
}

Replica* Fleet::replica(std::uint64_t wanted_number) {
    const auto found = std::ranges::find(replicas, wanted_number, &Replica::number);
    return found == replicas.end() ? nullptr : &*found;
}

Usd Fleet::reserved() const {
    Usd sum;
    for (const Replica& one : replicas) sum.micro += one.reserved.micro;
    return sum;
}

Usd Fleet::charged() const {
    Usd sum = spent;
    for (const Replica& one : replicas) sum.micro += one.charged.micro;
    return sum;
}

std::size_t Fleet::count(ReplicaState wanted_state) const {
    return static_cast<std::size_t>(std::ranges::count(replicas, wanted_state, &Replica::state));
}

std::uint32_t Fleet::desired() const {
    if (is_paused || is_removed) return 0;
    return std::clamp(wanted, terms.replicas_min, terms.replicas_max);
}

FleetState Fleet::state() const {
    if (is_paused || is_removed) return FleetState::kPaused;
    if (count(ReplicaState::kReady) > 0) return FleetState::kRunning;
    const FleetVersion* now = version(target);
    if (is_budget_out || (now != nullptr && now->failures >= kFailuresMax)) return FleetState::kFailed;
    if (desired() == 0) return FleetState::kScaledToZero;
    return FleetState::kInitializing;
}

std::string dump(const Fleet& fleet) {
    codec::JsonArray versions;
    for (const FleetVersion& version : fleet.versions) versions.push_back(version_json(version));
    codec::JsonArray replicas;
    for (const Replica& replica : fleet.replicas) replicas.push_back(replica_json(replica));
    return codec::dump_json(codec::JsonObject{{"id", fleet.id},
                                              {"name", fleet.name},
                                              {"owner", codec::to_hex(fleet.owner)},
                                              {"client", codec::to_hex(fleet.client)},
                                              {"request", fleet.request},
                                              {"min", fleet.terms.replicas_min},
                                              {"max", fleet.terms.replicas_max},
                                              {"requests_per_replica", fleet.terms.requests_per_replica},
                                              {"by_delay", fleet.terms.is_by_delay},
                                              {"idle_seconds", fleet.terms.idle_seconds},
                                              {"budget", fleet.terms.budget.micro},
                                              {"versions", std::move(versions)},
                                              {"target", fleet.target},
                                              {"stable", fleet.stable},
                                              {"enterprise", fleet.is_enterprise},
                                              {"availability_bp", fleet.availability_bp},
                                              {"paused", fleet.is_paused},
                                              {"removed", fleet.is_removed},
                                              {"budget_out", fleet.is_budget_out},
                                              {"wanted", fleet.wanted},
                                              {"spent", fleet.spent.micro},
                                              {"next_replica", fleet.next_replica},
                                              {"next_version", fleet.next_version},
                                              {"created_at", fleet.created_at.count()},
                                              {"next_event", fleet.next_event},
                                              {"replicas", std::move(replicas)}});
}

Result<Fleet> parse_fleet(std::string_view stored) {
    TRY(const Json json, codec::parse_json(stored));
    Fleet fleet;
    Members members{json};
    members.text("id", &fleet.id);
    members.text("name", &fleet.name);
    members.fixed("owner", &fleet.owner);
    members.fixed("client", &fleet.client);
    members.json("request", &fleet.request);
    members.number("min", &fleet.terms.replicas_min);
    members.number("max", &fleet.terms.replicas_max);
    members.number("requests_per_replica", &fleet.terms.requests_per_replica);
    members.flag("by_delay", &fleet.terms.is_by_delay);
    members.number("idle_seconds", &fleet.terms.idle_seconds);
    members.money("budget", &fleet.terms.budget);
    members.number("target", &fleet.target);
    members.number("stable", &fleet.stable);
    members.flag("enterprise", &fleet.is_enterprise);
    members.number("availability_bp", &fleet.availability_bp);
    members.flag("paused", &fleet.is_paused);
    members.flag("removed", &fleet.is_removed);
    members.flag("budget_out", &fleet.is_budget_out);
    members.number("wanted", &fleet.wanted);
    members.money("spent", &fleet.spent);
    members.number("next_replica", &fleet.next_replica);
    members.number("next_version", &fleet.next_version);
    members.time("created_at", &fleet.created_at);
    members.number("next_event", &fleet.next_event);
    for (const Json& version : members.list("versions")) {
        TRY(FleetVersion read, parse_version(version));
        fleet.versions.push_back(std::move(read));
    }
    for (const Json& replica : members.list("replicas")) {
        TRY(Replica read, parse_replica(replica));
        fleet.replicas.push_back(read);
    }
    TRY_OK(members.result());
    const bool is_whole = fleet.version(fleet.target) != nullptr && fleet.version(fleet.stable) != nullptr &&
                          fleet.terms.replicas_min <= fleet.terms.replicas_max;
    if (!is_whole) return make_error(Errc::kCorrupt, "the record of a deployment is not whole");
    return fleet;
}

std::string dump(const FleetEvent& event) {
    return codec::dump_json(codec::JsonObject{{"at", event.at.count()}, {"kind", event.kind}, {"text", event.text}});
}

Result<FleetEvent> parse_fleet_event(std::string_view stored) {
    TRY(const Json json, codec::parse_json(stored));
    FleetEvent event;
    Members members{json};
    members.time("at", &event.at);
    members.text("kind", &event.kind);
    members.text("text", &event.text);
    TRY_OK(members.result());
    return event;
}

}  // namespace vcity::gateway
