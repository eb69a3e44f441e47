// SPDX-License-Identifier: Apache-2.0
#include "verify/weights_root.hpp"

#include "base/check.hpp"
#include "crypto/keccak.hpp"
#include "crypto/merkle.hpp"
#include "verify/little_endian.hpp"

namespace vcity::verify {
namespace {

constexpr std::size_t kRankMax = 8;

// Whether the product of the dimensions times the element size is the number of bytes; no overflow on the way.
bool size_matches(const TensorView& tensor) {
    std::uint64_t elements = 1;
    for (const std::uint64_t dim : tensor.dims) {
        if (dim != 0 && elements > tensor.bytes.size() / dim) return false;
        elements *= dim;
    }
    return elements * element_bytes(tensor.type) == tensor.bytes.size();
}

}  // namespace

std::size_t element_bytes(TensorType type) {
    switch (type) {
        case TensorType::kFloat32: return 4;
        case TensorType::kFloat16: return 2;
        case TensorType::kBfloat16: return 2;
    }
    unreachable();
}

Result<void> WeightsRoot::add(const TensorView& tensor) {
    const std::string name{tensor.name};
    if (tensor.dims.size() > kRankMax || !size_matches(tensor)) {
        return make_error(Errc::kInvalid, "tensor " + name + ": dimensions and bytes do not match");
    }
    Bytes leaf;
    append(&leaf, crypto::keccak256_text(tensor.name).view());
    detail::put(&leaf, static_cast<std::uint8_t>(tensor.type));
    detail::put(&leaf, static_cast<std::uint8_t>(tensor.dims.size()));
    for (const std::uint64_t dim : tensor.dims) detail::put(&leaf, dim);
    append(&leaf, crypto::keccak256(tensor.bytes).view());
    if (!leaves_.emplace(name, crypto::keccak256(leaf)).second) {
        return make_error(Errc::kInvalid, "tensor " + name + " appears twice");
    }
    return {};
}

Hash WeightsRoot::root() const {
    std::vector<Hash> leaves;
    leaves.reserve(leaves_.size());
    for (const auto& [name, leaf] : leaves_) leaves.push_back(leaf);
    return crypto::MerkleTree{std::move(leaves)}.root();
}

Result<Hash> weights_root(const std::vector<TensorView>& tensors) {
    WeightsRoot root;
    for (const TensorView& tensor : tensors) {
        TRY_OK(root.add(tensor));
    }
    return root.root();
}

}  // namespace vcity::verify
