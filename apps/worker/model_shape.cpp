// SPDX-License-Identifier: Apache-2.0
#include "model_runner.hpp"

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

}  // namespace vcity::worker
