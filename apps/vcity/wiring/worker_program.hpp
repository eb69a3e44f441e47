// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include "base/result.hpp"

namespace vcity::wiring {

// The file of vcity-worker: the one that was named, or the one that lies beside this program. kNotFound otherwise.
Result<std::string> worker_program(const std::string& named);
// A file that lies beside this program when it is installed, or at this place from its folder in a build. Nullopt
// otherwise.
std::optional<std::string> program_beside(const std::string& installed, const std::string& built);

}  // namespace vcity::wiring
