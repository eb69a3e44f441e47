// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>

namespace vcity::placement {

inline constexpr std::size_t kGpusMax = 8;  // of one execution unit; a larger machine is several units
inline constexpr std::uint16_t kWholeGpuMilli = 1000;
inline constexpr std::uint16_t kPenaltyMax = 30'000;

// What a unit has left, as far as packing is concerned.
struct GpuState {
    std::uint8_t model = 0;  // index of the GPU model in the catalogue
    std::uint8_t gpus = 0;   // of the unit, busy ones included
    // Thousandths of each GPU that are free, for the first `gpus` entries; the others are zero. The index gives them
    // in descending order, so states that differ only in the numbering of the GPUs are one state.
    std::array<std::uint16_t, kGpusMax> left_milli{};
    std::uint32_t cpu_left_milli = 0;
    std::uint32_t memory_left_mib = 0;

    bool operator==(const GpuState&) const = default;
};

// What a demand takes from one unit.
struct GpuRequest {
    std::uint64_t models = 0;     // bit i: GPU model i of the catalogue will do
    std::uint8_t gpus = 0;        // 0: no GPU at all
    std::uint16_t gpu_milli = 0;  // of each GPU; 1000 when gpus > 1
    std::uint32_t cpu_milli = 0;
    std::uint32_t memory_mib = 0;

    bool operator==(const GpuRequest&) const = default;
};

struct GpuChoice {
    static constexpr std::uint8_t kAny = 0xff;

    std::uint16_t penalty = 0;  // at most kPenaltyMax; the smaller, the better the request packs here
    // For a share of one GPU: which, as an index into left_milli of the state asked about. kAny leaves it to the
    // caller, who takes the tightest GPU that fits. Not looked at otherwise: whole GPUs are taken lowest number first.
    std::uint8_t gpu = kAny;
};

// How well a request packs into a unit. Pure: equal arguments give equal answers for the life of the policy, because
// the index keeps them. Owned by the caller and must outlive the index.
class PackingPolicy {
  public:
    virtual ~PackingPolicy() = default;

    // What the policy looks at: quantities rounded down to its grain, those it ignores set to zero. The score is
    // defined on the rounded values, so a coarse grain makes fewer states and a faster index, and the finest gives the
    // policy in full. Rounding keeps model, gpus and the order of the GPUs.
    virtual GpuState rounded(const GpuState& exact) const = 0;
    virtual GpuRequest rounded(const GpuRequest& exact) const = 0;

    // Of rounded arguments. The request fits the exact state, but not always the rounded one; the answer must be
    // defined all the same.
    virtual GpuChoice choose(const GpuState& before, const GpuRequest& request) const = 0;
};

}  // namespace vcity::placement
