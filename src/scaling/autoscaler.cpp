// SPDX-License-Identifier: Apache-2.0
#include "scaling/autoscaler.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <tuple>

#include "base/check.hpp"

namespace vcity::scaling {
namespace {

struct Loads {
    std::map<std::uint32_t, std::uint32_t> by_region;
    std::map<std::uint64_t, std::uint32_t> by_owner;

    explicit Loads(std::span<const Site> sites) {
        for (const Site& site : sites) {
            by_region[site.region] += site.running;
            by_owner[site.owner] += site.running;
        }
    }
    auto rank(const Site& site) {
        return std::tuple{by_region[site.region] + by_owner[site.owner], site.price, site.key};
    }
};

// One site for each replica: the least or the greatest rank among those with room, again and again.
std::vector<std::size_t> pick(std::span<const Site> sites, std::uint32_t count, bool adds) {
    Loads loads{sites};
    std::vector<std::uint32_t> room;
    for (const Site& site : sites) room.push_back(adds ? site.free : site.running);
    std::vector<std::size_t> picked;
    while (picked.size() < count) {
        std::optional<std::size_t> best;
        for (std::size_t i = 0; i < sites.size(); ++i) {
            if (room[i] == 0) continue;
            if (!best) {
                best = i;
                continue;
            }
            const bool is_less = loads.rank(sites[i]) < loads.rank(sites[*best]);
            if (is_less == adds) best = i;
        }
        if (!best) break;
        picked.push_back(*best);
        --room[*best];
        const std::uint32_t change = adds ? 1U : ~0U;
        loads.by_region[sites[*best].region] += change;
        loads.by_owner[sites[*best].owner] += change;
    }
    return picked;
}

}  // namespace

Autoscaler::Autoscaler(const ScalingPolicy& policy, const ForecasterOptions& options)
    : policy_{policy}, forecaster_{options}, replicas_{policy.replicas_min} {
    CHECK(policy.replicas_min <= policy.replicas_max && policy.per_replica > 0);
}

std::uint32_t Autoscaler::replicas_for(double demand) const {
    const double least = policy_.replicas_min;
    const double most = policy_.replicas_max;
    return static_cast<std::uint32_t>(std::clamp(std::ceil(demand / policy_.per_replica), least, most));
}

ScalingDecision Autoscaler::step(double demand, std::uint64_t waiting) {
    forecaster_.observe(demand);
    const Forecast next = forecaster_.forecast();
    const bool is_idle = demand <= 0 && waiting == 0;
    idle_ = is_idle ? idle_ + 1 : 0;

    if (is_idle && policy_.replicas_min == 0) {
        const bool comes_back = next.demand > policy_.prewarm_share * policy_.per_replica;
        // As if somebody had asked: one step in which the forecast wavers must not end what was warmed up for the next.
        if (comes_back) idle_ = 0;
        if (replicas_ == 0 && comes_back) {
            replicas_ = std::min(replicas_for(next.demand), policy_.replicas_max);
            return {replicas_, "demand is expected to come back"};
        }
        if (replicas_ == 0) return {0, "no demand"};
        if (idle_ >= policy_.idle_steps && !comes_back) {
            replicas_ = 0;
            wanted_.clear();
            return {0, "no demand for " + std::to_string(idle_) + " steps and none expected"};
        }
    }

    std::uint32_t wanted = replicas_for(next.demand + policy_.safety * next.error);
    // Whoever waits is served, whatever the forecast says; a deployment that is in use has a replica.
    if (waiting > 0) wanted = std::max(wanted, std::min(replicas_ + 1, policy_.replicas_max));
    if (replicas_ > 0 || !is_idle) wanted = std::max(wanted, std::min(1U, policy_.replicas_max));
    wanted_.push_back(wanted);
    if (wanted_.size() > policy_.shrink_steps) wanted_.erase(wanted_.begin());

    const std::uint32_t before = replicas_;
    // Up at once, down to the most that was wanted lately.
    replicas_ = std::max(wanted, std::min(before, *std::ranges::max_element(wanted_)));
    if (replicas_ > before) return {replicas_, waiting > 0 ? "requests wait" : "more demand is expected"};
    if (replicas_ < before) return {replicas_, "less demand is expected"};
    return {replicas_, "enough for the demand that is expected"};
}

std::vector<std::size_t> spread(std::span<const Site> sites, std::uint32_t count) {
    return pick(sites, count, true);
}

std::vector<std::size_t> thin_out(std::span<const Site> sites, std::uint32_t count) {
    return pick(sites, count, false);
}

}  // namespace vcity::scaling
