// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "torch_api.hpp"

// Tensors in files of safetensors, and files that are there as a whole or not at all.
namespace vcity::worker {

// Replaces the file in one step. kUnavailable names it.
Result<void> write_whole(const std::filesystem::path& path, ByteView bytes);

// fp32 as it is; anything else is written as bfloat16.
Bytes encode_tensors(const std::vector<std::pair<std::string, torch::Tensor>>& tensors);
// Untrusted. Copies, in fp32.
Result<std::map<std::string, torch::Tensor>> parse_tensors(ByteView file);

}  // namespace vcity::worker
