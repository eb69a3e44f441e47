// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.hpp"
#include "base/result.hpp"

namespace vcity::verify {

// Number formats of stored tensors; the numbers are part of the root.
enum class TensorType : std::uint8_t { kFloat32 = 0, kFloat16 = 1, kBfloat16 = 2 };
std::size_t element_bytes(TensorType type);

// A tensor as it is stored: row-major, little-endian, borrowed (e.g. from a mapped file).
struct TensorView {
    std::string_view name;  // the Hugging Face name; a tied head is not listed
    TensorType type = TensorType::kFloat32;
    std::vector<std::uint64_t> dims;  // at most 8
    ByteView bytes;
};

// The identity of a model: Merkle root over its tensors sorted by name, whatever files they are spread over.
// Leaf = keccak256(keccak256(name) || u8 type || u8 rank || u64 dims... || keccak256(bytes)), little-endian.
class WeightsRoot {
  public:
    // Any order; the bytes are needed during the call only. kInvalid for a repeated name or a size that does not match.
    Result<void> add(const TensorView& tensor);
    Hash root() const;

  private:
    std::map<std::string, Hash, std::less<>> leaves_;
};

Result<Hash> weights_root(const std::vector<TensorView>& tensors);

}  // namespace vcity::verify
