// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "cli/command.hpp"
#include "wiring/role_options.hpp"

namespace vcity::cli {

// node join
void add_node_join(CLI::App* node, Commands* commands);
// node status, drain, resume, maintain, start, stop
void add_node_status(CLI::App* node, Commands* commands);
// node earnings
void add_node_earnings(CLI::App* node, Commands* commands);
// node doctor, support-bundle, unit-file
void add_node_doctor(CLI::App* node, Commands* commands);
// node inventory
void add_node_inventory(CLI::App* node, Commands* commands);
// How a machine becomes units; of node inventory and node run.
void add_inventory_options(CLI::App* command, wiring::NodeRunOptions* options);

}  // namespace vcity::cli
