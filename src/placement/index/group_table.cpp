// SPDX-License-Identifier: Apache-2.0
#include "placement/index/group_table.hpp"

#include <algorithm>
#include <bit>
#include <numeric>

#include "base/check.hpp"

namespace vcity::placement {
namespace {

constexpr std::uint32_t kPlaceShift = 4;
constexpr std::uint32_t kPlaceMask = (1U << kPlaceShift) - 1;
static_assert(Block::kEntries == kPlaceMask + 1);
constexpr std::size_t kKeyDirection = 1;  // blocks are split by it

void clear_head(BlockHeads* heads, std::size_t lane) {
    for (HeadScores& least : heads->least) {
        for (std::size_t direction = 0; direction < kDirections; ++direction) least.at(direction, lane) = kFar;
    }
    heads->most[lane] = 0;
}

void move_head(const BlockHeads& from, std::size_t from_lane, BlockHeads* to, std::size_t to_lane) {
    for (std::size_t level = 0; level < kLevels; ++level) {
        for (std::size_t direction = 0; direction < kDirections; ++direction) {
            to->least[level].at(direction, to_lane) = from.least[level].at(direction, from_lane);
        }
    }
    to->most[to_lane] = from.most[from_lane];
    to->blocks[to_lane] = from.blocks[from_lane];
}

void move_entry(const Block& from, std::size_t from_entry, Block* to, std::size_t to_entry) {
    to->prices[to_entry] = from.prices[from_entry];
    to->units[to_entry] = from.units[from_entry];
    to->features[to_entry] = from.features[from_entry];
    to->flaws_and_kinds[to_entry] = from.flaws_and_kinds[from_entry];
    to->states[to_entry] = from.states[from_entry];
}

std::uint16_t flaws_and_kind_of(const UnitRecord& unit) {
    const unsigned kind = unit.kind == UnitKind::kFlexible ? Block::kKindBit : 0U;
    return static_cast<std::uint16_t>((kReputationMax - unsigned{unit.reputation_bp}) | kind);
}

}  // namespace

GroupTable::GroupTable(std::size_t models, std::size_t regions, std::array<float, kDirections - 2> ratios)
    : regions_{regions},
      steps_{(regions + kLaneStep - 1) / kLaneStep},
      lows_(models * kLevels * kDirections * steps_),
      stale_(models * kLevels, 0),
      groups_(models * regions) {
    for (Lanes& lanes : lows_) lanes.values.fill(kFar);
    directions_.price_parts.fill(1.0F);
    for (std::size_t middle = 0; middle < ratios.size(); ++middle) {
        directions_.quality_parts[middle + 1] = ratios[middle];
        ratios_[middle + 1] = ratios[middle];
        CHECK(ratios_[middle + 1] > ratios_[middle]);
    }
    directions_.price_parts.back() = 0.0F;
    directions_.quality_parts.back() = 1.0F;
}

namespace {

template <std::size_t kCount>
constexpr auto steps_of(const std::array<std::uint8_t, kCount>& from) {
    std::array<std::uint8_t, UINT8_MAX + 1> steps{};
    for (std::size_t value = 0; value < steps.size(); ++value) {
        while (steps[value] + 1U < kCount && value >= from[steps[value] + 1U]) ++steps[value];
    }
    return steps;
}

}  // namespace

std::size_t GroupTable::step_of(Features features) {
    constexpr auto kStepOf = steps_of(kSteps);
    return kStepOf[static_cast<std::uint8_t>(features)];
}

std::size_t GroupTable::handy_step_of(Features features) {
    constexpr auto kStepOf = steps_of(kHandySteps);
    return kStepOf[static_cast<std::uint8_t>(features >> kHandyShift)];
}

Features GroupTable::need_of(std::size_t level) {
    if (level < kHandyLevels) return kSteps[level];
    return Features{kHandySteps[level - kHandyLevels + 1]} << kHandyShift;
}

std::size_t GroupTable::level_of(Features features) {
    const std::size_t handy = handy_step_of(features);
    return handy > 0 ? kHandyLevels + handy - 1 : step_of(features);
}

GroupTable::Scores GroupTable::scores_of(const UnitRecord& unit) const {
    Scores scores{};
    const auto price = static_cast<float>(unit.price_micro);
    const auto flaws = static_cast<float>(kReputationMax - unit.reputation_bp);
    for (std::size_t direction = 0; direction < kDirections; ++direction) {
        scores[direction] = price * directions_.price_parts[direction] + flaws * directions_.quality_parts[direction];
    }
    return scores;
}

void GroupTable::enter(
    const UnitRecord& unit, const Seat& seat, const Scores& scores, std::size_t from, std::size_t to) {
    for (std::size_t level = from; level < to; ++level) {
        for (std::size_t direction = 0; direction < kDirections; ++direction) {
            float& of_block = seat.heads->least[level].at(direction, seat.lane);
            of_block = std::min(of_block, scores[direction]);
            float& of_group = low(unit.model, level, direction, unit.region);
            of_group = std::min(of_group, scores[direction]);
        }
    }
}

void GroupTable::leave(
    const UnitRecord& unit, const Seat& seat, const Scores& scores, std::size_t from, std::size_t to) {
    // One part in 2^20 more than a score, so that another order of rounding does not hide that it is the least.
    constexpr float kMore = 1.0F + 1.0F / static_cast<float>(1U << 20U);
    for (std::size_t level = from; level < to; ++level) {
        HeadScores& of_block = seat.heads->least[level];
        bool is_least = false;
        for (std::size_t direction = 0; direction < kDirections; ++direction) {
            is_least |= scores[direction] <= of_block.at(direction, seat.lane) * kMore;
        }
        if (!is_least) continue;
        const Scores least = kernels_->least(*seat.block, need_of(level), directions_);
        is_least = false;
        for (std::size_t direction = 0; direction < kDirections; ++direction) {
            of_block.at(direction, seat.lane) = least[direction];
            is_least |= scores[direction] <= low(unit.model, level, direction, unit.region) * kMore;
        }
        stale_[unit.model * kLevels + level] |= std::uint64_t{is_least} << unit.region;
    }
}

void GroupTable::enter_all(const UnitRecord& unit, const Seat& seat, Features features) {
    const Scores scores = scores_of(unit);
    enter(unit, seat, scores, 0, step_of(features) + 1);
    enter(unit, seat, scores, kHandyLevels, kHandyLevels + handy_step_of(features));
}

void GroupTable::leave_all(const UnitRecord& unit, const Seat& seat, Features features) {
    const Scores scores = scores_of(unit);
    leave(unit, seat, scores, 0, step_of(features) + 1);
    leave(unit, seat, scores, kHandyLevels, kHandyLevels + handy_step_of(features));
}

void GroupTable::refresh(std::size_t model, std::size_t level, std::size_t region) {
    constexpr std::size_t kStep = HeadScores::kStep;
    std::array<std::array<float, kStep>, kDirections> least;
    for (std::array<float, kStep>& values : least) values.fill(kFar);
    for (const BlockHeads& heads : groups_[model * regions_ + region].heads) {
        for (const auto& line : heads.least[level].lines) {
            for (std::size_t direction = 0; direction < kDirections; ++direction) {
                for (std::size_t at = 0; at < kStep; ++at) {
                    least[direction][at] = std::min(least[direction][at], line[direction][at]);
                }
            }
        }
    }
    for (std::size_t direction = 0; direction < kDirections; ++direction) {
        low(model, level, direction, region) = *std::ranges::min_element(least[direction]);
    }
    stale_[model * kLevels + level] &= ~(1ULL << region);
}

float GroupTable::key_of(const Block& block, std::size_t entry) const {
    return static_cast<float>(block.prices[entry]) +
           static_cast<float>(block.flaws_and_kinds[entry] & Block::kFlawsMask) *
               directions_.quality_parts[kKeyDirection];
}

std::uint32_t GroupTable::add_block(Group* group) {
    if (free_blocks_.empty()) {
        if (blocks_.size() == blocks_.capacity()) blocks_.reserve(blocks_.size() + blocks_.size() / 8 + 8);
        if (metas_.size() == metas_.capacity()) metas_.reserve(blocks_.capacity());
        free_blocks_.push_back(static_cast<std::uint32_t>(blocks_.size()));
        blocks_.emplace_back();
        metas_.emplace_back();
    }
    const std::uint32_t block = free_blocks_.back();
    free_blocks_.pop_back();
    const std::uint32_t number = group->blocks++;
    if (number / kLaneStep == group->heads.size()) {
        group->heads.emplace_back();
        for (std::size_t lane = 0; lane < kLaneStep; ++lane) clear_head(&group->heads.back(), lane);
    }
    clear_head(&group->heads[number / kLaneStep], number % kLaneStep);
    group->heads[number / kLaneStep].blocks[number % kLaneStep] = block;
    metas_[block] = {number, 0};
    return block;
}

void GroupTable::drop_block(Group* group, std::uint32_t block) {
    const std::uint32_t gone = metas_[block].head;
    const std::uint32_t last = --group->blocks;
    BlockHeads& last_heads = group->heads[last / kLaneStep];
    if (last != gone) {
        move_head(last_heads, last % kLaneStep, &group->heads[gone / kLaneStep], gone % kLaneStep);
        metas_[last_heads.blocks[last % kLaneStep]].head = gone;
    }
    clear_head(&last_heads, last % kLaneStep);
    free_blocks_.push_back(block);
}

void GroupTable::settle_head(Group* group, std::uint32_t block) {
    const Meta& meta = metas_[block];
    BlockHeads& heads = group->heads[meta.head / kLaneStep];
    for (std::size_t level = 0; level < kLevels; ++level) {
        const Scores least = kernels_->least(blocks_[block], need_of(level), directions_);
        for (std::size_t direction = 0; direction < kDirections; ++direction) {
            heads.least[level].at(direction, meta.head % kLaneStep) = least[direction];
        }
    }
    heads.most[meta.head % kLaneStep] = kernels_->most(blocks_[block]);
}

// The block whose least key is the greatest that is not above this one, or the one with the least of all.
std::uint32_t GroupTable::block_for(const Group& group, float key) const {
    float below = -1;
    float lowest = 2 * kFar;
    std::uint32_t best = 0;
    std::uint32_t first = 0;
    for (std::size_t number = 0; number < group.blocks; ++number) {
        const BlockHeads& heads = group.heads[number / kLaneStep];
        const float least = heads.least.front().at(kKeyDirection, number % kLaneStep);
        if (least <= key && least > below) {
            below = least;
            best = heads.blocks[number % kLaneStep];
        }
        if (least < lowest) {
            lowest = least;
            first = heads.blocks[number % kLaneStep];
        }
    }
    return below >= 0 ? best : first;
}

// Moves the upper half of a full block to a new one and returns the one for the key.
std::uint32_t GroupTable::split(Group* group, std::uint32_t block, float key, std::span<UnitRecord> units) {
    const std::uint32_t fresh = add_block(group);
    Block& low_half = blocks_[block];
    Block& high_half = blocks_[fresh];
    std::array<std::size_t, Block::kEntries> order;
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::ranges::sort(order, {}, [&](std::size_t entry) { return std::pair{key_of(low_half, entry), entry}; });
    const Block before = low_half;
    constexpr std::size_t kHalf = Block::kEntries / 2;
    for (std::size_t at = 0; at < Block::kEntries; ++at) {
        const bool is_low = at < kHalf;
        move_entry(before, order[at], is_low ? &low_half : &high_half, at % kHalf);
        units[before.units[order[at]]].place =
            (is_low ? block : fresh) << kPlaceShift | static_cast<std::uint32_t>(at % kHalf);
    }
    std::fill(low_half.flaws_and_kinds.begin() + kHalf, low_half.flaws_and_kinds.end(), Block::kFlawsMask);
    std::fill(low_half.features.begin() + kHalf, low_half.features.end(), Features{0});
    metas_[block].count = kHalf;
    metas_[fresh].count = kHalf;
    settle_head(group, block);
    settle_head(group, fresh);
    return key < key_of(high_half, 0) ? block : fresh;
}

void GroupTable::insert(std::uint32_t slot, std::span<UnitRecord> units) {
    UnitRecord& unit = units[slot];
    Group& group = group_of(unit);
    const Scores scores = scores_of(unit);
    std::uint32_t index = group.blocks == 0 ? add_block(&group) : block_for(group, scores[kKeyDirection]);
    if (metas_[index].count == Block::kEntries) index = split(&group, index, scores[kKeyDirection], units);
    Meta& meta = metas_[index];
    Block& block = blocks_[index];
    const std::uint32_t entry = meta.count++;
    block.prices[entry] = unit.price_micro;
    block.units[entry] = slot;
    block.flaws_and_kinds[entry] = flaws_and_kind_of(unit);
    block.states[entry] = static_cast<std::uint16_t>(unit.state);
    block.features[entry] = features_of(unit);
    unit.place = index << kPlaceShift | entry;
    const Seat seat = seat_of(unit);
    seat.heads->most[seat.lane] = merged(seat.heads->most[seat.lane], block.features[entry]);
    enter_all(unit, seat, block.features[entry]);
}

GroupTable::Seat GroupTable::seat_of(const UnitRecord& unit) {
    Meta& meta = metas_[unit.place >> kPlaceShift];
    return {&blocks_[unit.place >> kPlaceShift], &meta, unit.place & kPlaceMask,
            &group_of(unit).heads[meta.head / kLaneStep], meta.head % kLaneStep};
}

void GroupTable::remove(std::uint32_t slot, std::span<UnitRecord> units) {
    const UnitRecord& unit = units[slot];
    Group& group = group_of(unit);
    const Seat seat = seat_of(unit);
    CHECK(seat.block->units[seat.entry] == slot);
    const Features features = seat.block->features[seat.entry];
    const std::size_t last = --seat.meta->count;
    const std::size_t gone = seat.entry;
    if (last != gone) {
        move_entry(*seat.block, last, seat.block, gone);
        units[seat.block->units[gone]].place = unit.place;
    }
    seat.block->flaws_and_kinds[last] = Block::kFlawsMask;
    seat.block->features[last] = 0;
    leave_all(unit, seat, features);
    if (last == 0) {
        drop_block(&group, unit.place >> kPlaceShift);
    } else {
        seat.heads->most[seat.lane] = kernels_->most(*seat.block);
    }
}

void GroupTable::update(const UnitRecord& unit) {
    const Seat seat = seat_of(unit);
    const Features before = seat.block->features[seat.entry];
    const Features after = features_of(unit);
    seat.block->states[seat.entry] = static_cast<std::uint16_t>(unit.state);
    if (before == after) return;
    seat.block->features[seat.entry] = after;
    Features& most = seat.heads->most[seat.lane];
    most = covers(after, before) ? merged(most, after) : kernels_->most(*seat.block);
    const Scores scores = scores_of(unit);
    const auto move = [&](std::size_t base, std::size_t from, std::size_t to) {
        if (to > from) enter(unit, seat, scores, base + from, base + to);
        if (to < from) leave(unit, seat, scores, base + to, base + from);
    };
    move(1, step_of(before), step_of(after));
    move(kHandyLevels, handy_step_of(before), handy_step_of(after));
}

void GroupTable::hide(const UnitRecord& unit) {
    const Seat seat = seat_of(unit);
    seat.block->flaws_and_kinds[seat.entry] |= Block::kFlawsMask;  // more than any demand allows
    leave_all(unit, seat, seat.block->features[seat.entry]);
}

void GroupTable::show(const UnitRecord& unit) {
    const Seat seat = seat_of(unit);
    seat.block->flaws_and_kinds[seat.entry] = flaws_and_kind_of(unit);
    enter_all(unit, seat, seat.block->features[seat.entry]);
}

GroupTable::Mix GroupTable::mix_of(std::uint64_t price_weight, std::uint64_t quality_weight) const {
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
    // Never quite zero, so that an empty group stays out of reach.
    constexpr double kLeast = 1e-12;
    return {first, static_cast<float>(std::max(first_weight, kLeast)),
            static_cast<float>(std::max(second_weight, kLeast))};
}

void GroupTable::reserve(std::size_t units) {
    blocks_.reserve(units / Block::kEntries);
    metas_.reserve(units / Block::kEntries);
}

std::size_t GroupTable::bytes() const {
    std::size_t total = lows_.capacity() * sizeof(Lanes) + stale_.capacity() * sizeof(std::uint64_t) +
                        groups_.capacity() * sizeof(Group) + blocks_.capacity() * sizeof(Block) +
                        metas_.capacity() * sizeof(Meta) + free_blocks_.capacity() * sizeof(std::uint32_t);
    for (const Group& group : groups_) total += group.heads.capacity() * sizeof(BlockHeads);
    return total;
}

}  // namespace vcity::placement
