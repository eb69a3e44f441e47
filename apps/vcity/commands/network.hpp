// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "cli/command.hpp"

namespace vcity::cli {

// network, nodes, leases, usage
void add_network_commands(CLI::App* root, Commands* commands);

}  // namespace vcity::cli
