// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <bit>
#include <cstdint>

#include "placement/packing_policy.hpp"

namespace vcity::placement {

// The milli of a unit's GPUs side by side, all worked on at once and without a branch. What is stored whole can also be
// loaded whole at once, which single GPUs written a moment before cannot. Part of the index.
using GpuLanes = std::uint16_t __attribute__((vector_size(2 * kGpusMax)));
using GpuMilli = std::array<std::uint16_t, kGpusMax>;
static_assert(kGpusMax == 8 && sizeof(GpuLanes) == sizeof(GpuMilli));

inline GpuLanes lanes_of(const GpuMilli& milli) {
    return std::bit_cast<GpuLanes>(milli);
}
inline GpuMilli milli_of(GpuLanes lanes) {
    return std::bit_cast<GpuMilli>(lanes);
}
inline GpuLanes all_lanes(std::uint16_t milli) {
    return GpuLanes{} + milli;
}

// `milli` in the lanes of the mask, zero in the others.
inline GpuLanes lanes_in(std::uint8_t mask, std::uint16_t milli) {
    constexpr GpuLanes kBits = {1, 2, 4, 8, 16, 32, 64, 128};
    return std::bit_cast<GpuLanes>((all_lanes(mask) & kBits) != 0) & milli;
}

inline bool has_any(GpuLanes lanes) {
    const auto words = std::bit_cast<std::array<std::uint64_t, 2>>(lanes);
    return (words[0] | words[1]) != 0;
}

// How many lanes are at least so much.
inline unsigned count_from(GpuLanes lanes, std::uint16_t milli) {
    const auto ones = std::bit_cast<GpuLanes>(lanes >= milli) >> 15;
    const auto words = std::bit_cast<std::array<std::uint64_t, 2>>(ones);
    return static_cast<unsigned>(((words[0] + words[1]) * 0x0001'0001'0001'0001ULL) >> 48U);
}

// Values are below 2^15, so that the signed comparison, which every processor has, will do.
inline GpuLanes greater_of(GpuLanes left, GpuLanes right) {
    using Signed = std::int16_t __attribute__((vector_size(2 * kGpusMax)));
    const auto is_less = std::bit_cast<GpuLanes>(std::bit_cast<Signed>(left) < std::bit_cast<Signed>(right));
    return (right & is_less) | (left & ~is_less);
}

inline std::uint16_t greatest(GpuLanes lanes) {
    lanes = greater_of(lanes, __builtin_shufflevector(lanes, lanes, 4, 5, 6, 7, 0, 1, 2, 3));
    lanes = greater_of(lanes, __builtin_shufflevector(lanes, lanes, 2, 3, 0, 1, 4, 5, 6, 7));
    return greater_of(lanes, __builtin_shufflevector(lanes, lanes, 1, 0, 2, 3, 4, 5, 6, 7))[0];
}

// In descending order: a bitonic sorting network (Batcher, 1968).
inline GpuLanes descending(GpuLanes lanes) {
    // Compares each lane with its partner; the lanes of the mask keep the greater, the others the less.
    const auto exchange = [&lanes](GpuLanes partner, std::uint8_t mask) {
        const GpuLanes high = lanes_in(mask, 0xffff);
        const GpuLanes greater = greater_of(lanes, partner);
        const GpuLanes less = lanes + partner - greater;
        lanes = (greater & high) | (less & ~high);
    };
    exchange(__builtin_shufflevector(lanes, lanes, 1, 0, 3, 2, 5, 4, 7, 6), 0b10011001);
    exchange(__builtin_shufflevector(lanes, lanes, 2, 3, 0, 1, 6, 7, 4, 5), 0b11000011);
    exchange(__builtin_shufflevector(lanes, lanes, 1, 0, 3, 2, 5, 4, 7, 6), 0b10100101);
    exchange(__builtin_shufflevector(lanes, lanes, 4, 5, 6, 7, 0, 1, 2, 3), 0b00001111);
    exchange(__builtin_shufflevector(lanes, lanes, 2, 3, 0, 1, 6, 7, 4, 5), 0b00110011);
    exchange(__builtin_shufflevector(lanes, lanes, 1, 0, 3, 2, 5, 4, 7, 6), 0b01010101);
    return lanes;
}

}  // namespace vcity::placement
