// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "model/unit.hpp"
#include "wiring/role_options.hpp"

namespace vcity::wiring {

// The units that a node offers for customers' commands: one with a share of this machine's cores and memory, or none.
// Units with GPUs need a sandbox that can pass devices on, which bubblewrap is not.
Result<std::vector<UnitOffer>> unit_offers(const NodeRunOptions& options);

}  // namespace vcity::wiring
