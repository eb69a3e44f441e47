// SPDX-License-Identifier: Apache-2.0
#pragma once

// The Llama decoder on libtorch: weights and the operations of one layer. Training and inference share these functions,
// so that a model is served by exactly the arithmetic that it was trained with. Only .cpp files that wrap libtorch
// include this header.

#include <array>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "checkpoint/model_config.hpp"
#include "torch_api.hpp"

namespace vcity::worker {

// The sizes of a model in libtorch's integers.
struct Dims {
    std::int64_t vocab = 0;
    std::int64_t hidden = 0;
    std::int64_t ffn = 0;
    std::int64_t layers = 0;
    std::int64_t heads = 0;
    std::int64_t kv_heads = 0;
    std::int64_t head_dim = 0;
    double rms_eps = 0;
    bool tied = false;

    explicit Dims(const checkpoint::ModelConfig& config);
    std::int64_t query_width() const { return heads * head_dim; }
    std::int64_t kv_width() const { return kv_heads * head_dim; }
};

// What an adapter adds to a matrix W [out, in]: x becomes W x + scale B A x, see lora.hpp. Undefined tensors: nothing.
struct LowRank {
    torch::Tensor a;  // [rank, in]
    torch::Tensor b;  // [out, rank]
    double scale = 0;
};

struct LayerWeights {
    torch::Tensor attention_norm;  // [hidden]
    torch::Tensor query;           // [heads * head_dim, hidden]
    torch::Tensor key;             // [kv_heads * head_dim, hidden]
    torch::Tensor value;           // [kv_heads * head_dim, hidden]
    torch::Tensor output;          // [hidden, heads * head_dim]
    torch::Tensor mlp_norm;        // [hidden]
    torch::Tensor gate;            // [ffn, hidden]
    torch::Tensor up;              // [ffn, hidden]
    torch::Tensor down;            // [hidden, ffn]
    // Of query, key, value, output, gate, up and down.
    std::array<LowRank, 7> adapters{};
};

struct NamedWeight {
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
    std::vector<NamedWeight> named(const Dims& dims);
};

// Cosines and sines of the rotary embedding, both [positions, head_dim].
struct RotaryTable {
    torch::Tensor cosine;
    torch::Tensor sine;
};

// Of positions 0 to count - 1, in fp32 from fp64 angles.
RotaryTable rotary_table(const checkpoint::ModelConfig& config, std::int64_t count);

torch::Tensor rms_norm(const torch::Tensor& input, const torch::Tensor& weight, double epsilon);

// Rotates [..., tokens, heads, head_dim] by the rows of the table (Hugging Face's rotate_half convention: the first
// half of a head is paired with the second half).
torch::Tensor rotate(const torch::Tensor& input, const RotaryTable& table);

// Softmax attention of [batch, heads, queries, head_dim] over [batch, kv_heads, keys, head_dim]; `mask` is added to the
// scores (zero or minus infinity) and is [queries, keys], or undefined when every query sees every key.
torch::Tensor attention(const torch::Tensor& query,
                        const torch::Tensor& key,
                        const torch::Tensor& value,
                        const torch::Tensor& mask);

// Attention as a flash kernel does it, which is what a served model declares (KernelClass): scores in fp32, softmax
// weights rounded to `weights` before they meet the values, sums in fp32. Query [tokens, heads, head_dim] and the first
// keys and values [kv_heads, keys, head_dim], all in fp32; token i sees the first keys - tokens + 1 + i of them. Gives
// [tokens, heads * head_dim] in fp32.
torch::Tensor served_attention(const torch::Tensor& query,
                               const torch::Tensor& key,
                               const torch::Tensor& value,
                               torch::ScalarType weights);

// What one layer computes, [..., width] each, named as in the Hugging Face code: q, k and v before the rotary
// embedding, attn_out the concatenated heads.
struct LayerActivations {
    torch::Tensor h_in, x_attn, q, k, v, attn_out, o, h_mid, x_mlp, gate, up, act, down, h_out;
};

// Mixes the tokens: takes q, k and v before the rotary embedding and gives the concatenated heads.
using AttentionFunction =
    std::function<torch::Tensor(const torch::Tensor& q, const torch::Tensor& k, const torch::Tensor& v)>;

// Where silu(gate) * up is computed. libtorch's own bf16 kernel rounds four times on a processor, which a verifier
// would have to allow for; serving computes it in fp32 and rounds once. Training keeps the faster kernel.
enum class GateArithmetic : std::uint8_t { kFloat32, kNative };

// The part of a layer after its attention: from h_in and attn_out the rest.
void run_after_attention(const LayerWeights& layer, const Dims& dims, GateArithmetic arithmetic, LayerActivations* a);

LayerActivations run_layer(const LayerWeights& layer,
                           const Dims& dims,
                           const torch::Tensor& input,
                           const AttentionFunction& attend,
                           GateArithmetic arithmetic = GateArithmetic::kFloat32);

// Logits [batch, tokens, vocab] of whole sequences [batch, tokens] from position zero: the form that training uses. The
// table has at least as many rows as there are tokens.
torch::Tensor forward_sequences(const LlamaWeights& weights,
                                const Dims& dims,
                                const RotaryTable& table,
                                const torch::Tensor& tokens);

}  // namespace vcity::worker
