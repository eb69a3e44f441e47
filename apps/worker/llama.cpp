// SPDX-License-Identifier: Apache-2.0
#include "llama.hpp"

#include <cmath>
#include <limits>
#include <numbers>

namespace vcity::worker {

Dims::Dims(const checkpoint::ModelConfig& config)
    : vocab{static_cast<std::int64_t>(config.vocab_size)},
      hidden{static_cast<std::int64_t>(config.hidden_size)},
      ffn{static_cast<std::int64_t>(config.intermediate_size)},
      layers{static_cast<std::int64_t>(config.layers)},
      heads{static_cast<std::int64_t>(config.heads)},
      kv_heads{static_cast<std::int64_t>(config.kv_heads)},
      head_dim{static_cast<std::int64_t>(config.head_dim)},
      rms_eps{config.rms_norm_eps},
      tied{config.tie_word_embeddings} {}

std::vector<NamedWeight> LlamaWeights::named(const Dims& dims) {
    std::vector<NamedWeight> out;
    out.push_back({"model.embed_tokens.weight", &embedding});
    layers.resize(static_cast<std::size_t>(dims.layers));
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
    if (!dims.tied) out.push_back({"lm_head.weight", &head});
    return out;
}

namespace {

// Llama 3.1: long wavelengths are stretched by the factor, short ones stay, those between are blended.
torch::Tensor stretched(const torch::Tensor& frequencies, const checkpoint::RopeScaling& scaling) {
    const auto original = static_cast<double>(scaling.original_positions);
    const auto turns = frequencies * (original / (2 * std::numbers::pi));
    const double span = scaling.high_frequency_factor - scaling.low_frequency_factor;
    const auto blend = ((turns - scaling.low_frequency_factor) / span).clamp(0, 1);
    return frequencies * blend + frequencies / scaling.factor * (1 - blend);
}

}  // namespace

RotaryTable rotary_table(const checkpoint::ModelConfig& config, std::int64_t count) {
    const auto width = static_cast<double>(config.head_dim);
    const auto exponents = torch::arange(0, width, 2, torch::kFloat64) / width;
    auto frequencies = torch::pow(config.rope_theta, -exponents);
    if (config.rope_scaling) frequencies = stretched(frequencies, *config.rope_scaling);
    const auto angles = torch::arange(count, torch::kFloat64).unsqueeze(1) * frequencies.unsqueeze(0);
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

torch::Tensor attention(const torch::Tensor& query,
                        const torch::Tensor& key,
                        const torch::Tensor& value,
                        const torch::Tensor& mask) {
    const auto groups = query.size(1) / key.size(1);
    const auto keys = groups == 1 ? key : key.repeat_interleave(groups, 1);
    const auto values = groups == 1 ? value : value.repeat_interleave(groups, 1);
    const double scale = 1.0 / std::sqrt(static_cast<double>(query.size(3)));
    auto scores = torch::matmul(query * scale, keys.transpose(2, 3));
    if (mask.defined()) scores = scores + mask;
    return torch::matmul(torch::softmax(scores, -1), values);
}

torch::Tensor served_attention(const torch::Tensor& query,
                               const torch::Tensor& key,
                               const torch::Tensor& value,
                               torch::ScalarType weights) {
    const auto tokens = query.size(0);
    const auto dim = query.size(2);
    const auto kv_heads = key.size(0);
    const auto seen = key.size(1);
    // Query heads that share keys stand together, so that keys and values are never repeated.
    const auto grouped = (query * (1.0 / std::sqrt(static_cast<double>(dim))))
                             .transpose(0, 1)
                             .reshape({kv_heads, query.size(1) / kv_heads * tokens, dim});
    auto scores = torch::bmm(grouped, key.transpose(1, 2));
    if (tokens > 1) {
        const auto mask = torch::full({tokens, seen}, -std::numeric_limits<float>::infinity(), query.options())
                              .triu(seen - tokens + 1);
        scores.view({query.size(1), tokens, seen}).add_(mask);
    }
    auto portions = torch::softmax(scores, -1);
    if (weights != torch::kFloat32) portions = portions.to(weights).to(torch::kFloat32);
    return torch::bmm(portions, value).view({query.size(1), tokens, dim}).transpose(0, 1).reshape({tokens, -1});
}

namespace {

enum Matrix : std::size_t { kQuery, kKey, kValue, kOutput, kGate, kUp, kDown };

torch::Tensor project(const torch::Tensor& input, const torch::Tensor& weight, const LowRank& adapter) {
    const auto result = torch::linear(input, weight);
    if (!adapter.a.defined()) return result;
    return result + torch::linear(torch::linear(input, adapter.a), adapter.b) * adapter.scale;
}

}  // namespace

void run_after_attention(const LayerWeights& layer, const Dims& dims, GateArithmetic arithmetic, LayerActivations* a) {
    a->o = project(a->attn_out, layer.output, layer.adapters[kOutput]);
    a->h_mid = a->h_in + a->o;
    a->x_mlp = rms_norm(a->h_mid, layer.mlp_norm, dims.rms_eps);
    a->gate = project(a->x_mlp, layer.gate, layer.adapters[kGate]);
    a->up = project(a->x_mlp, layer.up, layer.adapters[kUp]);
    a->act = arithmetic == GateArithmetic::kNative
                 ? torch::silu(a->gate) * a->up
                 : (torch::silu(a->gate.to(torch::kFloat32)) * a->up.to(torch::kFloat32)).to(a->gate.dtype());
    a->down = project(a->act, layer.down, layer.adapters[kDown]);
    a->h_out = a->h_mid + a->down;
}

LayerActivations run_layer(const LayerWeights& layer,
                           const Dims& dims,
                           const torch::Tensor& input,
                           const AttentionFunction& attend,
                           GateArithmetic arithmetic) {
    LayerActivations a;
    a.h_in = input;
    a.x_attn = rms_norm(a.h_in, layer.attention_norm, dims.rms_eps);
    a.q = project(a.x_attn, layer.query, layer.adapters[kQuery]);
    a.k = project(a.x_attn, layer.key, layer.adapters[kKey]);
    a.v = project(a.x_attn, layer.value, layer.adapters[kValue]);
    a.attn_out = attend(a.q, a.k, a.v);
    run_after_attention(layer, dims, arithmetic, &a);
    return a;
}

torch::Tensor forward_sequences(const LlamaWeights& weights,
                                const Dims& dims,
                                const RotaryTable& table,
                                const torch::Tensor& tokens) {
    const auto batch = tokens.size(0);
    const auto count = tokens.size(1);
    const RotaryTable rows{.cosine = table.cosine.narrow(0, 0, count), .sine = table.sine.narrow(0, 0, count)};
    const auto mask = torch::full({count, count}, -std::numeric_limits<float>::infinity()).triu(1);
    const AttentionFunction attend = [&](const torch::Tensor& q, const torch::Tensor& k, const torch::Tensor& v) {
        const auto heads = [&](const torch::Tensor& input, std::int64_t number) {
            return input.view({batch, count, number, dims.head_dim});
        };
        const auto query = rotate(heads(q, dims.heads), rows).transpose(1, 2);
        const auto key = rotate(heads(k, dims.kv_heads), rows).transpose(1, 2);
        const auto value = heads(v, dims.kv_heads).transpose(1, 2);
        return attention(query, key, value, mask).transpose(1, 2).reshape({batch, count, -1});
    };
    auto hidden = torch::embedding(weights.embedding, tokens);
    for (const LayerWeights& layer : weights.layers) {
        hidden = run_layer(layer, dims, hidden, attend, GateArithmetic::kNative).h_out;
    }
    return torch::linear(rms_norm(hidden, weights.final_norm, dims.rms_eps), weights.head);
}

}  // namespace vcity::worker
