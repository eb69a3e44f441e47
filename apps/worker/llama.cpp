// SPDX-License-Identifier: Apache-2.0
#include "llama.hpp"

#include <cmath>
#include <limits>

namespace vcity::worker {

std::vector<NamedTensor> LlamaWeights::named(const ModelConfig& config) {
    std::vector<NamedTensor> out;
    out.push_back({"model.embed_tokens.weight", &embedding});
    for (std::size_t i = 0; i < layers.size(); ++i) {
        const std::string prefix = "model.layers." + std::to_string(i) + ".";
        LayerWeights& layer = layers[i];
        out.push_back({prefix + "input_layernorm.weight", &layer.attention_norm});
        out.push_back({prefix + "self_attn.q_proj.weight", &layer.query});
        out.push_back({prefix + "self_attn.k_proj.weight", &layer.key});
        out.push_back({prefix + "self_attn.v_proj.weight", &layer.value});
        out.push_back({prefix + "self_attn.o_proj.weight", &layer.output});
        out.push_back({prefix + "post_attention_layernorm.weight", &layer.mlp_norm});
        out.push_back({prefix + "mlp.gate_proj.weight", &layer.gate});
        out.push_back({prefix + "mlp.up_proj.weight", &layer.up});
        out.push_back({prefix + "mlp.down_proj.weight", &layer.down});
    }
    out.push_back({"model.norm.weight", &final_norm});
    if (!config.tie_word_embeddings) out.push_back({"lm_head.weight", &head});
    return out;
}

RotaryTable rotary_table(const ModelConfig& config, const torch::Tensor& positions) {
    const auto options = torch::TensorOptions().dtype(torch::kFloat64).device(positions.device());
    const auto exponents = torch::arange(0, config.head_dim, 2, options) / static_cast<double>(config.head_dim);
    const auto frequencies = torch::pow(config.rope_theta, -exponents);
    const auto angles = positions.to(torch::kFloat64).unsqueeze(1) * frequencies.unsqueeze(0);
    const auto both = torch::cat({angles, angles}, 1);
    return RotaryTable{.cosine = both.cos().to(torch::kFloat32), .sine = both.sin().to(torch::kFloat32)};
}

torch::Tensor rms_norm(const torch::Tensor& input, const torch::Tensor& weight, double epsilon) {
    const auto wide = input.to(torch::kFloat32);
    const auto scale = torch::rsqrt(wide.square().mean(-1, true) + epsilon);
    return (wide * scale).to(input.dtype()) * weight;
}

torch::Tensor rotate(const torch::Tensor& input, const RotaryTable& table) {
    const auto halves = input.chunk(2, -1);
    const auto turned = torch::cat({-halves[1], halves[0]}, -1);
    const auto cosine = table.cosine.unsqueeze(1).to(input.dtype());
    const auto sine = table.sine.unsqueeze(1).to(input.dtype());
    return input * cosine + turned * sine;
}

torch::Tensor feed_forward(const LayerWeights& layer, const torch::Tensor& input) {
    const auto gate = torch::silu(torch::linear(input, layer.gate));
    return torch::linear(gate * torch::linear(input, layer.up), layer.down);
}

torch::Tensor attention(const torch::Tensor& query, const torch::Tensor& key, const torch::Tensor& value,
                        const torch::Tensor& mask) {
    const auto groups = query.size(1) / key.size(1);
    const auto keys = groups == 1 ? key : key.repeat_interleave(groups, 1);
    const auto values = groups == 1 ? value : value.repeat_interleave(groups, 1);
    const double scale = 1.0 / std::sqrt(static_cast<double>(query.size(3)));
    const auto scores = torch::matmul(query * scale, keys.transpose(2, 3)) + mask;
    return torch::matmul(torch::softmax(scores, -1), values);
}

namespace {

torch::Tensor attend_sequences(const LayerWeights& layer, const ModelConfig& config, const torch::Tensor& input,
                               const RotaryTable& table, const torch::Tensor& mask) {
    const auto batch = input.size(0);
    const auto count = input.size(1);
    const auto heads = [&](const torch::Tensor& weight, std::int64_t number) {
        return torch::linear(input, weight).view({batch, count, number, config.head_dim});
    };
    const auto query = rotate(heads(layer.query, config.heads), table).transpose(1, 2);
    const auto key = rotate(heads(layer.key, config.kv_heads), table).transpose(1, 2);
    const auto value = heads(layer.value, config.kv_heads).transpose(1, 2);
    const auto mixed = attention(query, key, value, mask).transpose(1, 2).reshape({batch, count, -1});
    return torch::linear(mixed, layer.output);
}

}  // namespace

torch::Tensor forward_sequences(const LlamaWeights& weights, const ModelConfig& config, const torch::Tensor& tokens) {
    const auto count = tokens.size(1);
    const auto table = rotary_table(config, torch::arange(count, torch::kInt64));
    const auto mask = torch::full({count, count}, -std::numeric_limits<float>::infinity()).triu(1);
    auto hidden = torch::embedding(weights.embedding, tokens);
    for (const LayerWeights& layer : weights.layers) {
        const auto normed = rms_norm(hidden, layer.attention_norm, config.rms_norm_eps);
        hidden = hidden + attend_sequences(layer, config, normed, table, mask);
        hidden = hidden + feed_forward(layer, rms_norm(hidden, layer.mlp_norm, config.rms_norm_eps));
    }
    return torch::linear(rms_norm(hidden, weights.final_norm, config.rms_norm_eps), weights.head);
}

}  // namespace vcity::worker
