// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "placement/unit_record.hpp"

namespace vcity::placement {

// The first byte of Features: the largest free share of a GPU in steps, and the whole GPUs above all shares.
std::uint8_t free_gpus_feature(std::size_t gpus, std::uint16_t milli);

// The last byte is the first again for units that are handy, and else 0: nearly all work asks for so much. Units that
// have GPUs left but nothing to go with them stay free, and so cheap; without this byte every search would look there.
inline constexpr unsigned kHandyShift = 56;
inline constexpr std::uint32_t kHandyCpuMilli = 500;
inline constexpr std::uint32_t kHandyMemoryMib = 2U * 1024U;
inline constexpr std::uint32_t kHandyDiskMib = 20U * 1024U;

Features features_of(const UnitRecord& unit);
Features features_for(const UnitDemand& demand);

}  // namespace vcity::placement
