// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "async/runtime.hpp"
#include "base/result.hpp"

namespace vcity::adapters {

struct ProgramEnd {
    int status = 0;      // 128 + n when signal n ended it
    std::string output;  // standard output and error as they came, at most 1 MiB
};

// Runs a program of the host to its end, beside the logical thread. `environment`: all that it gets. kUnavailable: it
// does not start; kTimeout: it was killed at the deadline.
Task<Result<ProgramEnd>> run_program(Runtime* runtime,
                                     std::vector<std::string> command,
                                     std::vector<std::string> environment,
                                     Duration patience);

}  // namespace vcity::adapters
