// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "cli/command.hpp"

namespace vcity::cli {

// node join
void add_node_join(CLI::App* node, Commands* commands);
// node status, drain, resume, maintain, start, stop
void add_node_status(CLI::App* node, Commands* commands);
// node earnings
void add_node_earnings(CLI::App* node, Commands* commands);
// node doctor, support-bundle, unit-file
void add_node_doctor(CLI::App* node, Commands* commands);

}  // namespace vcity::cli
