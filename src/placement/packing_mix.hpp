// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "placement/packing_policy.hpp"

namespace vcity::placement {

inline constexpr std::size_t kPackingModels = 64;

// What is asked of the network: shapes of requests with counts, memory ignored. Learnt from arrivals, or filled from a
// record of earlier ones. Holds at most kShapesMax shapes; a new one then takes the place and the count of the rarest
// (Space-Saving, Metwally et al., ICDT 2005), so frequent shapes stay and are overcounted by no more than the rarest.
class RequestMix {
  public:
    static constexpr std::size_t kShapesMax = 512;

    struct Shape {
        GpuRequest request;
        std::uint64_t count = 0;
    };

    void add(const GpuRequest& request);
    // Forgets half of the past, so that a mix that changes is followed.
    void halve();

    std::span<const Shape> shapes() const { return shapes_; }
    std::uint64_t total() const { return total_; }
    // The most frequent shapes that make up `share` of all requests (0 to 1), the most frequent first; equal counts by
    // the fields of the request, so that the order of arrivals does not matter.
    std::vector<Shape> typical(double share) const;

  private:
    std::vector<Shape> shapes_;
    std::uint64_t total_ = 0;
};

// What the network has, as far as packing is concerned.
struct PackingSupply {
    static constexpr std::size_t kLevels = 101;
    static constexpr std::uint16_t kLevelMilli = 10;

    std::uint64_t gpu_milli = 0;  // busy parts included
    std::uint64_t cpu_milli = 0;  // likewise
    std::array<std::uint64_t, kPackingModels> free_gpu_milli{};
    std::array<std::uint32_t, kLevels> gpus_at{};  // [level]: GPUs with 10 * level to 10 * level + 9 milli free
    std::uint64_t models = 0;                      // bit i: there are units of GPU model i

    // One unit, and the CPU that it has when nothing runs on it.
    void add(const GpuState& unit, std::uint32_t cpu_total_milli);
    std::uint64_t free_gpu_milli_total() const;
};

}  // namespace vcity::placement
