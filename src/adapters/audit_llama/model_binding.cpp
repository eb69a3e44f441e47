// SPDX-License-Identifier: Apache-2.0
#include "adapters/audit_llama/model_binding.hpp"

#include "base/check.hpp"

namespace vcity::adapters {
namespace {

verify::TensorType type_of(checkpoint::DType dtype) {
    switch (dtype) {
        case checkpoint::DType::kFloat32: return verify::TensorType::kFloat32;
        case checkpoint::DType::kFloat16: return verify::TensorType::kFloat16;
        case checkpoint::DType::kBfloat16: return verify::TensorType::kBfloat16;
    }
    unreachable();
}

}  // namespace

Result<verify::ModelShape> verification_shape(const checkpoint::ModelConfig& config, verify::ComputeType compute) {
    // parse_model_config() bounds every size far below 32 bits.
    const auto narrow = [](std::uint64_t size) { return static_cast<std::uint32_t>(size); };
    const verify::ModelShape shape{.layers = narrow(config.layers),
                                   .hidden = narrow(config.hidden_size),
                                   .heads = narrow(config.heads),
                                   .kv_heads = narrow(config.kv_heads),
                                   .head_dim = narrow(config.head_dim),
                                   .ffn = narrow(config.intermediate_size),
                                   .vocab = narrow(config.vocab_size),
                                   .rms_eps = config.rms_norm_eps,
                                   .rope_theta = config.rope_theta,
                                   .tied_embeddings = config.tie_word_embeddings,
                                   .scaled_rope = config.rope_scaling.has_value(),
                                   .compute = compute};
    TRY_OK(verify::validate(shape));
    return shape;
}

std::vector<verify::TensorView> tensor_views(const checkpoint::TensorMap& tensors) {
    std::vector<verify::TensorView> views;
    views.reserve(tensors.size());
    for (const auto& [name, tensor] : tensors) {
        views.push_back({.name = name, .type = type_of(tensor.dtype), .dims = tensor.shape, .bytes = tensor.bytes});
    }
    return views;
}

}  // namespace vcity::adapters
