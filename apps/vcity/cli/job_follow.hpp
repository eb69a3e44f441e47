// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "cli/command.hpp"

namespace vcity::cli {

// Shows output and progress of a job until it has ended; kInterrupted when the user stops watching.
Result<Exit> follow_job(const std::string& id, Session* session);

}  // namespace vcity::cli
