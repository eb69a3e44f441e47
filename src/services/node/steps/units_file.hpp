// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "model/unit.hpp"

namespace vcity::node {

inline constexpr std::size_t kUnitsFileBytesMax = 1U << 20U;
inline constexpr std::size_t kUnitsMax = 4096;

// What a node offers, and which of the machine's GPUs stand behind it.
struct OwnUnits {
    std::vector<UnitOffer> offers;
    std::map<std::uint32_t, std::vector<std::string>> gpus;  // CDI names of a unit's GPUs, by the unit's number

    bool operator==(const OwnUnits&) const = default;
};

// The units that a node offers, from a JSON file:
//   {"units": [{"cpu_milli": 4000, "memory_mib": 8192, "disk_mib": 1024, "hourly": "0.01", "spot_hourly": "0.004"},
//              {"cpu_milli": 16000, "memory_mib": 65536, "hourly": "1.20", "gpu_model": "NVIDIA H100",
//               "gpus": ["nvidia.com/gpu=0", "nvidia.com/gpu=1"], "vram_mib": 81559, "interconnect": "nvlink"}]}
// cpu_milli, memory_mib and hourly (USD for one GPU, or for one core without GPUs, as text) must be there; with gpus
// also gpu_model and vram_mib. A GPU stands in one unit only. Units are numbered in their order, from 0. kInvalid names
// the unit and the field.
Result<OwnUnits> parse_units_file(std::string_view text);

}  // namespace vcity::node
