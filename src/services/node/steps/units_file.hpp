// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "model/unit.hpp"

namespace vcity::node {

inline constexpr std::size_t kUnitsFileBytesMax = 1U << 20U;
inline constexpr std::size_t kUnitsMax = 4096;

// The units that a node offers, from a JSON file:
//   {"units": [{"cpu_milli": 4000, "memory_mib": 8192, "disk_mib": 1024, "hourly": "0.01", "spot_hourly": "0.004"}]}
// cpu_milli, memory_mib and hourly (USD for one core, as text) must be there. Units are numbered in their order, from
// 0. kInvalid names the unit and the field. Units with GPUs are refused: the sandbox cannot pass a device on.
Result<std::vector<UnitOffer>> parse_units_file(std::string_view text);

}  // namespace vcity::node
