// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "adapters/runtime_asio/runtime.hpp"
#include "base/result.hpp"

namespace vcity::cell {

// What a batch job of a cluster runs for the agent: the sandbox that spec.json in the folder asks for, with its input,
// output and end in the files of adapters/sandbox_slurm/cell_files.hpp. Gives the status that the job is to end with.
// SIGTERM ends the sandbox.
int run_cell(adapters::AsioRuntime* runtime, const std::string& folder);

}  // namespace vcity::cell
