// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "cli/command.hpp"

namespace vcity::cli {

// vcity verifier check-endpoint
void add_check_endpoint(CLI::App* verifier, Commands* commands);

}  // namespace vcity::cli
