// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "base/result.hpp"

namespace vcity::wiring {

// The file of vcity-worker: the one that was named, or the one that lies beside this program. kNotFound otherwise.
Result<std::string> worker_program(const std::string& named);

}  // namespace vcity::wiring
