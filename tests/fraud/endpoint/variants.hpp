// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>

#include "base/result.hpp"

namespace vcity::blackbox {

// Writes a changed copy of a model directory: its matrices cheaper or different, its files otherwise the same.
//   int8: symmetric per row; int4: symmetric in groups of 32; fp8: e4m3 per row; noise1: 1 % Gaussian noise, as a small
//   fine-tune; short: without the last layer
// kInvalid for another name.
Result<void> write_variant(const std::filesystem::path& from,
                           const std::filesystem::path& to,
                           const std::string& change);

}  // namespace vcity::blackbox
