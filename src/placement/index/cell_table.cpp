// SPDX-License-Identifier: Apache-2.0
#include "placement/index/cell_table.hpp"

#include <algorithm>
#include <bit>

#include "base/check.hpp"

namespace vcity::placement {
namespace {

constexpr std::size_t kPlaceShift = 3;
constexpr std::uint32_t kPlaceMask = (1U << kPlaceShift) - 1;
static_assert(Chunk::kEntries == kPlaceMask + 1);
// A cell with more entries is not read again at once when its head leaves; the next search does it.
constexpr std::uint32_t kEagerEntries = 2 * Chunk::kEntries;
constexpr std::uint32_t kCoreMilli = 1000;
constexpr std::uint32_t kMemoryStepMib = 4096;
constexpr std::uint16_t kFlawsMask = Chunk::kKindBit - 1;

unsigned octave(std::uint32_t value, std::uint32_t step) {
    return std::min<unsigned>(static_cast<unsigned>(std::bit_width(value / step)), Traits::kFieldMax);
}

}  // namespace

Traits Traits::make(std::uint32_t cpu_milli, std::uint32_t memory_mib, std::uint8_t level, std::uint8_t interconnect) {
    return {static_cast<std::uint16_t>(octave(cpu_milli, kCoreMilli) | octave(memory_mib, kMemoryStepMib) << 4U |
                                       unsigned{level} << 8U | unsigned{interconnect} << 12U)};
}

CellTable::CellTable(std::size_t models, std::size_t regions, std::array<float, kDirections - 2> ratios)
    : models_{models},
      regions_{regions},
      steps_{(regions + kLaneStep - 1) / kLaneStep},
      dense_(models * kRowsPerModel, kNoRow),
      lows_(kDirections * models * kRowsPerModel / kLaneStep) {
    for (Lanes& lanes : lows_) lanes.values.fill(kEmpty);
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

void CellTable::add_row(std::uint32_t row) {
    CHECK(!has_row(row));
    dense_[row] = static_cast<std::uint16_t>(rows_++);
    Lanes empty;
    empty.values.fill(kEmpty);
    minima_.resize(rows_ * kDirections * steps_, empty);
    cells_.resize(rows_ * regions_);
}

void CellTable::reserve(std::size_t units) {
    // Every cell in use has at most one chunk that is not full.
    const std::size_t needed = units / Chunk::kEntries + std::min(units, cells_.size()) + 1;
    if (needed <= chunks_.size()) return;
    const std::size_t before = chunks_.size();
    const std::size_t after = std::max(needed, before + before / 8);
    chunks_.resize(after);
    free_chunks_.reserve(after);
    for (std::size_t index = after; index-- > before;) free_chunks_.push_back(static_cast<std::uint32_t>(index));
}

CellTable::Minima CellTable::static_scores(std::uint32_t price, std::uint16_t flaws) const {
    Minima scores{};
    for (std::size_t direction = 0; direction < kDirections; ++direction) {
        scores[direction] =
            static_cast<float>(price) * price_parts_[direction] + static_cast<float>(flaws) * quality_parts_[direction];
    }
    return scores;
}

std::uint32_t CellTable::insert(std::uint32_t row, std::size_t region, const Entry& entry) {
    Cell& cell = cells_[dense_[row] * regions_ + region];
    const auto index = static_cast<std::uint32_t>(cell.count % Chunk::kEntries);
    if (index == 0) {
        CHECK(!free_chunks_.empty());
        const std::uint32_t fresh = free_chunks_.back();
        free_chunks_.pop_back();
        chunks_[fresh].next = cell.chunk;
        cell.chunk = fresh;
    }
    Chunk& chunk = chunks_[cell.chunk];
    chunk.units[index] = entry.unit;
    chunk.prices[index] = entry.price;
    chunk.flaws_and_kinds[index] =
        static_cast<std::uint16_t>(entry.flaws | (entry.kind == UnitKind::kFlexible ? Chunk::kKindBit : 0U));
    chunk.traits[index] = entry.traits.fields;
    ++cell.count;
    cell.most = cell.most.merged(entry.traits);
    cell.kinds |= kind_bit(entry.kind);
    const Minima scores = static_scores(entry.price, entry.flaws);
    for (std::size_t direction = 0; direction < kDirections; ++direction) {
        float& least = minimum(row, direction, region);
        least = std::min(least, scores[direction]);
        low(row, direction) = std::min(low(row, direction), scores[direction]);
    }
    return (cell.chunk << kPlaceShift) | index;
}

std::uint32_t CellTable::remove(std::uint32_t row, std::size_t region, std::uint32_t place) {
    Cell& cell = cells_[dense_[row] * regions_ + region];
    CHECK(cell.count > 0);
    Chunk& chunk = chunks_[place >> kPlaceShift];
    const std::size_t gone = place & kPlaceMask;
    const Minima scores = static_scores(chunk.prices[gone], chunk.flaws_and_kinds[gone] & kFlawsMask);
    Chunk& head = chunks_[cell.chunk];
    const std::size_t last = (cell.count - 1) % Chunk::kEntries;
    std::uint32_t moved_unit = kNone;
    if (&head != &chunk || last != gone) {
        moved_unit = head.units[last];
        chunk.units[gone] = moved_unit;
        chunk.prices[gone] = head.prices[last];
        chunk.flaws_and_kinds[gone] = head.flaws_and_kinds[last];
        chunk.traits[gone] = head.traits[last];
    }
    --cell.count;
    if (last == 0) {
        free_chunks_.push_back(cell.chunk);
        cell.chunk = head.next;
    }
    for (std::size_t direction = 0; direction < kDirections; ++direction) {
        cell.is_stale |= scores[direction] <= minimum(row, direction, region);
    }
    if (cell.is_stale && cell.count <= kEagerEntries) refresh(row, region);
    return moved_unit;
}

void CellTable::set_traits(std::uint32_t row, std::size_t region, std::uint32_t place, Traits traits) {
    chunks_[place >> kPlaceShift].traits[place & kPlaceMask] = traits.fields;
    Cell& cell = cells_[dense_[row] * regions_ + region];
    cell.most = cell.most.merged(traits);
}

void CellTable::refresh(std::uint32_t row, std::size_t region) {
    Cell& cell = cells_[dense_[row] * regions_ + region];
    Minima least;
    least.fill(kEmpty);
    cell.most = {};
    cell.kinds = 0;
    std::size_t entries = cell.count == 0 ? 0 : (cell.count - 1) % Chunk::kEntries + 1;
    for (std::uint32_t at = cell.chunk; at != kNone; at = chunks_[at].next) {
        const Chunk& chunk = chunks_[at];
        for (std::size_t index = 0; index < entries; ++index) {
            const std::uint16_t flaws_and_kind = chunk.flaws_and_kinds[index];
            const Minima scores = static_scores(chunk.prices[index], flaws_and_kind & kFlawsMask);
            for (std::size_t direction = 0; direction < kDirections; ++direction) {
                least[direction] = std::min(least[direction], scores[direction]);
            }
            cell.most = cell.most.merged(Traits{chunk.traits[index]});
            cell.kinds |= kind_bit((flaws_and_kind & Chunk::kKindBit) != 0 ? UnitKind::kFlexible : UnitKind::kStable);
        }
        entries = Chunk::kEntries;
    }
    cell.is_stale = false;
    for (std::size_t direction = 0; direction < kDirections; ++direction) {
        float& here = minimum(row, direction, region);
        const float before = here;
        here = least[direction];
        // The row's minimum can only have risen if this cell held it.
        if (here > before && before <= low(row, direction)) settle_low(row, direction);
    }
}

void CellTable::settle_low(std::uint32_t row, std::size_t direction) {
    const float* by_region = minima(row, direction);
    Lanes least;
    least.values.fill(kEmpty);
    for (std::size_t base = 0; base < region_lanes(); base += kLaneStep) {
        for (std::size_t lane = 0; lane < kLaneStep; ++lane) {
            least.values[lane] = std::min(least.values[lane], by_region[base + lane]);
        }
    }
    low(row, direction) = *std::ranges::min_element(least.values);
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
    return (minima_.capacity() + lows_.capacity()) * sizeof(Lanes) + cells_.capacity() * sizeof(Cell) +
           dense_.capacity() * sizeof(std::uint16_t) + chunks_.capacity() * sizeof(Chunk) +
           free_chunks_.capacity() * sizeof(std::uint32_t);
}

}  // namespace vcity::placement
