// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "services/node/steps/units_file.hpp"
#include "wiring/role_options.hpp"

namespace vcity::wiring {

// The units that a node offers for customers' commands, all with these features: those of its file, or one with a share
// of this machine's cores and memory, or none.
Result<node::OwnUnits> unit_offers(const NodeRunOptions& options, std::uint32_t features);

}  // namespace vcity::wiring
