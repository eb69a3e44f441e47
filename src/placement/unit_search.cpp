// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <bit>
#include <limits>

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

float least_of(const std::array<float, kRegionsMax>& bounds, std::uint64_t lanes) {
    float least = std::numeric_limits<float>::max();
    for (; lanes != 0; lanes &= lanes - 1) {
        least = std::min(least, bounds[static_cast<std::size_t>(std::countr_zero(lanes))]);
    }
    return least;
}

}  // namespace

struct UnitIndex::Search {
    UnitIndex* index;
    const UnitDemand& demand;
    std::span<const std::uint32_t> latencies;
    const float* latency_lanes;
    float latency_weight;
    float packing_weight;
    std::uint64_t models;
    std::uint64_t regions;
    ClassMask classes;
    Traits need;
    CellTable::Mix mix;
    ChunkFilter filter;
    GpuRequest rounded;
    int request_class = StateTable::kNoClass;

    std::uint64_t best_score = UINT64_MAX;
    float threshold = kNoThreshold;
    std::uint32_t best_slot = UINT32_MAX;
    std::uint16_t best_penalty = 0;

    Search(UnitIndex* owner, const UnitDemand& asked)
        : index{owner},
          demand{asked},
          latencies{owner->catalogue_.latencies_us_from(asked.customer_region)},
          latency_lanes{
              owner->latencies_[asked.customer_region * (owner->cells_.region_lanes() / kLaneStep)].values.data()},
          latency_weight{static_cast<float>(asked.weights.latency)},
          packing_weight{static_cast<float>(asked.weights.packing)},
          models{asked.models & ~asked.models_denied & owner->catalogue_.models_with_vram(asked.vram_mib)},
          regions{asked.regions & owner->catalogue_.all_regions()},
          classes{classes_for(asked)},
          need{Traits::make(
              asked.cpu_milli, asked.memory_mib, asked.level_min, static_cast<std::uint8_t>(asked.interconnect_min))},
          mix{owner->cells_.mix_of(asked.weights.price, asked.weights.quality)} {
        filter.price_weight = static_cast<float>(demand.weights.price);
        filter.quality_weight = static_cast<float>(demand.weights.quality);
        filter.price_max = static_cast<float>(demand.price_micro_max) * kSlack;
        filter.flaws_max = static_cast<std::uint16_t>(kReputationMax - demand.reputation_bp_min);
        const unsigned kinds = demand.kinds & kAnyKind;
        filter.kind_mask = kinds == kAnyKind ? std::uint16_t{0} : Chunk::kKindBit;
        filter.kind_value = kinds == kind_bit(UnitKind::kFlexible) ? Chunk::kKindBit : std::uint16_t{0};
        filter.need = need.fields;
        if (demand.weights.packing == 0) return;
        rounded = owner->policy_->rounded(gpu_request(demand));
        request_class = owner->states_.class_of(rounded);
    }

    // Bounds of all rows of the allowed models; the row to begin with, or kNone when there is none.
    std::uint32_t bound_rows() {
        const CellTable& cells = index->cells_;
        std::uint32_t lowest = CellTable::kNone;
        float lowest_bound = kNoThreshold;
        const float base = latency_weight * index->latency_least_[demand.customer_region];
        for (std::uint64_t rest = models; rest != 0; rest &= rest - 1) {
            const auto model = static_cast<std::size_t>(std::countr_zero(rest));
            const BoundSum sum{cells.row_minima(model, mix.first),
                               cells.row_minima(model, mix.first + 1),
                               index->states_.floors(model, request_class)->values.data(),
                               mix.first_weight,
                               mix.second_weight,
                               packing_weight,
                               base};
            float* bounds = row_bounds(model);
            const BoundLanes found = index->kernels_->bounds(sum, kRowsPerModel, lowest_bound, bounds);
            for (std::uint64_t within = found.within & classes; within != 0; within &= within - 1) {
                const auto capacity = static_cast<std::size_t>(std::countr_zero(within));
                if (bounds[capacity] >= lowest_bound) continue;
                lowest_bound = bounds[capacity];
                lowest = static_cast<std::uint32_t>(model * kRowsPerModel + capacity);
            }
        }
        return lowest;
    }

    float* row_bounds(std::size_t model) {
        return index->row_bounds_[model * (kRowsPerModel / kLaneStep)].values.data();
    }

    // Best first: the most promising row gives a first answer; then rows and their cells in the order of their bounds,
    // until these pass the best found.
    void run() {
        const std::uint32_t first = bound_rows();
        if (first == CellTable::kNone) return;
        index->open_cells_.clear();
        scan_row(first);
        std::vector<OpenRow>& rows = index->open_rows_;
        rows.clear();
        for (std::uint64_t rest = models; rest != 0; rest &= rest - 1) {
            const auto model = static_cast<std::size_t>(std::countr_zero(rest));
            const float* bounds = row_bounds(model);
            std::uint64_t within = index->kernels_->within(bounds, kRowsPerModel, threshold) & classes;
            for (; within != 0; within &= within - 1) {
                const auto capacity = static_cast<std::size_t>(std::countr_zero(within));
                const auto row = static_cast<std::uint32_t>(model * kRowsPerModel + capacity);
                if (row != first) rows.push_back({bounds[capacity], row});
            }
        }
        std::ranges::sort(rows, {}, &OpenRow::bound);
        for (const OpenRow& row : rows) {
            drain(row.bound);
            if (row.bound > threshold) break;
            scan_row(row.row);
        }
        drain(kNoThreshold);
    }

    // Looks into the open cells up to the limit.
    void drain(float limit) {
        std::vector<OpenCell>& open = index->open_cells_;
        while (!open.empty() && open.front().bound <= std::min(limit, threshold)) {
            const OpenCell cell = open.front();
            std::ranges::pop_heap(open, is_later);
            open.pop_back();
            if (!open.empty()) index->cells_.prefetch(open.front().row, open.front().region);
            scan_cell(cell.row, cell.region, cell.floor);
        }
    }
    static bool is_later(const OpenCell& left, const OpenCell& right) { return left.bound > right.bound; }

    void scan_row(std::uint32_t row) {
        alignas(64) std::array<float, kRegionsMax> bounds;
        const CellTable& cells = index->cells_;
        const std::size_t model = row / kRowsPerModel;
        const float floor = index->states_.floors(model, request_class)->values.data()[row % kRowsPerModel];
        const BoundSum sum{cells.minima(row, mix.first),
                           cells.minima(row, mix.first + 1),
                           latency_lanes,
                           mix.first_weight,
                           mix.second_weight,
                           latency_weight,
                           packing_weight * floor};
        const BoundLanes found = index->kernels_->bounds(sum, cells.region_lanes(), threshold, bounds.data());
        std::uint64_t within = found.within & regions;
        // The lowest at once, and more while there is nothing to compare with; the others in their turn.
        float least = found.least;
        while (within != 0) {
            std::uint64_t lowest = index->kernels_->within(bounds.data(), cells.region_lanes(), least) & within;
            if (lowest == 0) {
                least = least_of(bounds, within);
                continue;
            }
            scan_cell(row, static_cast<std::size_t>(std::countr_zero(lowest)), floor);
            within &= ~(lowest & -lowest);
            if (best_slot != UINT32_MAX) break;
            if (within != 0) least = least_of(bounds, within);
        }
        within &= index->kernels_->within(bounds.data(), cells.region_lanes(), threshold);
        std::vector<OpenCell>& open = index->open_cells_;
        for (; within != 0; within &= within - 1) {
            const auto region = static_cast<std::size_t>(std::countr_zero(within));
            open.push_back({bounds[region], floor, row, static_cast<std::uint32_t>(region)});
            std::ranges::push_heap(open, is_later);
        }
    }

    bool may_hold(std::uint32_t row, std::size_t region) const {
        const CellTable::Cell& cell = index->cells_.cell(row, region);
        return cell.count > 0 && cell.most.covers(need) && (cell.kinds & demand.kinds) != 0;
    }

    void scan_cell(std::uint32_t row, std::size_t region, float floor) {
        const CellTable& cells = index->cells_;
        const CellTable::Cell& cell = cells.cell(row, region);
        if (cell.is_stale) index->cells_.refresh(row, region);
        if (!may_hold(row, region)) return;
        filter.base = latency_weight * latency_lanes[region] + packing_weight * floor;
        unsigned entries = CellTable::head_mask(cell);
        for (std::uint32_t at = cell.chunk; at != CellTable::kNone;) {
            const Chunk& chunk = cells.chunk(at);
            filter.threshold = threshold;
            for (unsigned hits = index->kernels_->chunk(chunk, filter) & entries; hits != 0; hits &= hits - 1) {
                consider(chunk.units[static_cast<std::size_t>(std::countr_zero(hits))], region);
            }
            entries = (1U << Chunk::kEntries) - 1;
            at = chunk.next;
        }
    }

    void consider(std::uint32_t slot, std::size_t region) {
        const UnitRecord& unit = index->records_[slot];
        if (!fits_record(unit, demand) || is_excluded({slot, unit.generation}, demand)) return;
        const std::uint16_t penalty = penalty_of(unit);
        const std::uint64_t score =
            std::uint64_t{demand.weights.latency} * latencies[region] +
            std::uint64_t{demand.weights.price} * unit.price_micro +
            std::uint64_t{demand.weights.quality} * (kReputationMax - std::uint64_t{unit.reputation_bp}) +
            std::uint64_t{demand.weights.packing} * penalty;
        if (score > best_score || (score == best_score && !goes_before(slot, best_slot))) return;
        best_score = score;
        best_slot = slot;
        best_penalty = penalty;
        threshold = static_cast<float>(score + 1) * kSlack;
    }

    std::uint16_t penalty_of(const UnitRecord& unit) {
        if (demand.weights.packing == 0) return 0;
        if (request_class != StateTable::kNoClass && unit.state != StateTable::kNone) {
            return index->states_.choice(unit.state, request_class).penalty;
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
