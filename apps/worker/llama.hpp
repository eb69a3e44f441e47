// SPDX-License-Identifier: Apache-2.0
#pragma once

// The Llama decoder on libtorch: weights and the operations of one layer. Training and inference share these functions,
// so that a model is served by exactly the arithmetic that it was trained with. Only .cpp files that wrap libtorch
// include this header.

#include <cstdint>
#include <string>
#include <vector>

#include "model_config.hpp"
#include "torch_api.hpp"

namespace vcity::worker {

struct LayerWeights {
    torch::Tensor attention_norm;  // [hidden]
    torch::Tensor query;           // [heads * head_dim, hidden]
    torch::Tensor key;             // [kv_heads * head_dim, hidden]
    torch::Tensor value;           // [kv_heads * head_dim, hidden]
    torch::Tensor output;          // [hidden, heads * head_dim]
    torch::Tensor mlp_norm;        // [hidden]
    torch::Tensor gate;            // [intermediate, hidden]
    torch::Tensor up;              // [intermediate, hidden]
    torch::Tensor down;            // [hidden, intermediate]
};

struct NamedTensor {
    std::string name;  // The Hugging Face name of the tensor.
    torch::Tensor* tensor;
};

// All weights of one model. Matrices are [out, in], as Hugging Face stores them.
struct LlamaWeights {
    torch::Tensor embedding;  // [vocab, hidden]
    std::vector<LayerWeights> layers;
    torch::Tensor final_norm;  // [hidden]
    torch::Tensor head;        // [vocab, hidden]; the embedding itself when the two are tied.

    // Every tensor that is stored, in the order of the file. A tied head is not listed.
    std::vector<NamedTensor> named(const ModelConfig& config);
};

// Cosines and sines of the rotary embedding for given positions: both [positions, head_dim].
struct RotaryTable {
    torch::Tensor cosine;
    torch::Tensor sine;
};

RotaryTable rotary_table(const ModelConfig& config, const torch::Tensor& positions);

torch::Tensor rms_norm(const torch::Tensor& input, const torch::Tensor& weight, double epsilon);

// Rotates [..., tokens, heads, head_dim] by the rows of the table (Hugging Face's rotate_half convention: the first
// half of a head is paired with the second half).
torch::Tensor rotate(const torch::Tensor& input, const RotaryTable& table);

// down(silu(gate(x)) * up(x)).
torch::Tensor feed_forward(const LayerWeights& layer, const torch::Tensor& input);

// Softmax attention of [batch, heads, queries, head_dim] over [batch, kv_heads, keys, head_dim]; `mask` is added to the
// scores (zero or minus infinity) and is [queries, keys] or broadcastable to it.
torch::Tensor attention(const torch::Tensor& query, const torch::Tensor& key, const torch::Tensor& value,
                        const torch::Tensor& mask);

// Logits [batch, tokens, vocab] of whole sequences [batch, tokens] from position zero: the form that training uses.
torch::Tensor forward_sequences(const LlamaWeights& weights, const ModelConfig& config, const torch::Tensor& tokens);

}  // namespace vcity::worker
