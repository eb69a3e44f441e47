// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <numeric>
#include <utility>

#include "base/check.hpp"
#include "services/scheduler/work/unit_directory.hpp"
#include "work/pricing.hpp"

namespace vcity::scheduler {
namespace {

// How many times `each` goes into `left`; any number of times when nothing is asked for.
std::uint32_t times_in(std::uint32_t left, std::uint32_t each) {
    return each == 0 ? UINT32_MAX : left / each;
}

std::uint32_t slots_of(const placement::UnitRecord& unit, const placement::UnitDemand& demand) {
    std::uint32_t slots =
        std::min({times_in(unit.cpu_left_milli, demand.cpu_milli), times_in(unit.memory_left_mib, demand.memory_mib),
                  times_in(unit.disk_left_mib, demand.disk_mib)});
    if (demand.gpus == 0) return slots;
    std::uint32_t shares = 0;
    for (const std::uint16_t left : unit.left_milli) shares += times_in(left, demand.gpu_milli);
    return std::min(slots, shares / demand.gpus);
}

// The GPUs with the least left that will do, so that wholly free ones stay so; nullopt: too few.
std::optional<std::uint8_t> tightest_gpus(const placement::UnitRecord& unit, const UnitAsk& ask) {
    std::array<std::size_t, placement::kGpusMax> order{};
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::ranges::sort(order, {}, [&](std::size_t gpu) { return std::pair{unit.left_milli[gpu], gpu}; });
    std::uint32_t wanted = ask.gpus;
    std::uint8_t mask = 0;
    for (const std::size_t gpu : order) {
        if (wanted == 0 || gpu >= unit.gpus || unit.left_milli[gpu] < ask.gpu_milli) continue;
        mask = static_cast<std::uint8_t>(mask | 1U << gpu);
        --wanted;
    }
    return wanted == 0 ? std::optional{mask} : std::nullopt;
}

}  // namespace

Result<std::vector<SpotPlace>> UnitDirectory::spot_places(const UnitQuery& query) const {
    const work::UnitNeeds needs = work::needs_of(*query.spec, *query.group);
    std::uint8_t kinds = placement::kAnyKind;
    if (!needs.is_any_kind && !needs.kinds.then)
        kinds = placement::kind_bit(needs.kinds.first == NodeKind::kStable ? placement::UnitKind::kStable
                                                                           : placement::UnitKind::kFlexible);
    TRY(placement::UnitDemand demand, to_demand(query, kinds));
    demand.price_micro_max = placement::kNoPriceCap;
    std::vector<SpotPlace> places;
    for (const auto& [id, unit] : units_) {
        if (unit.is_gone || !unit.offer.spot_hourly) continue;
        const placement::UnitRecord& record = index_->record(unit.handle);
        const placement::UnitFilter failed = placement::first_failed(record, unit.handle, demand, index_->catalogue());
        // The last four filters ask for what is free.
        if (failed < placement::UnitFilter::kGpus) continue;
        TRY(const Usd floor, work::hourly_of(query.group->ask, *unit.offer.spot_hourly));
        TRY(const Usd on_demand, work::hourly_of(query.group->ask, unit.offer.hourly));
        const std::uint32_t slots = failed == placement::UnitFilter::kPassed ? slots_of(record, demand) : 0;
        places.push_back({.id = id, .slots = slots, .floor = floor, .on_demand = on_demand});
    }
    return places;
}

std::optional<UnitSeat> UnitDirectory::take_on(const placement::UnitId& id, const UnitAsk& ask, std::uint64_t token) {
    const auto found = units_.find(id);
    if (found == units_.end() || found->second.is_gone || !found->second.offer.spot_hourly) return std::nullopt;
    Unit& unit = found->second;
    const std::optional<std::uint8_t> mask = tightest_gpus(index_->record(unit.handle), ask);
    if (!mask) return std::nullopt;
    placement::Grant grant;
    grant.unit = unit.handle;
    grant.gpu_mask = *mask;
    grant.gpu_milli = ask.gpus == 0 ? std::uint16_t{0} : static_cast<std::uint16_t>(ask.gpu_milli);
    grant.cpu_milli = ask.cpu_milli;
    grant.memory_mib = ask.memory_mib;
    grant.disk_mib = ask.disk_mib;
    if (!index_->take(grant)) return std::nullopt;
    held_.emplace(token, Held{id, grant, true});
    ++unit.leases;
    return UnitSeat{.node = id.node,
                    .unit = id.unit,
                    .gpu_mask = grant.gpu_mask,
                    .offered = *unit.offer.spot_hourly,
                    .region = names_.regions[unit.region],
                    .reputation_bp = unit.terms.reputation_bp,
                    .terms = {}};
}

Result<bool> UnitDirectory::frees(std::uint64_t token, const UnitQuery& query) {
    const auto held = held_.find(token);
    if (held == held_.end() || !held->second.is_taken) return false;
    const Result<void> released = index_->release(held->second.grant);
    CHECK(released.has_value());
    const Result<std::optional<UnitSeat>> seat = look(query);
    const Result<void> taken = index_->take(held->second.grant);
    CHECK(taken.has_value());
    TRY(const std::optional<UnitSeat> found, seat);
    return found.has_value();
}

}  // namespace vcity::scheduler
