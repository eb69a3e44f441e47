// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <bit>

#include "base/check.hpp"
#include "placement/unit_index.hpp"

namespace vcity::placement {
namespace {

// Bounds are floats. Every term is non-negative and a bound is a handful of roundings away from the truth, each at most
// one part in 2^24; this slack is far more than they add up to, and the exact integers decide in the end.
constexpr float kSlack = 1.0F + 1.0F / static_cast<float>(1U << 18U);
constexpr std::size_t kPrefetched = 8;  // groups fetched side by side
constexpr float kNoThreshold = 1e17F;   // above every score, below every bound of an empty cell
static_assert(static_cast<double>(kWeightMax) * 2.0 * static_cast<double>(UINT32_MAX) +
                  static_cast<double>(kWeightMax) * (kReputationMax + kPenaltyMax) <
              1e16);

}  // namespace

struct UnitIndex::Search {
    // The groups of one allowed model: a bound each, by region.
    struct Front {
        std::size_t model;
        float* bounds;
        float penalties;        // the least, times their weight
        std::uint64_t regions;  // not looked into yet
        float least;            // of their bounds
    };

    UnitIndex* index;
    const UnitDemand& demand;
    std::span<const std::uint32_t> latencies;
    const float* latency_lanes;
    float latency_weight;
    float packing_weight;
    ClassMask classes;
    GroupTable::Mix mix;
    std::size_t level;
    BlockFilter filter;
    GpuRequest rounded;
    int request_class = StateTable::kNoClass;
    std::array<Front, kModelsMax> fronts;
    std::size_t front_count = 0;
    alignas(64) std::array<float, kLanesMax> near_bounds;
    std::array<std::uint16_t, kLanesMax> near_groups;  // number of the front, region
    std::size_t near_count = 0;

    std::uint64_t best_score = UINT64_MAX;
    std::uint32_t best_slot = UINT32_MAX;
    std::uint16_t best_penalty = 0;

    Search(UnitIndex* owner, const UnitDemand& asked)
        : index{owner},
          demand{asked},
          latencies{owner->catalogue_.latencies_us_from(asked.customer_region)},
          latency_lanes{
              owner->latencies_[asked.customer_region * (owner->groups_.region_lanes() / kLaneStep)].values.data()},
          latency_weight{static_cast<float>(asked.weights.latency)},
          packing_weight{static_cast<float>(asked.weights.packing)},
          classes{classes_for(asked)},
          mix{owner->groups_.mix_of(asked.weights.price, asked.weights.quality)} {
        filter.need = features_for(demand);
        level = GroupTable::level_of(filter.need);
        filter.threshold = kNoThreshold;
        filter.price_weight = static_cast<float>(demand.weights.price);
        filter.quality_weight = static_cast<float>(demand.weights.quality);
        filter.first = mix.first;
        filter.first_weight = mix.first_weight;
        filter.second_weight = mix.second_weight;
        filter.price_max = static_cast<float>(demand.price_micro_max) * kSlack;
        filter.flaws_max = static_cast<std::uint16_t>(kReputationMax - demand.reputation_bp_min);
        const unsigned kinds = demand.kinds & kAnyKind;
        filter.kind_mask = kinds == kAnyKind ? std::uint16_t{0} : Block::kKindBit;
        filter.kind_value = kinds == kind_bit(UnitKind::kFlexible) ? Block::kKindBit : std::uint16_t{0};
        if (demand.weights.packing == 0) return;
        rounded = owner->policy_->rounded(gpu_request(demand));
        request_class = owner->states_.class_of(rounded);
    }

    // Best first over the groups of all allowed models until some unit will do, then all whose bounds do not pass its
    // score: they are few, known at once, and fetched side by side.
    void run() {
        std::uint64_t models =
            demand.models & ~demand.models_denied & index->catalogue_.models_with_vram(demand.vram_mib);
        for (; models != 0; models &= models - 1) open(static_cast<std::size_t>(std::countr_zero(models)));
        while (best_slot == UINT32_MAX) {
            Front* lowest = fronts.data();
            for (Front& front : std::span{fronts}.first(front_count)) {
                if (front.least < lowest->least) lowest = &front;
            }
            if (front_count == 0 || lowest->least > filter.threshold) return;
            step(lowest);
        }
        for (std::size_t number = 0; number < front_count; ++number) gather(number);
        settle();
    }

    // Adds the groups of a front that may hold a better unit to those near.
    void gather(std::size_t number) {
        const Front& front = fronts[number];
        if (front.least > filter.threshold) return;
        const GroupTable& groups = index->groups_;
        std::uint64_t regions = index->kernels_->at_most(front.bounds, groups.region_lanes(), filter.threshold);
        regions &= front.regions;
        for (; regions != 0; regions &= regions - 1) {
            const auto region = static_cast<std::size_t>(std::countr_zero(regions));
            near_bounds[near_count] = front.bounds[region];
            near_groups[near_count] = static_cast<std::uint16_t>(number * kRegionsMax + region);
            if (near_count < kPrefetched) groups.prefetch_heads(front.model, level, region);
            if (++near_count == kLanesMax) settle();
        }
    }

    // Best first over those near.
    void settle() {
        const GroupTable& groups = index->groups_;
        std::uint64_t open = Catalogue::mask_of(near_count);
        near_count = 0;
        Lowest next = index->kernels_->lowest_in(near_bounds.data(), open);
        while (next.value <= filter.threshold) {
            const Front& front = fronts[near_groups[next.lane] / kRegionsMax];
            const std::size_t region = near_groups[next.lane] % kRegionsMax;
            open &= ~(1ULL << next.lane);
            next = index->kernels_->lowest_in(near_bounds.data(), open);
            if (next.value <= filter.threshold) {
                const std::uint16_t group = near_groups[next.lane];
                groups.prefetch_heads(fronts[group / kRegionsMax].model, level, group % kRegionsMax);
            }
            const float base = latency_weight * latency_lanes[region] + front.penalties;
            if (groups.is_stale(front.model, level, region) &&
                refreshed(front.model, region, base) > filter.threshold) {
                continue;
            }
            scan_group(front.model, region, base);
        }
    }

    void open(std::size_t model) {
        const GroupTable& groups = index->groups_;
        const std::size_t lanes = groups.region_lanes();
        float* bounds = index->bounds_[model * (lanes / kLaneStep)].values.data();
        const float penalties = packing_weight == 0 ? 0
                                                    : packing_weight * index->states_.floor(model, request_class,
                                                                                            classes, *index->kernels_);
        const BoundSum sum{groups.lows(model, level, mix.first),
                           groups.lows(model, level, mix.first + 1),
                           latency_lanes,
                           groups.lows(model, level, 0),
                           mix.first_weight,
                           mix.second_weight,
                           latency_weight,
                           penalties,
                           filter.price_max};
        float least = index->kernels_->bounds(sum, lanes, bounds);
        const std::uint64_t regions = demand.regions & index->catalogue_.all_regions();
        if (regions != index->catalogue_.all_regions()) least = index->kernels_->lowest_in(bounds, regions).value;
        if (least > kNoThreshold) return;
        fronts[front_count++] = {model, bounds, penalties, regions, least};
    }

    float refreshed(std::size_t model, std::size_t region, float base) {
        GroupTable& groups = index->groups_;
        groups.refresh(model, level, region);
        const float first = groups.lows(model, level, mix.first)[region];
        const float second = groups.lows(model, level, mix.first + 1)[region];
        return first * mix.first_weight + second * mix.second_weight + base;
    }

    // Looks into the lowest group, or makes its bound exact.
    void step(Front* front) {
        const std::size_t region = index->kernels_->lowest_in(front->bounds, front->regions).lane;
        const float base = latency_weight * latency_lanes[region] + front->penalties;
        if (index->groups_.is_stale(front->model, level, region)) {
            front->bounds[region] = refreshed(front->model, region, base);
        } else {
            scan_group(front->model, region, base);
            front->regions &= ~(1ULL << region);
            if (best_slot != UINT32_MAX) return;
        }
        front->least = index->kernels_->lowest_in(front->bounds, front->regions).value;
    }

    void scan_group(std::size_t model, std::size_t region, float base) {
        const GroupTable& groups = index->groups_;
        filter.base = base;
        alignas(64) std::array<float, kLaneStep> bounds;
        for (const BlockHeads& heads : groups.heads(model, region)) {
            unsigned open_blocks = index->kernels_->heads(heads, level, filter, bounds.data());
            for (unsigned rest = open_blocks; rest != 0; rest &= rest - 1) {
                groups.prefetch_block(heads.blocks[static_cast<std::size_t>(std::countr_zero(rest))]);
            }
            while (open_blocks != 0) {
                auto lowest = static_cast<std::size_t>(std::countr_zero(open_blocks));
                for (unsigned rest = open_blocks & (open_blocks - 1); rest != 0; rest &= rest - 1) {
                    const auto lane = static_cast<std::size_t>(std::countr_zero(rest));
                    if (bounds[lane] < bounds[lowest]) lowest = lane;
                }
                if (bounds[lowest] > filter.threshold) break;
                open_blocks &= ~(1U << lowest);
                scan_block(groups.block(heads.blocks[lowest]), region);
            }
        }
    }

    void scan_block(const Block& block, std::size_t region) {
        const unsigned hits = index->kernels_->block(block, filter);
        for (unsigned rest = hits; rest != 0; rest &= rest - 1) {
            const auto entry = static_cast<std::size_t>(std::countr_zero(rest));
            __builtin_prefetch(&index->records_[block.units[entry]]);
            if (request_class != StateTable::kNoClass) index->states_.prefetch(block.states[entry], request_class);
        }
        for (unsigned rest = hits; rest != 0; rest &= rest - 1) {
            consider(block, static_cast<std::size_t>(std::countr_zero(rest)), region);
        }
    }

    void consider(const Block& block, std::size_t entry, std::size_t region) {
        const std::uint32_t slot = block.units[entry];
        const UnitRecord& unit = index->records_[slot];
        const std::uint16_t penalty = penalty_of(unit, block.states[entry]);
        const std::uint64_t flaws = block.flaws_and_kinds[entry] & Block::kFlawsMask;
        const std::uint64_t score = std::uint64_t{demand.weights.latency} * latencies[region] +
                                    std::uint64_t{demand.weights.price} * block.prices[entry] +
                                    std::uint64_t{demand.weights.quality} * flaws +
                                    std::uint64_t{demand.weights.packing} * penalty;
        if (score > best_score || (score == best_score && !goes_before(slot, best_slot))) return;
        if (!fits_record(unit, demand) || is_excluded({slot, unit.generation}, demand)) return;
        best_score = score;
        best_slot = slot;
        best_penalty = penalty;
        filter.threshold = static_cast<float>(score + 1) * kSlack;
    }

    std::uint16_t penalty_of(const UnitRecord& unit, std::uint16_t state) {
        if (demand.weights.packing == 0) return 0;
        if (request_class != StateTable::kNoClass && state != StateTable::kStatesMax) {
            return index->states_.choice(state, request_class).penalty;
        }
        return index->policy_->choose(index->policy_->rounded(state_of(unit)), rounded).penalty;
    }

    bool goes_before(std::uint32_t slot, std::uint32_t other) const {
        const std::uint32_t priority = index->records_[slot].priority;
        const std::uint32_t others = index->records_[other].priority;
        if (priority != others) return priority < others;
        return index->ids_.id_of(slot) < index->ids_.id_of(other);
    }
};

UnitIndex::Pick UnitIndex::search(const UnitDemand& demand) {
    Search search{this, demand};
    search.run();
    Pick pick;
    if (search.best_slot == UINT32_MAX) return pick;
    pick.slot = search.best_slot;
    pick.request_class = search.request_class;
    const UnitRecord& unit = records_[pick.slot];
    pick.terms = {std::uint64_t{demand.weights.latency} * search.latencies[unit.region],
                  std::uint64_t{demand.weights.price} * unit.price_micro,
                  std::uint64_t{demand.weights.quality} * (kReputationMax - std::uint64_t{unit.reputation_bp}),
                  std::uint64_t{demand.weights.packing} * search.best_penalty};
    return pick;
}

Terms UnitIndex::terms_of(const UnitRecord& unit, const UnitDemand& demand) const {
    const std::uint64_t latency = catalogue_.latencies_us_from(demand.customer_region)[unit.region];
    std::uint64_t penalty = 0;
    if (demand.weights.packing != 0) {
        penalty = policy_->choose(policy_->rounded(state_of(unit)), policy_->rounded(gpu_request(demand))).penalty;
    }
    return {std::uint64_t{demand.weights.latency} * latency, std::uint64_t{demand.weights.price} * unit.price_micro,
            std::uint64_t{demand.weights.quality} * (kReputationMax - std::uint64_t{unit.reputation_bp}),
            std::uint64_t{demand.weights.packing} * penalty};
}

}  // namespace vcity::placement
