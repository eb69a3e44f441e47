// SPDX-License-Identifier: Apache-2.0
#include "placement/cell_table.hpp"

#include <algorithm>
#include <bit>

#include "base/check.hpp"

namespace vcity::placement {
namespace {

constexpr std::size_t kLanes = 8;  // rows of minima are padded to whole vectors
constexpr std::size_t kPlaceShift = 3;
constexpr std::uint32_t kPlaceMask = (1U << kPlaceShift) - 1;
// A cell with more entries is not read again at once when its head leaves; the next search does it.
constexpr std::uint32_t kEagerEntries = 2 * CellTable::kChunkEntries;
constexpr std::uint32_t kCoreMilli = 1000;
constexpr std::uint32_t kMemoryStepMib = 4096;

unsigned octave(std::uint32_t value, std::uint32_t step) {
    return std::min<unsigned>(static_cast<unsigned>(std::bit_width(value / step)), Traits::kFieldMax);
}

}  // namespace

Traits Traits::make(std::uint32_t cpu_milli, std::uint32_t memory_mib, std::uint8_t level, std::uint8_t interconnect) {
    return {static_cast<std::uint16_t>(octave(cpu_milli, kCoreMilli) | octave(memory_mib, kMemoryStepMib) << 4U |
                                       unsigned{level} << 8U | unsigned{interconnect} << 12U)};
}

CellTable::CellTable(std::size_t regions, std::array<float, kDirections - 2> ratios)
    : regions_{regions}, padded_{(regions + kLanes - 1) / kLanes * kLanes} {
    price_parts_.fill(1.0F);
    quality_parts_.fill(0.0F);
    ratios_.fill(0);
    for (std::size_t middle = 0; middle < ratios.size(); ++middle) {
        quality_parts_[middle + 1] = ratios[middle];
        ratios_[middle + 1] = ratios[middle];
        CHECK(ratios_[middle + 1] > ratios_[middle]);
    }
    price_parts_.back() = 0.0F;
    quality_parts_.back() = 1.0F;
}

std::uint32_t CellTable::add_row() {
    const std::size_t row = lows_.size();
    lows_.emplace_back().fill(kEmpty);
    minima_.resize((row + 1) * kDirections * padded_, kEmpty);
    cells_.resize((row + 1) * regions_);
    counts_.push_back(0);
    return static_cast<std::uint32_t>(row);
}

void CellTable::reserve(std::size_t units) {
    // Every cell in use has at most one chunk that is not full.
    const std::size_t needed = units / kChunkEntries + std::min(units, cells_.size()) + 1;
    if (needed <= chunks_.size()) return;
    const std::size_t before = chunks_.size();
    const std::size_t after = std::max(needed, before + before / 8);
    chunks_.resize(after);
    free_chunks_.reserve(after);
    for (std::size_t index = after; index-- > before;) free_chunks_.push_back(static_cast<std::uint32_t>(index));
}

CellTable::Minima CellTable::static_scores(const Entry& entry) const {
    Minima scores{};
    for (std::size_t direction = 0; direction < kDirections; ++direction) {
        scores[direction] = static_cast<float>(entry.price) * price_parts_[direction] +
                            static_cast<float>(entry.flaws()) * quality_parts_[direction];
    }
    return scores;
}

std::uint32_t CellTable::insert(std::uint32_t row, std::size_t region, const Entry& entry) {
    Cell& cell = cells_[row * regions_ + region];
    const auto index = static_cast<std::uint32_t>(cell.count % kChunkEntries);
    if (index == 0) {
        CHECK(!free_chunks_.empty());
        const std::uint32_t fresh = free_chunks_.back();
        free_chunks_.pop_back();
        chunks_[fresh].next = cell.chunk;
        cell.chunk = fresh;
    }
    chunks_[cell.chunk].entries[index] = entry;
    ++cell.count;
    ++counts_[row];
    cell.most = cell.most.merged(entry.traits);
    cell.kinds |= entry.kind_bit();
    const Minima scores = static_scores(entry);
    float* minimum = minima_.data() + row * kDirections * padded_ + region;
    for (std::size_t direction = 0; direction < kDirections; ++direction, minimum += padded_) {
        *minimum = std::min(*minimum, scores[direction]);
        lows_[row][direction] = std::min(lows_[row][direction], scores[direction]);
    }
    return (cell.chunk << kPlaceShift) | index;
}

std::uint32_t CellTable::remove(std::uint32_t row, std::size_t region, std::uint32_t place) {
    Cell& cell = cells_[row * regions_ + region];
    CHECK(cell.count > 0);
    Entry& gone = chunks_[place >> kPlaceShift].entries[place & kPlaceMask];
    const Minima scores = static_scores(gone);
    const std::size_t last = (cell.count - 1) % kChunkEntries;
    const Entry& moved = chunks_[cell.chunk].entries[last];
    std::uint32_t moved_unit = kNone;
    if (&moved != &gone) {
        gone = moved;
        moved_unit = moved.unit;
    }
    --cell.count;
    --counts_[row];
    if (last == 0) {
        free_chunks_.push_back(cell.chunk);
        cell.chunk = chunks_[cell.chunk].next;
    }
    const float* minimum = minima_.data() + row * kDirections * padded_ + region;
    bool was_least = false;
    for (std::size_t direction = 0; direction < kDirections; ++direction) {
        was_least |= scores[direction] <= minimum[direction * padded_];
    }
    cell.is_stale |= was_least;
    if (cell.is_stale && cell.count <= kEagerEntries) refresh(row, region);
    return moved_unit;
}

void CellTable::set_traits(std::uint32_t row, std::size_t region, std::uint32_t place, Traits traits) {
    chunks_[place >> kPlaceShift].entries[place & kPlaceMask].traits = traits;
    Cell& cell = cells_[row * regions_ + region];
    cell.most = cell.most.merged(traits);
}

void CellTable::refresh(std::uint32_t row, std::size_t region) {
    Cell& cell = cells_[row * regions_ + region];
    Minima least;
    least.fill(kEmpty);
    cell.most = {};
    cell.kinds = 0;
    std::size_t entries = cell.count == 0 ? 0 : head_entries(cell);
    for (std::uint32_t at = cell.chunk; at != kNone; at = chunks_[at].next) {
        for (std::size_t index = 0; index < entries; ++index) {
            const Entry& entry = chunks_[at].entries[index];
            const Minima scores = static_scores(entry);
            for (std::size_t direction = 0; direction < kDirections; ++direction) {
                least[direction] = std::min(least[direction], scores[direction]);
            }
            cell.most = cell.most.merged(entry.traits);
            cell.kinds |= entry.kind_bit();
        }
        entries = kChunkEntries;
    }
    cell.is_stale = false;
    float* minimum = minima_.data() + row * kDirections * padded_ + region;
    Minima before;
    for (std::size_t direction = 0; direction < kDirections; ++direction) {
        before[direction] = minimum[direction * padded_];
        minimum[direction * padded_] = least[direction];
    }
    settle_rows(row, before);
}

// A row's minimum can only have risen if this cell held it.
void CellTable::settle_rows(std::uint32_t row, const Minima& before) {
    for (std::size_t direction = 0; direction < kDirections; ++direction) {
        if (before[direction] > lows_[row][direction]) continue;
        const float* minimum = minima(row, direction);
        std::array<float, kLanes> least;
        least.fill(kEmpty);
        for (std::size_t region = 0; region < padded_; region += kLanes) {
            for (std::size_t lane = 0; lane < kLanes; ++lane) {
                least[lane] = std::min(least[lane], minimum[region + lane]);
            }
        }
        lows_[row][direction] = *std::ranges::min_element(least);
    }
}

CellTable::Mix CellTable::mix_of(std::uint64_t price_weight, std::uint64_t quality_weight) const {
    const auto price = static_cast<double>(price_weight);
    const auto quality = static_cast<double>(quality_weight);
    constexpr std::size_t kLast = kDirections - 1;
    std::size_t first = 0;
    while (first + 1 < kLast && quality > price * ratios_[first + 1]) ++first;
    double second_weight = quality - price * ratios_[first];
    double first_weight = price;
    if (first + 1 < kLast) {
        second_weight /= ratios_[first + 1] - ratios_[first];
        first_weight = price - second_weight;
    }
    // Never quite zero, so that an empty cell stays out of reach.
    constexpr double kLeast = 1e-12;
    return {first, static_cast<float>(std::max(first_weight, kLeast)),
            static_cast<float>(std::max(second_weight, kLeast))};
}

std::size_t CellTable::bytes() const {
    return minima_.capacity() * sizeof(float) + lows_.capacity() * sizeof(Minima) + cells_.capacity() * sizeof(Cell) +
           counts_.capacity() * sizeof(std::size_t) + chunks_.capacity() * sizeof(Chunk) +
           free_chunks_.capacity() * sizeof(std::uint32_t);
}

}  // namespace vcity::placement
