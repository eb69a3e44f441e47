// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/deployments/fleet_machine.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/check.hpp"

namespace vcity::gateway {
namespace {

constexpr std::uint64_t kHourSeconds = 3600;

void tell(Fleet* fleet, UnixMillis now, std::string kind, std::string text) {
    fleet->news.push_back({.at = now, .kind = std::move(kind), .text = std::move(text)});
}

void enter(Replica* replica, ReplicaState state, UnixMillis now) {
    replica->state = state;
    replica->changed_at = now;
}

bool has_passed(UnixMillis since, std::chrono::seconds span, UnixMillis now) {
    return now >= since + std::chrono::duration_cast<UnixMillis>(span);
}

// ceil(hourly * seconds / 3600), as work::quote_of; hourly and seconds are bounded by what an order may say.
Usd cost_of(Usd hourly, std::uint32_t seconds) {
    const Result<std::uint64_t> micro = mul_div_ceil(hourly.micro, seconds, kHourSeconds);
    CHECK(micro.has_value());
    return Usd{*micro};
}

// Versions that nothing needs any more.
void drop_versions(Fleet* fleet) {
    std::erase_if(fleet->versions, [&](const FleetVersion& version) {
        const bool has_replica =
            std::ranges::find(fleet->replicas, version.number, &Replica::version) != fleet->replicas.end();
        return version.number != fleet->target && version.number != fleet->stable && !has_replica;
    });
}

}  // namespace

// Replicas of the target that will stay, and all others.
struct FleetMachine::Census {
    std::uint32_t fresh = 0;
    std::uint32_t fresh_ready = 0;
    std::uint32_t fresh_starting = 0;
    std::uint32_t old = 0;
    std::uint32_t old_ready = 0;

    Census(const Fleet& fleet, UnixMillis now) {
        for (const Replica& replica : fleet.replicas) {
            if (!replica.is_live()) continue;
            const bool is_ready = replica.state == ReplicaState::kReady;
            if (is_fresh(fleet, replica, now)) {
                ++fresh;
                fresh_ready += is_ready ? 1 : 0;
                fresh_starting += replica.state == ReplicaState::kStarting ? 1 : 0;
            } else {
                ++old;
                old_ready += is_ready ? 1 : 0;
            }
        }
    }
    static bool is_fresh(const Fleet& fleet, const Replica& replica, UnixMillis now) {
        return replica.version == fleet.target && !is_expiring(fleet, replica, now);
    }
    std::uint32_t live() const { return fresh + old; }
    std::uint32_t ready() const { return fresh_ready + old_ready; }
};

bool FleetMachine::is_expiring(const Fleet& fleet, const Replica& replica, UnixMillis now) {
    if (replica.started_at.count() == 0) return false;
    const FleetVersion* version = fleet.version(replica.version);
    const std::uint32_t start = version == nullptr ? 0 : version->ready_seconds;
    const std::chrono::seconds ahead{std::min(replica.seconds / 4, start + 60)};
    return has_passed(replica.started_at, std::chrono::seconds{replica.seconds} - ahead, now);
}

void FleetMachine::reconcile(Fleet* fleet, UnixMillis now) const {
    stop_hopeless(fleet, now);
    roll_back(fleet, now);
    const std::uint32_t wanted = fleet->desired();
    if (wanted == 0) {
        for (Replica& replica : fleet->replicas) {
            if (!replica.is_live()) continue;
            // Nobody waits for one that is not ready.
            const bool is_ready = replica.state == ReplicaState::kReady;
            enter(&replica, is_ready ? ReplicaState::kDraining : ReplicaState::kStopping, now);
        }
        stop_hopeless(fleet, now);
    } else {
        start_missing(fleet, wanted, now);
        let_go(fleet, wanted, now);
        let_extras_go(fleet, wanted, now);
        finish_rollout(fleet, wanted, now);
    }
    drop_versions(fleet);
}

// Drained ones, those that did not come up in time, and those that do not come back.
void FleetMachine::stop_hopeless(Fleet* fleet, UnixMillis now) const {
    for (Replica& replica : fleet->replicas) {
        if (replica.state == ReplicaState::kDraining) {
            const bool is_over = replica.active == 0 || has_passed(replica.changed_at, tuning_.drain_max, now);
            if (is_over) enter(&replica, ReplicaState::kStopping, now);
        } else if (replica.state == ReplicaState::kStarting) {
            const FleetVersion* version = fleet->version(replica.version);
            CHECK(version != nullptr);
            const std::chrono::seconds patience{version->ready_seconds};
            if (!has_passed(replica.created_at, patience, now)) continue;
            fail(fleet, replica, fmt::format("it was not ready after {} seconds", patience.count()), now);
            enter(&replica, ReplicaState::kStopping, now);
        } else if (replica.state == ReplicaState::kUnwell) {
            if (!has_passed(replica.changed_at, tuning_.unwell_max, now)) continue;
            fail(fleet, replica, "it does not answer any more", now);
            enter(&replica, ReplicaState::kStopping, now);
        }
    }
}

void FleetMachine::roll_back(Fleet* fleet, UnixMillis now) const {
    const FleetVersion* version = fleet->version(fleet->target);
    CHECK(version != nullptr);
    if (!fleet->is_rolling() || version->failures < tuning_.rollout_failures) return;
    tell(fleet, now, "rolled_back",
         fmt::format("version {} did not become ready ({}); version {} stays", fleet->target, version->problem,
                     fleet->stable));
    fleet->target = fleet->stable;
}

bool FleetMachine::start(Fleet* fleet, std::uint32_t number, UnixMillis now) const {
    const FleetVersion* version = fleet->version(number);
    CHECK(version != nullptr);
    if (now < version->retry_at) return false;
    const std::uint64_t bound = fleet->spent.micro + fleet->reserved().micro;
    const std::uint64_t left = fleet->terms.budget.micro > bound ? fleet->terms.budget.micro - bound : 0;
    const auto live = static_cast<std::uint64_t>(std::ranges::count_if(fleet->replicas, &Replica::is_live));
    const std::uint64_t places = std::max<std::uint64_t>(
        1, fleet->terms.replicas_max + 1 - std::min<std::uint64_t>(live, fleet->terms.replicas_max));
    const auto seconds_for = [&](std::uint64_t micro) {
        const Result<std::uint64_t> seconds =
            mul_div_floor(micro, kHourSeconds, std::max<std::uint64_t>(1, version->hourly_max.micro));
        const std::uint64_t most = version->replica_seconds;
        return static_cast<std::uint32_t>(seconds ? std::min(*seconds, most) : most);
    };
    // A part for each that may still be wanted; when that is too little, what is left.
    std::uint32_t seconds = seconds_for(left / places);
    const std::uint32_t least = std::min(tuning_.term_least, version->replica_seconds);
    if (seconds < least) seconds = seconds_for(left);
    if (seconds < least) {
        if (!fleet->is_budget_out) {
            tell(fleet, now, "budget_out", fmt::format("what is left of the budget is too little for another replica"));
        }
        fleet->is_budget_out = true;
        return false;
    }
    fleet->is_budget_out = false;
    Replica replica;
    replica.number = fleet->next_replica++;
    replica.version = number;
    replica.seconds = seconds;
    replica.reserved = cost_of(version->hourly_max, seconds);
    replica.created_at = now;
    replica.changed_at = now;
    fleet->replicas.push_back(replica);
    tell(fleet, now, "replica_started",
         fmt::format("replica {} of version {}, for {} seconds and {} dollars at most", replica.number, number, seconds,
                     to_string(replica.reserved)));
    return true;
}

void FleetMachine::start_missing(Fleet* fleet, std::uint32_t wanted, UnixMillis now) const {
    while (true) {
        const Census census{*fleet, now};
        if (census.live() < wanted) {
            // What has never been ready must not be all that there is.
            const bool is_unproven = fleet->is_rolling() && census.fresh_ready == 0;
            if (!start(fleet, is_unproven ? fleet->stable : fleet->target, now)) break;
        } else {
            const bool may_surge =
                census.old > 0 && census.fresh < wanted && census.fresh_starting == 0 && census.live() < wanted + 1;
            if (!may_surge || !start(fleet, fleet->target, now)) break;
        }
    }
    // While the stable version cannot be started, the new one may be the cure.
    const Census census{*fleet, now};
    const bool may_try = fleet->is_rolling() && census.live() < wanted && census.fresh == 0;
    if (may_try) (void)start(fleet, fleet->target, now);
}

// Of what is replaced: that which is not needed any more.
void FleetMachine::let_go(Fleet* fleet, std::uint32_t wanted, UnixMillis now) const {
    for (Replica& replica : fleet->replicas) {
        const Census census{*fleet, now};
        if (!replica.is_live() || Census::is_fresh(*fleet, replica, now)) continue;
        if (replica.state == ReplicaState::kReady) {
            if (census.ready() > wanted) enter(&replica, ReplicaState::kDraining, now);
            continue;
        }
        const bool is_in_the_way = replica.state == ReplicaState::kUnwell && census.live() > wanted;
        if (is_in_the_way || census.ready() >= wanted) enter(&replica, ReplicaState::kStopping, now);
    }
}

// Fewer are wanted: those that are not ready, then those with the least to do, the youngest first.
void FleetMachine::let_extras_go(Fleet* fleet, std::uint32_t wanted, UnixMillis now) const {
    while (true) {
        const Census census{*fleet, now};
        if (census.fresh <= wanted) return;
        Replica* worst = nullptr;
        const auto rank = [](const Replica& replica) {
            return std::tuple{replica.state == ReplicaState::kReady, replica.active, ~replica.number};
        };
        for (Replica& replica : fleet->replicas) {
            if (!replica.is_live() || !Census::is_fresh(*fleet, replica, now)) continue;
            if (worst == nullptr || rank(replica) < rank(*worst)) worst = &replica;
        }
        CHECK(worst != nullptr);
        const bool is_ready = worst->state == ReplicaState::kReady;
        if (is_ready && census.ready() <= wanted) return;
        enter(worst, is_ready ? ReplicaState::kDraining : ReplicaState::kStopping, now);
    }
}

void FleetMachine::finish_rollout(Fleet* fleet, std::uint32_t wanted, UnixMillis now) const {
    if (!fleet->is_rolling()) return;
    const Census census{*fleet, now};
    const bool has_others = std::ranges::any_of(
        fleet->replicas, [&](const Replica& replica) { return replica.is_live() && replica.version != fleet->target; });
    if (has_others || census.fresh_ready < wanted) return;
    fleet->stable = fleet->target;
    tell(fleet, now, "rolled_out", fmt::format("version {} serves", fleet->target));
}

// --- from its owner

void FleetMachine::deploy(Fleet* fleet, FleetVersion version, UnixMillis now) const {
    version.number = fleet->next_version++;
    const bool is_first = fleet->versions.empty();
    fleet->target = version.number;
    if (is_first) fleet->stable = version.number;
    fleet->versions.push_back(std::move(version));
    tell(
        fleet, now, is_first ? "created" : "rolling",
        is_first ? "version 1" : fmt::format("version {} takes the place of version {}", fleet->target, fleet->stable));
    // A cap or a budget may be why nothing could be started.
    fleet->is_budget_out = false;
    drop_versions(fleet);
}

void FleetMachine::set_paused(Fleet* fleet, bool is_paused, UnixMillis now) const {
    if (fleet->is_paused == is_paused) return;
    fleet->is_paused = is_paused;
    for (FleetVersion& version : fleet->versions) {
        version.failures = 0;
        version.retry_at = UnixMillis{0};
    }
    tell(fleet, now, is_paused ? "paused" : "resumed", is_paused ? "by its owner" : "by its owner");
}

void FleetMachine::remove(Fleet* fleet, UnixMillis now) const {
    if (fleet->is_removed) return;
    fleet->is_removed = true;
    tell(fleet, now, "removed", "its replicas end");
}

void FleetMachine::set_terms(Fleet* fleet, const FleetTerms& terms, UnixMillis now) const {
    if (fleet->terms == terms) return;
    fleet->terms = terms;
    fleet->is_budget_out = false;
    fleet->wanted = std::clamp(fleet->wanted, terms.replicas_min, terms.replicas_max);
    tell(fleet, now, "changed",
         fmt::format("{} to {} replicas, {} dollars in all", terms.replicas_min, terms.replicas_max,
                     to_string(terms.budget)));
}

void FleetMachine::set_wanted(Fleet* fleet, std::uint32_t wanted, std::string_view reason, UnixMillis now) const {
    const std::uint32_t before = fleet->desired();
    fleet->wanted = wanted;
    if (fleet->desired() == before) return;
    tell(fleet, now, "scaled", fmt::format("from {} to {} replicas: {}", before, fleet->desired(), reason));
}

// --- of its replicas

void FleetMachine::on_ordered(Fleet* fleet, std::uint64_t number, const JobId& job_id) const {
    Replica* replica = fleet->replica(number);
    if (replica != nullptr) replica->job_id = job_id;
}

void FleetMachine::on_refused(Fleet* fleet, std::uint64_t number, std::string_view reason, UnixMillis now) const {
    const Replica* replica = fleet->replica(number);
    if (replica == nullptr || !replica->job_id.is_zero()) return;
    if (replica->is_live()) fail(fleet, *replica, reason, now);
    std::erase_if(fleet->replicas, [number](const Replica& one) { return one.number == number; });
}

void FleetMachine::fail(Fleet* fleet, const Replica& replica, std::string_view reason, UnixMillis now) const {
    tell(fleet, now, "replica_failed",
         fmt::format("replica {} of version {}: {}", replica.number, replica.version, reason));
    FleetVersion* version = fleet->version(replica.version);
    CHECK(version != nullptr);
    const bool is_proven = replica.ready_at.count() != 0 && has_passed(replica.ready_at, tuning_.proven_after, now);
    if (is_proven) return;
    version->problem = std::string{reason.substr(0, 256)};
    const std::uint32_t doublings = std::min<std::uint32_t>(version->failures, 16);
    ++version->failures;
    const std::chrono::seconds wait = std::min(tuning_.retry_first * (1U << doublings), tuning_.retry_most);
    version->retry_at = now + std::chrono::duration_cast<UnixMillis>(wait);
}

void FleetMachine::on_report(Fleet* fleet, std::uint64_t number, const ReplicaReport& report, UnixMillis now) const {
    Replica* replica = fleet->replica(number);
    if (replica == nullptr) return;
    // A job is never charged more than its budget; whoever says so is not believed.
    replica->charged = std::min(report.charged, replica->reserved);
    if (!report.node.is_zero()) replica->node = report.node;
    if (replica->started_at.count() == 0) replica->started_at = report.started_at;
    if (!report.has_ended) return;
    const bool is_term_over =
        replica->started_at.count() != 0 &&
        has_passed(replica->started_at, std::chrono::seconds{replica->seconds - std::min(replica->seconds, 5U)}, now);
    if (replica->is_live() && !is_term_over) fail(fleet, *replica, report.reason, now);
    fleet->spent.micro += replica->charged.micro;
    tell(fleet, now, "replica_ended", fmt::format("replica {} cost {} dollars", number, to_string(replica->charged)));
    std::erase_if(fleet->replicas, [number](const Replica& one) { return one.number == number; });
}

void FleetMachine::on_probe(Fleet* fleet, std::uint64_t number, bool is_good, UnixMillis now) const {
    Replica* replica = fleet->replica(number);
    if (replica == nullptr || !replica->is_live()) return;
    if (!is_good) {
        ++replica->misses;
        const bool is_lost = replica->state == ReplicaState::kReady && replica->misses >= tuning_.misses_max;
        if (is_lost) on_broken(fleet, number, now);
        return;
    }
    replica->misses = 0;
    if (replica->state == ReplicaState::kReady) {
        FleetVersion* version = fleet->version(replica->version);
        const bool is_proven = has_passed(replica->ready_at, tuning_.proven_after, now);
        if (is_proven && version != nullptr) version->failures = 0;
        return;
    }
    enter(replica, ReplicaState::kReady, now);
    if (replica->ready_at.count() != 0) return;
    replica->ready_at = now;
    tell(fleet, now, "replica_ready", fmt::format("replica {} of version {}", number, replica->version));
}

void FleetMachine::on_broken(Fleet* fleet, std::uint64_t number, UnixMillis now) const {
    Replica* replica = fleet->replica(number);
    if (replica == nullptr || replica->state != ReplicaState::kReady) return;
    enter(replica, ReplicaState::kUnwell, now);
    tell(fleet, now, "replica_unwell", fmt::format("replica {} does not answer", number));
}

}  // namespace vcity::gateway
