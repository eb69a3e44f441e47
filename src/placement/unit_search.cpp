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
constexpr float kNoThreshold = 1e17F;  // above every score, below every bound of an empty cell
static_assert(static_cast<double>(kWeightMax) * 2.0 * static_cast<double>(UINT32_MAX) +
                  static_cast<double>(kWeightMax) * (kReputationMax + kPenaltyMax) <
              1e16);

}  // namespace

struct UnitIndex::Search {
    // Groups of one model that are still to be looked into, by region.
    struct Front {
        std::size_t model;
        float* bounds;
        float penalties;  // the least, times their weight
        Lowest next;
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

    // Best first over the groups of all allowed models, until their bounds pass the best found.
    void run() {
        std::uint64_t models =
            demand.models & ~demand.models_denied & index->catalogue_.models_with_vram(demand.vram_mib);
        for (; models != 0; models &= models - 1) open(static_cast<std::size_t>(std::countr_zero(models)));
        while (front_count > 0) {
            Front* lowest = fronts.data();
            for (Front& front : std::span{fronts}.subspan(1, front_count - 1)) {
                if (front.next.value < lowest->next.value) lowest = &front;
            }
            if (lowest->next.value > filter.threshold) return;
            step(lowest);
            if (lowest->next.value > filter.threshold) *lowest = fronts[--front_count];
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
        Lowest next = index->kernels_->bounds(sum, lanes, bounds);
        const std::uint64_t barred = ~demand.regions & index->catalogue_.all_regions();
        if (barred != 0) {
            for (std::uint64_t rest = barred; rest != 0; rest &= rest - 1) bounds[std::countr_zero(rest)] = kFar;
            next = index->kernels_->lowest(bounds, lanes);
        }
        if (next.value > kNoThreshold) return;
        fronts[front_count++] = {model, bounds, penalties, next};
        groups.prefetch_heads(model, next.lane);
    }

    void step(Front* front) {
        const std::size_t model = front->model;
        const std::size_t region = front->next.lane;
        GroupTable& groups = index->groups_;
        const bool is_stale = groups.is_stale(model, level, region);
        const float base = latency_weight * latency_lanes[region] + front->penalties;
        if (is_stale) {
            groups.refresh(model, level, region);
            const float first = groups.lows(model, level, mix.first)[region];
            const float second = groups.lows(model, level, mix.first + 1)[region];
            front->bounds[region] = first * mix.first_weight + second * mix.second_weight + base;
        } else {
            front->bounds[region] = kFar;
        }
        front->next = index->kernels_->lowest(front->bounds, groups.region_lanes());
        if (front->next.value <= filter.threshold) groups.prefetch_heads(model, front->next.lane);
        if (!is_stale) scan_group(model, region, base);
    }

    void scan_group(std::size_t model, std::size_t region, float base) {
        const GroupTable& groups = index->groups_;
        filter.base = base;
        alignas(64) std::array<float, kLaneStep> bounds;
        for (const BlockHeads& heads : groups.heads(model, region)) {
            unsigned open_blocks = index->kernels_->heads(heads, filter, bounds.data());
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
        return index->policy_->choose(index->policy_->rounded(ordered_state(unit).state), rounded).penalty;
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
        penalty =
            policy_->choose(policy_->rounded(ordered_state(unit).state), policy_->rounded(gpu_request(demand))).penalty;
    }
    return {std::uint64_t{demand.weights.latency} * latency, std::uint64_t{demand.weights.price} * unit.price_micro,
            std::uint64_t{demand.weights.quality} * (kReputationMax - std::uint64_t{unit.reputation_bp}),
            std::uint64_t{demand.weights.packing} * penalty};
}

}  // namespace vcity::placement
