// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "ports/inventory.hpp"

namespace vcity::node {

// Prometheus text of every GPU, under the names and labels of NVIDIA's DCGM exporter, so that existing dashboards show
// it; AMD cards as well. What a card does not tell is left out. DCGM_FI_DEV_XID_ERRORS is not there: it needs an event
// handle that is kept open.
std::string gpu_metrics(const ports::MachineInventory& machine, const std::string& host);

}  // namespace vcity::node
