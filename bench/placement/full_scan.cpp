// SPDX-License-Identifier: Apache-2.0
#include "full_scan.hpp"

#include <algorithm>
#include <functional>
#include <tuple>

#include "base/check.hpp"

namespace vcity::bench {
namespace {

using placement::GpuState;
using placement::UnitDemand;

}  // namespace

FullScan::FullScan(placement::Catalogue catalogue, const placement::PackingPolicy* policy)
    : catalogue_{std::move(catalogue)}, policy_{policy} {}

void FullScan::join(const placement::ExecutionUnit& unit, placement::UnitHandle handle) {
    CHECK(handle.slot == units_.size());
    units_.push_back({unit, handle, {}, 0});
}

void FullScan::take_only(const std::vector<placement::Grant>& grants) {
    for (Unit& unit : units_) {
        const placement::UnitCapacity& capacity = unit.unit.capacity;
        unit.left = GpuState{};
        unit.left.model = capacity.model;
        unit.left.gpus = capacity.gpus;
        std::fill_n(unit.left.left_milli.begin(), capacity.gpus, placement::kWholeGpuMilli);
        unit.left.cpu_left_milli = capacity.cpu_milli;
        unit.left.memory_left_mib = capacity.memory_mib;
        unit.disk_left_mib = capacity.disk_mib;
    }
    for (const placement::Grant& grant : grants) take(grant);
}

void FullScan::take(const placement::Grant& grant) {
    Unit& unit = units_[grant.unit.slot];
    for (std::size_t gpu = 0; gpu < unit.left.gpus; ++gpu) {
        if ((grant.gpu_mask >> gpu & 1U) == 0) continue;
        CHECK(unit.left.left_milli[gpu] >= grant.gpu_milli);
        unit.left.left_milli[gpu] = static_cast<std::uint16_t>(unit.left.left_milli[gpu] - grant.gpu_milli);
    }
    CHECK(unit.left.cpu_left_milli >= grant.cpu_milli && unit.left.memory_left_mib >= grant.memory_mib);
    CHECK(unit.disk_left_mib >= grant.disk_mib);
    unit.left.cpu_left_milli -= grant.cpu_milli;
    unit.left.memory_left_mib -= grant.memory_mib;
    unit.disk_left_mib -= grant.disk_mib;
}

bool FullScan::fits(const Unit& unit, const UnitDemand& demand) const {
    const auto& [id, capacity, terms] = unit.unit;
    if (!terms.is_open || (demand.models >> capacity.model & 1U) == 0) return false;
    if ((demand.models_denied >> capacity.model & 1U) != 0 || (demand.regions >> capacity.region & 1U) == 0)
        return false;
    if (catalogue_.models()[capacity.model].vram_mib < demand.vram_mib) return false;
    if (terms.price_micro > demand.price_micro_max || terms.reputation_bp < demand.reputation_bp_min) return false;
    if (terms.level < demand.level_min || terms.stake_vcai < demand.stake_vcai_min) return false;
    if ((demand.kinds & kind_bit(terms.kind)) == 0 || terms.interconnect < demand.interconnect_min) return false;
    if (capacity.gpus < demand.unit_gpus_min || unit.left.cpu_left_milli < demand.cpu_milli) return false;
    if (unit.left.memory_left_mib < demand.memory_mib || unit.disk_left_mib < demand.disk_mib) return false;
    const auto& left = unit.left.left_milli;
    return std::ranges::count_if(left.begin(), left.begin() + unit.left.gpus,
                                 [&](std::uint16_t one) { return one >= demand.gpu_milli; }) >= demand.gpus;
}

std::uint64_t FullScan::penalty(const Unit& unit, const placement::GpuRequest& request) const {
    GpuState sorted = unit.left;
    std::ranges::sort(sorted.left_milli, std::greater{});
    return policy_->choose(policy_->rounded(sorted), request).penalty;
}

FullScan::Best FullScan::best(const UnitDemand& demand) const {
    const std::uint64_t models = demand.models & ~demand.models_denied;
    const placement::GpuRequest request = policy_->rounded(
        placement::GpuRequest{models, demand.gpus, demand.gpu_milli, demand.cpu_milli, demand.memory_mib});
    const auto latencies = catalogue_.latencies_us_from(demand.customer_region);
    const placement::Weights& weights = demand.weights;
    const Unit* chosen = nullptr;
    Best best;
    for (const Unit& unit : units_) {
        if (!fits(unit, demand)) continue;
        const auto& terms = unit.unit.terms;
        std::uint64_t score = std::uint64_t{weights.latency} * latencies[unit.unit.capacity.region] +
                              std::uint64_t{weights.price} * terms.price_micro +
                              std::uint64_t{weights.quality} * (10'000U - terms.reputation_bp);
        if (score > best.score) continue;
        if (weights.packing != 0) score += weights.packing * penalty(unit, request);
        if (chosen != nullptr && std::tie(best.score, chosen->unit.terms.priority, chosen->unit.id) <
                                     std::tie(score, terms.priority, unit.unit.id)) {
            continue;
        }
        chosen = &unit;
        best = {unit.handle, score, true};
    }
    return best;
}

}  // namespace vcity::bench
