// SPDX-License-Identifier: Apache-2.0
#include "model_runner.hpp"
#include "verify/weights_root.hpp"

namespace vcity::worker {

Result<Hash> weights_root_of(const checkpoint::TensorMap& tensors) {
    static_assert(static_cast<int>(verify::TensorType::kBfloat16) == static_cast<int>(checkpoint::DType::kBfloat16));
    static_assert(static_cast<int>(verify::TensorType::kFloat16) == static_cast<int>(checkpoint::DType::kFloat16));
    verify::WeightsRoot root;
    for (const auto& [name, tensor] : tensors) {
        TRY_OK(root.add({.name = name,
                         .type = static_cast<verify::TensorType>(tensor.dtype),
                         .dims = tensor.shape,
                         .bytes = tensor.bytes}));
    }
    return root.root();
}

}  // namespace vcity::worker
