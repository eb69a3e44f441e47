// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "placement/unit_record.hpp"

namespace vcity::placement {

// What the search looks at before it touches a unit itself: coarse, so that a unit that passes is still checked.
// Four fields of three bits, each under a guard bit, compared in one subtraction.
struct Traits {
    static constexpr std::uint16_t kGuards = 0x8888;
    static constexpr std::uint8_t kFieldMax = 7;

    std::uint16_t fields = 0;

    static Traits make(std::uint32_t cpu_milli,
                       std::uint32_t memory_mib,
                       std::uint8_t level,
                       std::uint8_t interconnect);

    // Every field is at least the other's.
    bool covers(Traits need) const { return (((fields | kGuards) - need.fields) & kGuards) == kGuards; }
    // The greater of each field.
    Traits merged(Traits other) const {
        const unsigned greater = ((fields | kGuards) - other.fields) & kGuards;
        const unsigned mask = greater - (greater >> 3);
        return {static_cast<std::uint16_t>((fields & mask) | (other.fields & ~mask))};
    }
};

// The open units of the index, grouped by row (a GPU model and a class of free capacity) and region. For every cell it
// keeps the least static score in a few directions of (price, quality) weights, from which a lower bound for any
// weights follows. A minimum may be lower than the truth, never higher. Part of the index; allocates only when a row is
// added or room for units is made.
class CellTable {
  public:
    static constexpr std::size_t kDirections = 4;
    static constexpr std::uint32_t kNone = UINT32_MAX;
    static constexpr float kEmpty = 1e30F;  // the minimum of a cell without units

    struct Entry {
        std::uint32_t unit = 0;
        std::uint32_t price = 0;
        std::uint16_t flaws = 0;  // kReputationMax less the reputation
        UnitKind kind = UnitKind::kFlexible;
        Traits traits;
    };
    struct Cell {
        std::uint32_t chunk = kNone;  // the one with room; full ones follow
        std::uint32_t count = 0;
        Traits most;  // of any unit
        std::uint8_t kinds = 0;
        bool is_stale = false;  // some minimum may be too low
    };
    // Non-negative multiples of two neighbouring directions that add up to the weights.
    struct Mix {
        std::size_t first = 0;
        float first_weight = 0;
        float second_weight = 0;  // of first + 1
    };

    // `ratios`: quality per price weight of the middle directions, ascending.
    CellTable(std::size_t models, std::size_t regions, std::array<float, kDirections - 2> ratios);

    bool has_row(std::uint32_t row) const { return dense_[row] != kNoRow; }
    void add_row(std::uint32_t row);
    std::size_t rows() const { return rows_; }
    void reserve(std::size_t units);  // room for so many, however they are spread

    std::uint32_t insert(std::uint32_t row, std::size_t region, const Entry& entry);  // the place of the entry
    // The unit that took over the place, or kNone.
    std::uint32_t remove(std::uint32_t row, std::size_t region, std::uint32_t place);
    void set_traits(std::uint32_t row, std::size_t region, std::uint32_t place, Traits traits);

    Mix mix_of(std::uint64_t price_weight, std::uint64_t quality_weight) const;
    std::size_t region_lanes() const { return steps_ * kLaneStep; }
    // By region, of a row that has been added.
    const float* minima(std::uint32_t row, std::size_t direction) const {
        return minima_[(dense_[row] * kDirections + direction) * steps_].values.data();
    }
    // By class, over all regions; kEmpty where there is no unit.
    const float* row_minima(std::size_t model, std::size_t direction) const {
        return lows_[(direction * models_ + model) * (kRowsPerModel / kLaneStep)].values.data();
    }
    const Cell& cell(std::uint32_t row, std::size_t region) const { return cells_[dense_[row] * regions_ + region]; }
    const Chunk& chunk(std::uint32_t index) const { return chunks_[index]; }
    void prefetch(std::uint32_t row, std::size_t region) const {
        const std::uint32_t head = cell(row, region).chunk;
        if (head == kNone) return;
        __builtin_prefetch(&chunks_[head]);
        __builtin_prefetch(&chunks_[head].flaws_and_kinds);
    }
    static unsigned head_mask(const Cell& cell) { return (2U << (cell.count - 1) % Chunk::kEntries) - 1; }

    void refresh(std::uint32_t row, std::size_t region);  // makes the minima of the cell exact

    std::size_t bytes() const;

  private:
    static constexpr std::uint16_t kNoRow = UINT16_MAX;
    using Minima = std::array<float, kDirections>;

    Minima static_scores(std::uint32_t price, std::uint16_t flaws) const;
    float& minimum(std::uint32_t row, std::size_t direction, std::size_t region) {
        return minima_[(dense_[row] * kDirections + direction) * steps_ + region / kLaneStep]
            .values[region % kLaneStep];
    }
    float& low(std::uint32_t row, std::size_t direction) {
        return lows_[(direction * models_ * kRowsPerModel + row) / kLaneStep].values[row % kLaneStep];
    }
    void settle_low(std::uint32_t row, std::size_t direction);

    std::size_t models_;
    std::size_t regions_;
    std::size_t steps_;
    std::array<float, kDirections> price_parts_;
    std::array<float, kDirections> quality_parts_;
    std::array<double, kDirections> ratios_;
    std::vector<std::uint16_t> dense_;  // [row]: where it stands below
    std::vector<Lanes> minima_;         // [dense row][direction][region]
    std::vector<Lanes> lows_;           // [direction][row]
    std::vector<Cell> cells_;           // [dense row][region]
    std::size_t rows_ = 0;
    std::vector<Chunk> chunks_;
    std::vector<std::uint32_t> free_chunks_;
};

}  // namespace vcity::placement
