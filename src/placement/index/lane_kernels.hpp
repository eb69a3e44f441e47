// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace vcity::placement {

// The inner loops of the search, sixteen lanes at a time where the processor can. Which variant runs never changes a
// decision: what they compute are bounds with slack and necessary conditions, and every survivor is checked in
// integers.

inline constexpr std::size_t kLanesMax = 64;
inline constexpr std::size_t kLaneStep = 16;  // rows of floats are padded to a multiple
// Static scores, price times a part plus flaws times another, are kept for so many directions; see GroupTable.
inline constexpr std::size_t kDirections = 4;
inline constexpr float kFar = 1e30F;  // in place of a score where there is no unit

struct alignas(64) Lanes {
    std::array<float, kLaneStep> values{};
};

// What a unit has and a demand needs, a byte each, coarse and rounded down alike; a demand fits only a unit that has
// at least as much in every byte.
using Features = std::uint64_t;

// Sixteen units of a group, field by field. An unused entry has all flaws there can be and no features, so that none
// fits.
struct alignas(64) Block {
    static constexpr std::size_t kEntries = kLaneStep;
    static constexpr std::uint16_t kKindBit = 1U << 14U;
    static constexpr std::uint16_t kFlawsMask = kKindBit - 1;  // all of it: nobody is here, or hidden

    std::array<std::uint32_t, kEntries> prices{};
    std::array<std::uint32_t, kEntries> units{};
    std::array<Features, kEntries> features{};
    // kReputationMax less the reputation; kKindBit is set for flexible units.
    std::array<std::uint16_t, kEntries> flaws_and_kinds{};
    std::array<std::uint16_t, kEntries> states{};

    Block() { flaws_and_kinds.fill(kFlawsMask); }
};
static_assert(sizeof(Block) == 320);

// Levels of free GPUs for which least scores are kept; see GroupTable.
inline constexpr std::size_t kLevels = 14;

// The least static scores of sixteen blocks, kFar in unused lanes; those of one block are in one line.
struct alignas(64) HeadScores {
    static constexpr std::size_t kStep = 4;

    std::array<std::array<std::array<float, kStep>, kDirections>, kLaneStep / kStep> lines;

    float& at(std::size_t direction, std::size_t lane) { return lines[lane / kStep][direction][lane % kStep]; }
    float at(std::size_t direction, std::size_t lane) const { return lines[lane / kStep][direction][lane % kStep]; }
};

// What is known of sixteen blocks without looking at them.
struct alignas(64) BlockHeads {
    std::array<HeadScores, kLevels> least;  // of the units that a level counts
    std::array<Features, kLaneStep> most{};
    std::array<std::uint32_t, kLaneStep> blocks{};
};

using DirectionScores = std::array<float, kDirections>;

struct Directions {
    std::array<float, kDirections> price_parts{};
    std::array<float, kDirections> quality_parts{};
};

// value[i] = first[i] * first_weight + second[i] * second_weight + third[i] * third_weight + base, and kFar where
// capped[i] is above the cap.
struct BoundSum {
    const float* first;
    const float* second;
    const float* third;
    const float* capped;
    float first_weight;
    float second_weight;
    float third_weight;
    float base;
    float cap;
};
struct Lowest {
    float value = 0;
    std::size_t lane = 0;
};

struct BlockFilter {
    float base;
    float price_weight;
    float quality_weight;
    float threshold;    // of base + price * price_weight + flaws * quality_weight
    float price_max;    // with slack
    std::size_t first;  // heads: of base + least[first] * first_weight + least[first + 1] * second_weight
    float first_weight;
    float second_weight;
    std::uint16_t flaws_max;
    std::uint16_t kind_mask;   // what of kKindBit is looked at
    std::uint16_t kind_value;  // and must be
    Features need;
};

struct LaneKernels {
    // `lanes` is a multiple of kLaneStep up to kLanesMax; arrays are aligned to 64 bytes.
    float (*bounds)(const BoundSum& sum, std::size_t lanes, float* values);  // the least of the values
    // Bit per lane whose value is not above the threshold.
    std::uint64_t (*at_most)(const float* values, std::size_t lanes, float threshold);
    // The first of the least of the lanes of the mask, out of up to kLanesMax; kFar where there is none.
    Lowest (*lowest_in)(const float* values, std::uint64_t mask);
    // The least of the lanes of the mask, or kFar.
    float (*least_in)(const float* values, std::size_t lanes, std::uint64_t mask);
    // Bit per entry that may pass.
    unsigned (*block)(const Block& block, const BlockFilter& filter);
    // Bit per block that may hold a unit that passes, all of which the level counts; `values`: the bounds.
    unsigned (*heads)(const BlockHeads& heads, std::size_t level, const BlockFilter& filter, float* values);
    // The greatest of each byte of the features.
    Features (*most)(const Block& block);
    // The least static scores of the units in a block whose features cover these; kFar where there is none.
    DirectionScores (*least)(const Block& block, Features need, const Directions& directions);
};

const LaneKernels& best_kernels();  // the fastest that this processor runs
// All that it runs, the plain ones first and the fastest last.
std::vector<const LaneKernels*> runnable_kernels();

// At least as much in every byte.
inline bool covers(Features has, Features need) {
    // The high bits apart, so that no byte borrows from the next.
    constexpr std::uint64_t kHigh = 0x8080808080808080ULL;
    const std::uint64_t low = (has | kHigh) - (need & ~kHigh);  // high bit: the low seven bits are at least the other's
    const std::uint64_t is_more = has & ~need;
    const std::uint64_t is_equal = ~(has ^ need);
    return (((is_more | (is_equal & low)) & kHigh)) == kHigh;
}

// The greater of each byte.
inline Features merged(Features left, Features right) {
    Features greater = 0;
    for (unsigned shift = 0; shift < 64; shift += 8) {
        const std::uint64_t mask = 0xffULL << shift;
        greater |= (left & mask) > (right & mask) ? left & mask : right & mask;
    }
    return greater;
}

}  // namespace vcity::placement
