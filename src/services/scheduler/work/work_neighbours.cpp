// SPDX-License-Identifier: Apache-2.0
// Which steps may share a node, and which should not share an owner or a region.
#include <algorithm>

#include "services/scheduler/work/work_desk.hpp"

namespace vcity::scheduler {
namespace {

constexpr std::size_t kRegionLevelsMax = 8;  // each is one more look at the units

// The chain knows nodes, not people: whoever publishes one DID document for several nodes owns them all.
bool is_same_owner(const KnownNode& one, const KnownNode& other) {
    return !one.record.did_document_uri.empty() && one.record.did_document_uri == other.record.did_document_uri;
}

}  // namespace

std::vector<Address> WorkDesk::avoided(const work::Job& job, std::uint32_t step) const {
    std::vector<Address> nodes = job.avoid(step, context_->runtime()->unix_now());
    const Address& client = job.order().client;
    const auto client_of = [this](const JobId& attempt) {
        return jobs_.at(attempts_.at(attempt).job)->job.order().client;
    };
    if (job.spec().is_exclusive) {
        for (const auto& [node, attempts] : by_node_) {
            const bool has_others =
                std::ranges::any_of(attempts, [&](const JobId& attempt) { return client_of(attempt) != client; });
            if (has_others) nodes.push_back(node);
        }
    }
    for (const JobId& attempt : exclusive_) {
        if (client_of(attempt) != client) nodes.push_back(attempts_.at(attempt).terms.node);
    }
    return nodes;
}

std::vector<Address> WorkDesk::spread_over(const work::Job& job) const {
    std::vector<Address> taken;
    const std::string& label = job.spec().spread;
    for (const auto& [id, running] : attempts_) {
        const work::Job& other = jobs_.at(running.job)->job;
        const bool is_mate = other.spec().spread == label && other.order().client == job.order().client;
        if (is_mate) taken.push_back(running.terms.node);
    }
    std::vector<Address> nodes = taken;
    for (const auto& [node, known] : parts_.directory->nodes()) {
        const bool is_owned = std::ranges::any_of(taken, [&](const Address& mate) {
            const KnownNode* of_mate = parts_.directory->find(mate);
            return of_mate != nullptr && is_same_owner(known, *of_mate);
        });
        if (is_owned) nodes.push_back(node);
    }
    return nodes;
}

std::vector<std::vector<std::string>> WorkDesk::regions_by_mates(const work::Job& job) const {
    const WorkSpec& spec = job.spec();
    std::map<std::string, std::size_t> mates;
    for (const std::string& region : spec.regions.empty() ? units_.regions() : spec.regions) mates[region] = 0;
    for (const auto& [id, running] : attempts_) {
        const work::Job& other = jobs_.at(running.job)->job;
        if (other.spec().spread != spec.spread || other.order().client != job.order().client) continue;
        const auto found = mates.find(units_.region_of({running.terms.node, running.terms.unit}));
        if (found != mates.end()) ++found->second;
    }
    std::map<std::size_t, std::vector<std::string>> by_count;
    for (const auto& [region, count] : mates) by_count[count].push_back(region);
    std::vector<std::vector<std::string>> levels;
    std::vector<std::string> so_far;
    for (const auto& [count, regions] : by_count) {
        so_far.insert(so_far.end(), regions.begin(), regions.end());
        if (levels.size() == kRegionLevelsMax) levels.pop_back();
        levels.push_back(so_far);
    }
    return levels;
}

Result<std::optional<UnitSeat>> WorkDesk::place_spread(const work::Job& job,
                                                       const UnitQuery& query,
                                                       std::uint64_t token) {
    if (job.spec().spread.empty()) return units_.place(query, token);
    std::vector<Address> apart{query.avoid.begin(), query.avoid.end()};
    std::ranges::move(spread_over(job), std::back_inserter(apart));
    const std::vector<std::vector<std::string>> levels = regions_by_mates(job);
    for (const bool is_apart : {true, false}) {
        for (const std::vector<std::string>& regions : levels) {
            UnitQuery narrow = query;
            narrow.regions = regions;
            if (is_apart) narrow.avoid = apart;
            // A region that nobody is in is no reason to give up.
            const Result<std::optional<UnitSeat>> seat = units_.place(narrow, token);
            if (seat && *seat) return seat;
        }
    }
    return units_.place(query, token);
}

}  // namespace vcity::scheduler
