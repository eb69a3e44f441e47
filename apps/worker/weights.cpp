// SPDX-License-Identifier: Apache-2.0
#include "weights.hpp"

namespace vcity::worker {
namespace {

torch::ScalarType scalar_type(checkpoint::DType dtype) {
    switch (dtype) {
        case checkpoint::DType::kFloat32: return torch::kFloat32;
        case checkpoint::DType::kFloat16: return torch::kFloat16;
        case checkpoint::DType::kBfloat16: return torch::kBFloat16;
    }
    unreachable();
}

}  // namespace

LlamaWeights load_weights(const checkpoint::ModelDirectory& model,
                          const Dims& dims,
                          torch::Device device,
                          torch::ScalarType dtype) {
    LlamaWeights weights;
    for (const NamedWeight& weight : weights.named(dims)) {
        const auto found = model.tensors().find(weight.name);
        CHECK(found != model.tensors().end());
        const checkpoint::Tensor& stored = found->second;
        const std::vector<std::int64_t> sizes(stored.shape.begin(), stored.shape.end());
        // libtorch has no read-only view of memory; the mapped bytes are copied right away and never written.
        auto* const data = const_cast<std::uint8_t*>(stored.bytes.data());
        *weight.tensor = torch::from_blob(data, sizes, scalar_type(stored.dtype)).to(device, dtype, false, true);
    }
    if (dims.tied) weights.head = weights.embedding;
    return weights;
}

}  // namespace vcity::worker
