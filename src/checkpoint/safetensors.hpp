// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.hpp"
#include "base/result.hpp"

namespace vcity::checkpoint {

// Number formats of stored tensors. The numbers are those of the weights root: never renumber.
enum class DType : std::uint8_t { kFloat32 = 0, kFloat16 = 1, kBfloat16 = 2 };
std::size_t bytes_of(DType dtype);
std::string_view to_string(DType dtype);  // as safetensors writes it: "F32", "F16", "BF16"

// A tensor inside a safetensors file: row-major, little-endian, borrowed from the bytes that were parsed.
struct Tensor {
    DType dtype = DType::kFloat32;
    std::vector<std::uint64_t> shape;
    ByteView bytes;
};
using TensorMap = std::map<std::string, Tensor, std::less<>>;

inline constexpr std::uint64_t kSafetensorsHeaderMax = 64U << 20U;
inline constexpr std::size_t kTensorsMax = 100'000;
inline constexpr std::size_t kRankMax = 8;

// Untrusted bytes of a whole file. Strict: the header's length and JSON are bounded, every tensor has a known dtype and
// a size that matches its shape, and the tensors cover the data exactly, without gaps and overlaps. kCorrupt otherwise,
// with the name of the tensor. "__metadata__" is ignored.
Result<TensorMap> parse_safetensors(ByteView file);

struct NamedTensor {
    std::string name;
    Tensor tensor;
};

// The bytes of a safetensors file with the tensors in the order given; the data begins at a multiple of eight.
Bytes encode_safetensors(const std::vector<NamedTensor>& tensors);

// Tensor name to file name, from model.safetensors.index.json. File names are plain names in the same folder.
Result<std::map<std::string, std::string, std::less<>>> parse_shard_index(std::string_view text);

}  // namespace vcity::checkpoint
