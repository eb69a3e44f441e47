// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace vcity::placement {

// The two inner loops of the search, eight or sixteen lanes at a time where the processor can. Which variant runs never
// changes a decision: what they compute are bounds with slack, and every survivor is checked in integers.

inline constexpr std::size_t kLanesMax = 64;
inline constexpr std::size_t kLaneStep = 16;  // rows of floats are padded to a multiple

struct alignas(64) Lanes {
    std::array<float, kLaneStep> values{};
};

// Eight units of a cell, field by field.
struct alignas(128) Chunk {
    static constexpr std::size_t kEntries = 8;
    static constexpr std::uint16_t kKindBit = 1U << 14U;

    std::array<std::uint32_t, kEntries> prices{};
    std::array<std::uint32_t, kEntries> units{};
    // kReputationMax less the reputation; kKindBit is set for flexible units.
    std::array<std::uint16_t, kEntries> flaws_and_kinds{};
    std::array<std::uint16_t, kEntries> traits{};  // see Traits
    std::uint32_t next = UINT32_MAX;
};

struct BoundSum {  // value[i] = first[i] * first_weight + second[i] * second_weight + third[i] * third_weight + base
    const float* first;
    const float* second;
    const float* third;
    float first_weight;
    float second_weight;
    float third_weight;
    float base;
};
struct BoundLanes {
    std::uint64_t within = 0;  // lanes with a value of at most the threshold
    float least = 0;           // of all lanes
};

struct ChunkFilter {
    float base;
    float price_weight;
    float quality_weight;
    float threshold;  // of base + price * price_weight + flaws * quality_weight
    float price_max;  // with slack
    std::uint16_t flaws_max;
    std::uint16_t kind_mask;   // what of kKindBit is looked at
    std::uint16_t kind_value;  // and must be
    std::uint16_t need;        // Traits that are at least these
};

struct LaneKernels {
    // `lanes` is a multiple of kLaneStep up to kLanesMax; arrays are aligned to 64 bytes.
    BoundLanes (*bounds)(const BoundSum& sum, std::size_t lanes, float threshold, float* values);
    std::uint64_t (*within)(const float* values, std::size_t lanes, float threshold);
    // Bit per entry that may pass, unused entries included.
    unsigned (*chunk)(const Chunk& chunk, const ChunkFilter& filter);
};

// The fastest that this processor runs, and the plain ones, for tests.
const LaneKernels& best_kernels();
const LaneKernels& plain_kernels();

}  // namespace vcity::placement
