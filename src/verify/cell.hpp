// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <vector>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "model/audit.hpp"
#include "verify/shape.hpp"

namespace vcity::verify {

// What one decoder layer computed at one token position, as borrowed fp32 arrays. A bf16 model widens its values, which
// is exact. In the notation of the Hugging Face Llama code:
struct CellTrace {
    std::span<const float> h_in;      // [hidden] residual stream; layer 0: the token's embedding row
    std::span<const float> x_attn;    // [hidden] input_layernorm(h_in)
    std::span<const float> q;         // [heads * head_dim] q_proj(x_attn), before the rotary embedding
    std::span<const float> k;         // [kv_heads * head_dim] k_proj(x_attn), before the rotary embedding
    std::span<const float> v;         // [kv_heads * head_dim] v_proj(x_attn)
    std::span<const float> attn_out;  // [heads * head_dim] concatenated heads, the input of o_proj
    std::span<const float> o;         // [hidden] o_proj(attn_out)
    std::span<const float> h_mid;     // [hidden] h_in + o
    std::span<const float> x_mlp;     // [hidden] post_attention_layernorm(h_mid)
    std::span<const float> gate;      // [ffn] gate_proj(x_mlp)
    std::span<const float> up;        // [ffn] up_proj(x_mlp)
    std::span<const float> act;       // [ffn] silu(gate) * up
    std::span<const float> down;      // [hidden] down_proj(act)
    std::span<const float> h_out;     // [hidden] h_mid + down
};

// What follows the last layer at one token position. The token at position + 1, when it is an output token, is what the
// sampler chooses from these logits.
struct FinalCell {
    std::span<const float> h_in;     // [hidden] h_out of the last layer
    std::span<const float> x_final;  // [hidden] model.norm(h_in)
    std::span<const float> logits;   // [vocab] lm_head(x_final), before temperature
};

// Canonical bytes of a cell: "VCLL" for a layer or "VCFN" for the final cell, u32 position, u32 layer, then the arrays
// in the order above without padding; all little-endian. The place is inside the bytes because a commutative Merkle
// proof does not tell where a leaf stands. Every value is finite; denormals and negative zeros are kept bit for bit.
std::size_t layer_cell_bytes(const ModelShape& shape);
std::size_t final_cell_bytes(const ModelShape& shape);

// kInvalid when an array has the wrong length, a value is not finite or the layer is not below shape.layers.
Result<Bytes> encode_cell(const ModelShape& shape, const Cell& cell, const CellTrace& trace);
Result<Bytes> encode_cell(const ModelShape& shape, std::uint32_t position, const FinalCell& trace);

// The Merkle leaf of canonical bytes.
Hash cell_leaf(ByteView bytes);

// A parsed cell owns its values; trace() is valid when cell.layer < shape.layers, final_trace() when it equals it.
class ParsedCell {
  public:
    // Untrusted bytes: exact size, the right tag, the place asked for, finite values. kInvalid otherwise.
    static Result<ParsedCell> parse(const ModelShape& shape, const Cell& expected, ByteView bytes);

    const Cell& cell() const { return cell_; }
    bool is_final() const { return cell_.layer == shape_.layers; }
    CellTrace trace() const;
    FinalCell final_trace() const;

  private:
    ParsedCell(const ModelShape& shape, const Cell& cell, std::vector<float> values)
        : shape_{shape}, cell_{cell}, values_{std::move(values)} {}

    ModelShape shape_;
    Cell cell_;
    std::vector<float> values_;
};

}  // namespace vcity::verify
