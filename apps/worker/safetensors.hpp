// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace vcity::worker {

// The numbers are part of the weights root: never renumber.
enum class DType : std::uint8_t { kF32 = 0, kF16 = 1, kBf16 = 2 };

struct TensorToStore {
    std::string name;
    DType dtype;
    std::vector<std::int64_t> shape;
    std::span<const std::uint8_t> bytes;
};

Result<bool> write_safetensors(const std::filesystem::path& path, std::span<const TensorToStore> tensors);

}  // namespace vcity::worker
