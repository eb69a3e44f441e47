// SPDX-License-Identifier: Apache-2.0
#include "model_runner.hpp"
#include "verify/weights_root.hpp"

namespace vcity::worker {

Result<verify::ModelShape> model_shape(const checkpoint::ModelConfig& config, verify::ComputeType compute) {
    const auto narrow = [](std::uint64_t value) { return static_cast<std::uint32_t>(value); };
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
                                   .compute = compute};
    TRY_OK(verify::validate(shape));
    return shape;
}

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
