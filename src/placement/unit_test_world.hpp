// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <optional>
#include <random>
#include <tuple>
#include <vector>

#include <gtest/gtest.h>

#include "placement/unit_index.hpp"

namespace vcity::placement {

// Penalties without any pattern, so that no bound is right by luck; shares go to the GPU that the hash names.
class ArbitraryPolicy : public PackingPolicy {
  public:
    explicit ArbitraryPolicy(std::uint16_t milli_grain = 1, std::uint32_t cpu_grain = 1)
        : milli_grain_{milli_grain}, cpu_grain_{cpu_grain} {}

    GpuState rounded(const GpuState& exact) const override {
        GpuState state = exact;
        for (std::uint16_t& left : state.left_milli) left = static_cast<std::uint16_t>(left - left % milli_grain_);
        state.cpu_left_milli -= state.cpu_left_milli % cpu_grain_;
        state.memory_left_mib = 0;
        return state;
    }
    GpuRequest rounded(const GpuRequest& exact) const override {
        GpuRequest request = exact;
        request.models = 0;
        request.memory_mib = 0;
        return request;
    }
    GpuChoice choose(const GpuState& before, const GpuRequest& request) const override {
        std::uint64_t hash = before.model * 31ULL + before.gpus;
        for (const std::uint16_t left : before.left_milli) hash = (hash ^ left) * 0x9e3779b97f4a7c15ULL;
        hash = (hash ^ before.cpu_left_milli ^ (std::uint64_t{request.gpu_milli} << 20)) * 0x9e3779b97f4a7c15ULL;
        hash = (hash ^ (hash >> 31) ^ request.gpus ^ request.cpu_milli) * 0x9e3779b97f4a7c15ULL;
        return {static_cast<std::uint16_t>(hash % 1000), static_cast<std::uint8_t>((hash >> 40) % 9)};
    }

  private:
    std::uint16_t milli_grain_;
    std::uint32_t cpu_grain_;
};

inline std::uint64_t draw(std::mt19937_64* random, std::uint64_t below) {
    return (*random)() % below;
}

inline Catalogue a_catalogue(std::size_t models, std::size_t regions, std::mt19937_64* random) {
    std::vector<GpuModel> all;
    for (std::size_t model = 0; model < models; ++model) {
        all.push_back({"gpu" + std::to_string(model), static_cast<std::uint32_t>(8192 * (1 + model % 4))});
    }
    std::vector<std::string> names;
    for (std::size_t region = 0; region < regions; ++region) names.push_back("region" + std::to_string(region));
    std::vector<std::uint32_t> latencies;
    for (std::size_t pair = 0; pair < regions * regions; ++pair) {
        latencies.push_back(static_cast<std::uint32_t>(draw(random, 200'000)));
    }
    return *Catalogue::make(std::move(all), std::move(names), std::move(latencies));
}

inline UnitTerms random_terms(std::mt19937_64* random) {
    UnitTerms terms;
    terms.price_micro = static_cast<std::uint32_t>(100'000 + draw(random, 20) * 50'000);
    terms.reputation_bp = static_cast<std::uint16_t>(kReputationMax - draw(random, 50) * 100);
    terms.level = static_cast<std::uint8_t>(draw(random, 4));
    terms.kind = draw(random, 2) == 0 ? UnitKind::kStable : UnitKind::kFlexible;
    terms.interconnect = static_cast<Interconnect>(draw(random, 4));
    terms.stake_vcai = static_cast<std::uint32_t>(draw(random, 5) * 1000);
    terms.priority = static_cast<std::uint32_t>(draw(random, 3));
    terms.is_open = draw(random, 20) != 0;
    return terms;
}

inline ExecutionUnit random_unit(const Catalogue& catalogue, std::uint32_t number, std::mt19937_64* random) {
    ExecutionUnit unit;
    for (std::uint8_t& byte : unit.id.node.bytes) byte = static_cast<std::uint8_t>((*random)());
    unit.id.unit = number;
    unit.capacity.model = static_cast<std::uint8_t>(draw(random, catalogue.models().size()));
    unit.capacity.region = static_cast<std::uint8_t>(draw(random, catalogue.regions().size()));
    constexpr std::array<std::uint8_t, 8> kSizes = {0, 1, 1, 1, 2, 4, 7, 8};
    unit.capacity.gpus = kSizes[draw(random, kSizes.size())];
    unit.capacity.cpu_milli = static_cast<std::uint32_t>(4000 + 4000 * unit.capacity.gpus * draw(random, 4));
    unit.capacity.memory_mib = static_cast<std::uint32_t>(16384 * (1 + unit.capacity.gpus * draw(random, 3)));
    unit.capacity.disk_mib = static_cast<std::uint32_t>(1024 * (1 + draw(random, 100)));
    unit.terms = random_terms(random);
    return unit;
}

inline Weights random_weights(std::mt19937_64* random) {
    Weights weights;
    if (draw(random, 3) != 0) weights.latency = static_cast<std::uint32_t>(draw(random, 20));
    if (draw(random, 3) != 0) weights.price = static_cast<std::uint32_t>(draw(random, 20));
    if (draw(random, 3) != 0) weights.quality = static_cast<std::uint32_t>(draw(random, 4000));
    if (draw(random, 3) != 0) weights.packing = static_cast<std::uint32_t>(draw(random, 4000));
    if (draw(random, 50) == 0) weights = {kWeightMax, kWeightMax, kWeightMax, kWeightMax};
    return weights;
}

inline UnitDemand random_demand(const Catalogue& catalogue, std::mt19937_64* random) {
    UnitDemand demand;
    const auto sometimes = [&](std::uint64_t in) { return draw(random, in) == 0; };
    demand.customer_region = static_cast<std::uint8_t>(draw(random, catalogue.regions().size()));
    if (sometimes(2)) demand.models = (*random)() | 1U;
    if (sometimes(4)) demand.models_denied = (*random)() & (*random)() & ~1ULL;
    if (sometimes(4)) demand.regions = (*random)() | 1U;
    if (sometimes(8)) demand.vram_mib = 8192;
    constexpr std::array<std::uint8_t, 10> kSizes = {0, 1, 1, 1, 1, 1, 1, 2, 4, 8};
    demand.gpus = kSizes[draw(random, kSizes.size())];
    if (demand.gpus > 0) demand.gpu_milli = kWholeGpuMilli;
    if (demand.gpus == 1 && sometimes(2)) demand.gpu_milli = static_cast<std::uint16_t>(1 + draw(random, 1000));
    if (demand.gpus == 1 && sometimes(4)) demand.gpu_milli = static_cast<std::uint16_t>(100 * (1 + draw(random, 10)));
    demand.cpu_milli = static_cast<std::uint32_t>(500 * (1 + draw(random, 16)));
    if (!sometimes(3)) demand.memory_mib = static_cast<std::uint32_t>(1024 * draw(random, 24));
    if (!sometimes(3)) demand.disk_mib = static_cast<std::uint32_t>(1024 * draw(random, 24));
    if (sometimes(3)) demand.price_micro_max = static_cast<std::uint32_t>(100'000 + draw(random, 20) * 50'000);
    if (sometimes(3)) demand.reputation_bp_min = static_cast<std::uint16_t>(kReputationMax - draw(random, 50) * 100);
    if (sometimes(3)) demand.level_min = static_cast<std::uint8_t>(draw(random, 4));
    if (sometimes(4)) demand.stake_vcai_min = static_cast<std::uint32_t>(draw(random, 5) * 1000);
    if (sometimes(4)) demand.kinds = kind_bit(sometimes(2) ? UnitKind::kStable : UnitKind::kFlexible);
    if (sometimes(4)) demand.interconnect_min = static_cast<Interconnect>(draw(random, 4));
    if (sometimes(10)) demand.unit_gpus_min = static_cast<std::uint8_t>(draw(random, 9));
    demand.weights = random_weights(random);
    return demand;
}

// The same units kept as plainly as possible, and the rules again in the plainest words.
class PlainWorld {
  public:
    struct Unit {
        ExecutionUnit unit;
        UnitHandle handle;
        std::array<std::uint32_t, kGpusMax> left{};
        std::uint32_t cpu = 0;
        std::uint32_t memory = 0;
        std::uint32_t disk = 0;
    };
    struct Best {
        const Unit* unit = nullptr;
        std::uint64_t score = 0;
    };

    PlainWorld(const Catalogue* catalogue, const PackingPolicy* policy) : catalogue_{catalogue}, policy_{policy} {}

    std::vector<Unit>& units() { return units_; }

    void join(const ExecutionUnit& unit, UnitHandle handle) {
        Unit plain{unit, handle, {}, unit.capacity.cpu_milli, unit.capacity.memory_mib, unit.capacity.disk_mib};
        for (std::size_t gpu = 0; gpu < unit.capacity.gpus; ++gpu) plain.left[gpu] = 1000;
        units_.push_back(plain);
    }
    Unit* find(UnitHandle handle) {
        const auto found = std::ranges::find(units_, handle, &Unit::handle);
        return found == units_.end() ? nullptr : &*found;
    }
    void apply(const Grant& grant, int sign) {
        Unit* unit = find(grant.unit);
        ASSERT_NE(unit, nullptr);
        const auto change = [&](std::uint32_t* left, std::uint32_t amount, std::uint32_t most) {
            *left = sign < 0 ? *left - amount : *left + amount;
            EXPECT_LE(*left, most) << "more than there is, or less than nothing";
        };
        for (std::size_t gpu = 0; gpu < kGpusMax; ++gpu) {
            if ((grant.gpu_mask >> gpu & 1U) != 0) change(&unit->left[gpu], grant.gpu_milli, 1000);
        }
        change(&unit->cpu, grant.cpu_milli, unit->unit.capacity.cpu_milli);
        change(&unit->memory, grant.memory_mib, unit->unit.capacity.memory_mib);
        change(&unit->disk, grant.disk_mib, unit->unit.capacity.disk_mib);
    }

    bool fits(const Unit& unit, const UnitDemand& demand) const {
        const UnitCapacity& capacity = unit.unit.capacity;
        const UnitTerms& terms = unit.unit.terms;
        for (std::size_t index = 0; index < demand.excluded_count; ++index) {
            if (demand.excluded[index] == unit.handle) return false;
        }
        const auto free_gpus = std::ranges::count_if(unit.left.begin(), unit.left.begin() + capacity.gpus,
                                                     [&](auto left) { return left >= demand.gpu_milli; });
        return terms.is_open && (demand.models & (1ULL << capacity.model)) != 0 &&
               (demand.models_denied & (1ULL << capacity.model)) == 0 &&
               (demand.regions & (1ULL << capacity.region)) != 0 &&
               catalogue_->models()[capacity.model].vram_mib >= demand.vram_mib && free_gpus >= demand.gpus &&
               capacity.gpus >= demand.unit_gpus_min && unit.cpu >= demand.cpu_milli &&
               unit.memory >= demand.memory_mib && unit.disk >= demand.disk_mib &&
               terms.price_micro <= demand.price_micro_max && terms.reputation_bp >= demand.reputation_bp_min &&
               terms.level >= demand.level_min && terms.stake_vcai >= demand.stake_vcai_min &&
               (demand.kinds & kind_bit(terms.kind)) != 0 && terms.interconnect >= demand.interconnect_min;
    }

    std::uint64_t score(const Unit& unit, const UnitDemand& demand) const {
        GpuState state;
        state.model = unit.unit.capacity.model;
        state.gpus = unit.unit.capacity.gpus;
        std::ranges::copy(unit.left, state.left_milli.begin());
        std::ranges::sort(state.left_milli, std::greater{});
        state.cpu_left_milli = unit.cpu;
        state.memory_left_mib = unit.memory;
        const GpuRequest request{demand.models & ~demand.models_denied, demand.gpus, demand.gpu_milli, demand.cpu_milli,
                                 demand.memory_mib};
        const std::uint64_t penalty = policy_->choose(policy_->rounded(state), policy_->rounded(request)).penalty;
        const std::size_t regions = catalogue_->regions().size();
        const Weights& weights = demand.weights;
        return std::uint64_t{weights.latency} *
                   catalogue_->latencies_us()[demand.customer_region * regions + unit.unit.capacity.region] +
               std::uint64_t{weights.price} * unit.unit.terms.price_micro +
               std::uint64_t{weights.quality} * (10'000ULL - unit.unit.terms.reputation_bp) + weights.packing * penalty;
    }

    Best best(const UnitDemand& demand) const {
        Best best;
        for (const Unit& unit : units_) {
            if (!fits(unit, demand)) continue;
            const std::uint64_t score_here = score(unit, demand);
            const auto key = [](std::uint64_t points, const Unit& one) {
                return std::tuple{points, one.unit.terms.priority, one.unit.id};
            };
            if (best.unit != nullptr && key(best.score, *best.unit) <= key(score_here, unit)) continue;
            best = {&unit, score_here};
        }
        return best;
    }

  private:
    const Catalogue* catalogue_;
    const PackingPolicy* policy_;
    std::vector<Unit> units_;
};

}  // namespace vcity::placement
