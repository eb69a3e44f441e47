// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <vector>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "verify/shape.hpp"

// What a worker computes from the served values of one cell when it is asked to open it (OpenedCell::computed).
namespace vcity::verify {

// A layer's outputs of linear maps, in the compute type, widened. Recomputed from the committed h_in and attn_out of
// that one position:
//   x_attn = norm(h_in), q = Wq x_attn, o = Wo attn_out, h_mid = h_in + o, x_mlp = norm(h_mid), gate = Wg x_mlp,
//   up = Wu x_mlp, act = silu(gate) up, down = Wd act.
struct LayerComputed {
    std::span<const float> q;     // [heads * head_dim], before the rotary embedding
    std::span<const float> o;     // [hidden]
    std::span<const float> gate;  // [ffn]
    std::span<const float> up;    // [ffn]
    std::span<const float> down;  // [hidden]
    std::span<const float> act;   // [ffn] only the lowest bit of each number is sent, and only for bf16
};

// Bytes: q, o, gate, up, down in the compute type; for bf16 then ceil(ffn / 8) bytes, bit i % 8 of byte i / 8 the
// lowest bit of the bf16 act[i]. An implementation of the exponential may round act to either neighbour of the exact
// value; they differ in this bit, so the verifier knows act exactly without it being sent.
std::size_t layer_computed_bytes(const ModelShape& shape);
Bytes encode_computed(const ModelShape& shape, const LayerComputed& computed);

struct ParsedComputed {
    std::vector<float> q, o, gate, up, down;
    Bytes act_lowest_bits;  // empty for fp32
};
// Untrusted. kInvalid for a wrong size or a value that is not finite.
Result<ParsedComputed> parse_computed(const ModelShape& shape, ByteView bytes);

// The final cell: all logits in the compute type when they take at most this many bytes in fp32. Otherwise the
// kClaimedTop tokens of the largest logits, u32 ids first, then their logits, largest first, ties by lower id.
inline constexpr std::size_t kAllLogitsBytesMax = 64U << 10U;
inline constexpr std::size_t kClaimedTop = 20;

bool opens_all_logits(const ModelShape& shape);
std::size_t final_computed_bytes(const ModelShape& shape);
// logits: all of them, [vocab], numbers of the compute type.
Bytes encode_final_computed(const ModelShape& shape, std::span<const float> logits);

struct ParsedFinal {
    std::vector<std::uint32_t> tokens;  // distinct, below the vocabulary; empty when all logits are there
    std::vector<float> logits;          // of these tokens, not increasing; or of all
};
Result<ParsedFinal> parse_final_computed(const ModelShape& shape, ByteView bytes);

}  // namespace vcity::verify
