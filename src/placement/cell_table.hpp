// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

namespace vcity::placement {

// What the search looks at before it touches a unit itself: coarse, so that a unit that passes is still checked.
// Four fields of three bits, each under a guard bit, compared in one subtraction.
struct Traits {
    static constexpr std::uint16_t kGuards = 0x8888;

    std::uint16_t fields = 0;

    static constexpr std::uint8_t kFieldMax = 7;
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
    static constexpr std::uint16_t kKindShift = 14;

    struct Entry {
        std::uint32_t unit = 0;
        std::uint32_t price = 0;
        std::uint16_t flaws_and_kind = 0;  // kReputationMax less the reputation; the kind above kKindShift
        Traits traits;

        std::uint16_t flaws() const { return flaws_and_kind & ((1U << kKindShift) - 1); }
        std::uint8_t kind_bit() const { return static_cast<std::uint8_t>(1U << (flaws_and_kind >> kKindShift)); }
    };
    struct Cell {
        std::uint32_t chunk = kNone;  // the one with room
        std::uint32_t count = 0;
        Traits most;  // of any unit
        std::uint8_t kinds = 0;
        bool is_stale = false;  // some minimum may be too low
    };
    static constexpr std::size_t kChunkEntries = 5;
    struct alignas(64) Chunk {
        std::array<Entry, kChunkEntries> entries;
        std::uint32_t next = kNone;
    };
    // Non-negative multiples of two neighbouring directions that add up to the weights.
    struct Mix {
        std::size_t first = 0;
        float first_weight = 0;
        float second_weight = 0;  // of first + 1
    };

    // `ratios`: quality per price weight of the middle directions, ascending.
    CellTable(std::size_t regions, std::array<float, kDirections - 2> ratios);

    std::uint32_t add_row();
    void reserve(std::size_t units);  // room for so many, however they are spread

    std::uint32_t insert(std::uint32_t row, std::size_t region, const Entry& entry);  // the place of the entry
    // The unit that took over the place, or kNone.
    std::uint32_t remove(std::uint32_t row, std::size_t region, std::uint32_t place);
    void set_traits(std::uint32_t row, std::size_t region, std::uint32_t place, Traits traits);

    Mix mix_of(std::uint64_t price_weight, std::uint64_t quality_weight) const;
    std::size_t padded_regions() const { return padded_; }
    const float* minima(std::uint32_t row, std::size_t direction) const {
        return minima_.data() + (row * kDirections + direction) * padded_;
    }
    float row_minimum(std::uint32_t row, std::size_t direction) const { return lows_[row][direction]; }
    const Cell& cell(std::uint32_t row, std::size_t region) const { return cells_[row * regions_ + region]; }
    const Chunk& chunk(std::uint32_t index) const { return chunks_[index]; }
    std::size_t units_in(std::uint32_t row) const { return counts_[row]; }
    static std::size_t head_entries(const Cell& cell) { return (cell.count - 1) % kChunkEntries + 1; }

    void refresh(std::uint32_t row, std::size_t region);  // makes the minima of the cell exact

    std::size_t bytes() const;

  private:
    using Minima = std::array<float, kDirections>;

    Minima static_scores(const Entry& entry) const;
    void settle_rows(std::uint32_t row, const Minima& before);

    std::size_t regions_;
    std::size_t padded_;
    std::array<float, kDirections> price_parts_;
    std::array<float, kDirections> quality_parts_;
    std::array<double, kDirections> ratios_;
    std::vector<float> minima_;  // [row][direction][padded region]
    std::vector<Minima> lows_;   // [row]: over its regions
    std::vector<Cell> cells_;    // [row][region]
    std::vector<std::size_t> counts_;
    std::vector<Chunk> chunks_;
    std::vector<std::uint32_t> free_chunks_;
};

}  // namespace vcity::placement
