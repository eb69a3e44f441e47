// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "base/bytes.hpp"
#include "base/result.hpp"

namespace vcity::verify {

// The number format that the outputs of the linear maps are rounded to. Cells carry fp32 in either case.
enum class ComputeType : std::uint8_t {
    kFloat32 = 0,   // fp32 accumulation, fp32 outputs
    kBfloat16 = 1,  // fp32 accumulation, outputs rounded to bf16 to nearest even
};

// The sizes of a Llama-family decoder (RMSNorm, grouped-query attention, SiLU-gated feed-forward, no biases). All that
// the canonical bytes of a trace depend on; worker and verifier build it from the same config.json.
struct ModelShape {
    std::uint32_t layers = 0;
    std::uint32_t hidden = 0;    // width of the residual stream
    std::uint32_t heads = 0;     // query heads
    std::uint32_t kv_heads = 0;  // key and value heads; divides heads
    std::uint32_t head_dim = 0;  // even
    std::uint32_t ffn = 0;       // width of the feed-forward
    std::uint32_t vocab = 0;
    double rms_eps = 0;     // positive
    double rope_theta = 0;  // positive
    bool tied_embeddings = false;
    // The rotary embedding is stretched (rope_scaling), which attention checks do not know: they are left out. Follows
    // from config.json and is no part of the hash.
    bool scaled_rope = false;
    ComputeType compute = ComputeType::kFloat32;

    bool operator==(const ModelShape&) const = default;

    std::uint32_t query_width() const { return heads * head_dim; }
    std::uint32_t kv_width() const { return kv_heads * head_dim; }
    // Cells of one token position: every layer and the final one.
    std::uint32_t cells_per_position() const { return layers + 1; }
};

// Bounds that keep every product below 32 bits and a cell below a frame (8 MiB).
inline constexpr std::uint32_t kLayersMax = 1024;
inline constexpr std::uint32_t kWidthMax = 1U << 17U;
inline constexpr std::uint32_t kVocabularyMax = 1U << 20U;

// kInvalid for zero or oversized fields, an odd head_dim, or heads that kv_heads does not divide.
Result<void> validate(const ModelShape& shape);
// keccak-256 of the fields; the shape must be valid.
Hash shape_hash(const ModelShape& shape);

}  // namespace vcity::verify
