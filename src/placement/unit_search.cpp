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
constexpr float kSlack = 1.0F + 1.0F / (1U << 18U);
constexpr float kNoThreshold = 1e17F;  // above every score, below every bound of an empty cell
static_assert(static_cast<double>(kWeightMax) * 2.0 * static_cast<double>(UINT32_MAX) +
                  static_cast<double>(kWeightMax) * (kReputationMax + kPenaltyMax) <
              1e16);
constexpr std::uint64_t kNoScore = UINT64_MAX;
constexpr std::size_t kLanes = 8;

}  // namespace

struct UnitIndex::Search {
    UnitIndex* index;
    const UnitDemand& demand;
    std::span<const std::uint32_t> latencies;
    std::uint64_t regions;
    Traits need;
    std::uint16_t flaws_max;
    CellTable::Mix mix;
    GpuRequest rounded;
    int request_class = StateTable::kNoClass;
    float latency_least = std::numeric_limits<float>::max();
    alignas(64) std::array<float, kRegionsMax> latency_row;

    std::uint64_t best_score = kNoScore;
    float threshold = kNoThreshold;
    std::uint32_t best_slot = UINT32_MAX;
    std::uint16_t best_penalty = 0;

    Search(UnitIndex* owner, const UnitDemand& asked)
        : index{owner},
          demand{asked},
          latencies{owner->catalogue_.latencies_us_from(asked.customer_region)},
          regions{asked.regions & owner->catalogue_.all_regions()},
          need{Traits::make(
              asked.cpu_milli, asked.memory_mib, asked.level_min, static_cast<std::uint8_t>(asked.interconnect_min))},
          flaws_max{static_cast<std::uint16_t>(kReputationMax - asked.reputation_bp_min)},
          mix{owner->cells_.mix_of(asked.weights.price, asked.weights.quality)} {
        const auto weight = static_cast<float>(demand.weights.latency);
        latency_row.fill(CellTable::kEmpty);
        for (std::size_t region = 0; region < latencies.size(); ++region) {
            if ((regions >> region & 1U) == 0) continue;
            latency_row[region] = weight * static_cast<float>(latencies[region]);
            latency_least = std::min(latency_least, latency_row[region]);
        }
        if (demand.weights.packing == 0) return;
        rounded = owner->policy_->rounded(gpu_request(demand));
        request_class = owner->states_.class_of(rounded);
    }

    std::uint16_t floor_of(std::uint32_t row) {
        return request_class == StateTable::kNoClass ? std::uint16_t{0} : index->states_.floor(row, request_class);
    }

    std::uint16_t penalty_of(const UnitRecord& unit) {
        if (demand.weights.packing == 0) return 0;
        if (request_class != StateTable::kNoClass && unit.state != StateTable::kNone) {
            return index->states_.choice(unit.state, request_class).penalty;
        }
        return index->policy_->choose(index->policy_->rounded(ordered_state(unit).state), rounded).penalty;
    }

    float packing_bound(std::uint16_t floor) const {
        return static_cast<float>(demand.weights.packing) * static_cast<float>(floor);
    }

    // Rows that may hold something better, with their bounds; the lowest first, the others in no order.
    void collect(std::vector<Candidate>* rows) {
        rows->clear();
        const Catalogue& catalogue = index->catalogue_;
        const ClassMask fitting = classes_for(demand.gpus, demand.gpu_milli);
        std::uint64_t models = demand.models & ~demand.models_denied & catalogue.models_with_vram(demand.vram_mib);
        std::size_t lowest = 0;
        for (; models != 0; models &= models - 1) {
            const auto model = static_cast<std::size_t>(std::countr_zero(models));
            for (std::size_t word = 0; word < fitting.size(); ++word) {
                std::uint64_t classes = index->live_[model][word] & fitting[word];
                for (; classes != 0; classes &= classes - 1) {
                    const std::size_t capacity = word * 64 + static_cast<std::size_t>(std::countr_zero(classes));
                    const std::uint32_t row = index->row_by_class_[model * kCapacityClasses + capacity];
                    const std::uint16_t floor = floor_of(row);
                    const float bound = index->cells_.row_minimum(row, mix.first) * mix.first_weight +
                                        index->cells_.row_minimum(row, mix.first + 1) * mix.second_weight +
                                        latency_least + packing_bound(floor);
                    rows->push_back({bound, row, floor});
                    if (bound < (*rows)[lowest].bound) lowest = rows->size() - 1;
                }
            }
        }
        if (!rows->empty()) std::swap(rows->front(), (*rows)[lowest]);
    }

    void scan_row(const Candidate& candidate, bool is_first) {
        alignas(64) std::array<float, kRegionsMax> bounds;
        const float* first = index->cells_.minima(candidate.row, mix.first);
        const float* second = index->cells_.minima(candidate.row, mix.first + 1);
        const float packing = packing_bound(candidate.floor);
        const std::size_t regions_padded = index->cells_.padded_regions();
        for (std::size_t region = 0; region < regions_padded; ++region) {
            bounds[region] =
                first[region] * mix.first_weight + second[region] * mix.second_weight + latency_row[region] + packing;
        }
        if (is_first) {
            const auto lowest = std::min_element(bounds.begin(), bounds.begin() + regions_padded);
            const auto region = static_cast<std::size_t>(lowest - bounds.begin());
            if (*lowest < kNoThreshold) scan_cell(candidate, region);
        }
        for (std::size_t base = 0; base < regions_padded; base += kLanes) {
            unsigned hits = 0;
            for (std::size_t lane = 0; lane < kLanes; ++lane) {
                hits |= static_cast<unsigned>(bounds[base + lane] <= threshold) << lane;
            }
            for (; hits != 0; hits &= hits - 1) {
                const std::size_t region = base + static_cast<std::size_t>(std::countr_zero(hits));
                if (bounds[region] <= threshold) scan_cell(candidate, region);
            }
        }
    }

    void scan_cell(const Candidate& candidate, std::size_t region) {
        const CellTable& cells = index->cells_;
        if (cells.cell(candidate.row, region).is_stale) index->cells_.refresh(candidate.row, region);
        const CellTable::Cell& cell = cells.cell(candidate.row, region);
        if (cell.count == 0 || !cell.most.covers(need) || (cell.kinds & demand.kinds) == 0) return;
        const std::uint64_t base = std::uint64_t{demand.weights.latency} * latencies[region];
        const std::uint64_t floor = std::uint64_t{demand.weights.packing} * candidate.floor;
        std::size_t entries = CellTable::head_entries(cell);
        for (std::uint32_t at = cell.chunk; at != CellTable::kNone;) {
            const CellTable::Chunk& chunk = cells.chunk(at);
            for (std::size_t number = 0; number < entries; ++number) {
                const CellTable::Entry& entry = chunk.entries[number];
                const std::uint64_t known = base + std::uint64_t{demand.weights.price} * entry.price +
                                            std::uint64_t{demand.weights.quality} * entry.flaws();
                if (known + floor > best_score || !entry.traits.covers(need) || entry.price > demand.price_micro_max ||
                    entry.flaws() > flaws_max || (entry.kind_bit() & demand.kinds) == 0) {
                    continue;
                }
                consider(entry.unit, known);
            }
            entries = CellTable::kChunkEntries;
            at = chunk.next;
        }
    }

    void consider(std::uint32_t slot, std::uint64_t known) {
        const UnitRecord& unit = index->records_[slot];
        if (!fits_record(unit, demand) || unit.level < demand.level_min ||
            is_excluded({slot, unit.generation}, demand)) {
            return;
        }
        const std::uint16_t penalty = penalty_of(unit);
        const std::uint64_t score = known + std::uint64_t{demand.weights.packing} * penalty;
        if (score > best_score || (score == best_score && !goes_before(slot, best_slot))) return;
        best_score = score;
        best_slot = slot;
        best_penalty = penalty;
        threshold = static_cast<float>(score + 1) * kSlack;
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
    search.collect(&scratch_);
    bool is_first = true;
    for (const Candidate& candidate : scratch_) {
        if (candidate.bound <= search.threshold) search.scan_row(candidate, is_first);
        is_first = false;
    }
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
