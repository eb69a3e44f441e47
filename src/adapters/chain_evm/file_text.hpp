// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "base/result.hpp"

namespace vcity::adapters {

// The whole file. kNotFound when there is none, kInvalid when it is larger than that.
Result<std::string> read_text(const std::string& path, std::size_t bytes_max);
// Replaces the file as a whole, or not at all.
Result<void> write_text(const std::string& path, const std::string& text);

}  // namespace vcity::adapters
