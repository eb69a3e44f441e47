// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "placement/unit_record.hpp"

namespace vcity::placement {

// The first byte of Features: the largest free share of a GPU in steps, and the whole GPUs above all shares.
std::uint8_t free_gpus_feature(std::size_t gpus, std::uint16_t milli);

Features features_of(const UnitRecord& unit);
Features features_for(const UnitDemand& demand);

}  // namespace vcity::placement
