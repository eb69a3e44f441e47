// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "placement/index/features.hpp"

namespace vcity::placement {

// The open units of the index, in groups of equal GPU model and region. A group is blocks of sixteen units, split by a
// usual mix of price and quality, so that most of a group is left out unread. For every block, every group and several
// levels of free GPUs it keeps the least static score of the units that have as much free, in a few directions of
// (price, quality) weights, from which a lower bound for any weights follows. A least score may be lower than the
// truth, never higher: a block's are made exact at once, a group's when they are asked for. Placing and releasing
// change a unit where it stands. Part of the index; allocates only when units enter or leave.
class GroupTable {
  public:
    // Free GPUs, as in Features, from which the levels count: all units, and then those of them that are handy (see
    // features.hpp), which are all that most demands need.
    static constexpr std::array<std::uint8_t, 5> kSteps = {0, 1, 100, 201, 202};
    static constexpr std::array<std::uint8_t, 10> kHandySteps = {0, 1, 40, 60, 100, 140, 201, 202, 204, 208};
    static constexpr std::size_t kHandyLevels = kSteps.size();  // from here on
    static_assert(kLevels == kSteps.size() + kHandySteps.size() - 1);

    // Non-negative multiples of two neighbouring directions that add up to the weights.
    struct Mix {
        std::size_t first = 0;
        float first_weight = 0;
        float second_weight = 0;  // of first + 1
    };

    // `ratios`: quality per price weight of the middle directions, ascending.
    GroupTable(std::size_t models, std::size_t regions, std::array<float, kDirections - 2> ratios);

    // `units` are the index's records: the places of those that move are set.
    void insert(std::uint32_t slot, std::span<UnitRecord> units);
    void remove(std::uint32_t slot, std::span<UnitRecord> units);
    void update(const UnitRecord& unit);  // after what is left, or the state, has changed
    // No search finds the unit until it is shown again.
    void hide(const UnitRecord& unit);
    void show(const UnitRecord& unit);

    static std::size_t level_of(Features features);  // the highest that counts it
    Mix mix_of(std::uint64_t price_weight, std::uint64_t quality_weight) const;
    std::size_t region_lanes() const { return steps_ * kLaneStep; }
    // By region; kFar where there is no unit.
    const float* lows(std::size_t model, std::size_t level, std::size_t direction) const {
        return lows_[((model * kLevels + level) * kDirections + direction) * steps_].values.data();
    }
    bool is_stale(std::size_t model, std::size_t level, std::size_t region) const {
        return (stale_[model * kLevels + level] >> region & 1U) != 0;
    }
    void refresh(std::size_t model, std::size_t level, std::size_t region);  // makes the lows exact

    std::span<const BlockHeads> heads(std::size_t model, std::size_t region) const {
        return groups_[model * regions_ + region].heads;
    }
    const Block& block(std::uint32_t index) const { return blocks_[index]; }
    void prefetch_heads(std::size_t model, std::size_t level, std::size_t region) const {
        const std::vector<BlockHeads>& heads = groups_[model * regions_ + region].heads;
        if (heads.empty()) return;
        prefetch_all(heads.front().least[level]);
        prefetch_all(heads.front().most);
        prefetch_all(heads.front().blocks);
    }
    void prefetch_block(std::uint32_t index) const { prefetch_all(blocks_[index]); }

    void reserve(std::size_t units);
    std::size_t bytes() const;

  private:
    using Scores = DirectionScores;
    struct Meta {
        std::uint32_t head = 0;  // its number in the group
        std::uint32_t count = 0;
    };
    struct Group {
        std::vector<BlockHeads> heads;
        std::uint32_t blocks = 0;
    };
    struct Seat {
        Block* block;
        Meta* meta;
        std::size_t entry;
        BlockHeads* heads;
        std::size_t lane;
    };

    template <class T>
    static void prefetch_all(const T& value) {
        constexpr std::size_t kLine = 64;
        for (std::size_t at = 0; at < sizeof value; at += kLine) {
            __builtin_prefetch(reinterpret_cast<const char*>(&value) + at);
        }
    }
    Group& group_of(const UnitRecord& unit) { return groups_[unit.model * regions_ + unit.region]; }
    Seat seat_of(const UnitRecord& unit);
    Scores scores_of(const UnitRecord& unit) const;
    float& low(std::size_t model, std::size_t level, std::size_t direction, std::size_t region) {
        return lows_[((model * kLevels + level) * kDirections + direction) * steps_ + region / kLaneStep]
            .values[region % kLaneStep];
    }
    // Levels from one to before the other, which a unit enters or has left.
    void enter(const UnitRecord& unit, const Seat& seat, const Scores& scores, std::size_t from, std::size_t to);
    void leave(const UnitRecord& unit, const Seat& seat, const Scores& scores, std::size_t from, std::size_t to);
    void enter_all(const UnitRecord& unit, const Seat& seat, Features features);  // that count a unit with these
    void leave_all(const UnitRecord& unit, const Seat& seat, Features features);
    static std::size_t step_of(Features features);  // the last that counts these
    static std::size_t handy_step_of(Features features);
    static Features need_of(std::size_t level);
    std::uint32_t add_block(Group* group);
    void drop_block(Group* group, std::uint32_t block);
    void settle_head(Group* group, std::uint32_t block);
    std::uint32_t block_for(const Group& group, float key) const;
    std::uint32_t split(Group* group, std::uint32_t block, float key, std::span<UnitRecord> units);
    float key_of(const Block& block, std::size_t entry) const;

    std::size_t regions_;
    std::size_t steps_;
    Directions directions_;
    std::array<double, kDirections> ratios_{};
    const LaneKernels* kernels_ = &best_kernels();
    std::vector<Lanes> lows_;           // [model][level][direction][region]
    std::vector<std::uint64_t> stale_;  // [model][level]: bit per region whose lows may be too low
    std::vector<Group> groups_;         // [model][region]
    std::vector<Block> blocks_;
    std::vector<Meta> metas_;  // of blocks
    std::vector<std::uint32_t> free_blocks_;
};

}  // namespace vcity::placement
