// SPDX-License-Identifier: Apache-2.0
#include "verify/shape.hpp"

#include <cmath>

#include "crypto/keccak.hpp"
#include "verify/little_endian.hpp"

namespace vcity::verify {
namespace {

bool in_range(std::uint64_t value, std::uint64_t most) {
    return value > 0 && value <= most;
}

}  // namespace

Result<void> validate(const ModelShape& shape) {
    const auto wide = [](std::uint32_t a, std::uint32_t b) { return std::uint64_t{a} * b; };
    const bool widths = in_range(shape.layers, kLayersMax) && in_range(shape.hidden, kWidthMax) &&
                        in_range(shape.ffn, kWidthMax) && in_range(shape.vocab, kVocabularyMax) &&
                        in_range(wide(shape.heads, shape.head_dim), kWidthMax) &&
                        in_range(wide(shape.kv_heads, shape.head_dim), kWidthMax);
    if (!widths) return make_error(Errc::kInvalid, "model shape: a size is zero or too large");
    if (shape.heads % shape.kv_heads != 0) {
        return make_error(Errc::kInvalid, "model shape: kv_heads does not divide heads");
    }
    if (shape.head_dim % 2 != 0) return make_error(Errc::kInvalid, "model shape: head_dim is odd");
    const bool constants =
        std::isfinite(shape.rms_eps) && shape.rms_eps > 0 && std::isfinite(shape.rope_theta) && shape.rope_theta > 0;
    if (!constants) return make_error(Errc::kInvalid, "model shape: rms_eps and rope_theta must be positive");
    return {};
}

Hash shape_hash(const ModelShape& shape) {
    Bytes bytes;
    append(&bytes, as_bytes("vcity model shape 1"));
    for (const std::uint32_t size :
         {shape.layers, shape.hidden, shape.heads, shape.kv_heads, shape.head_dim, shape.ffn, shape.vocab}) {
        detail::put(&bytes, size);
    }
    detail::put(&bytes, shape.rms_eps);
    detail::put(&bytes, shape.rope_theta);
    detail::put(&bytes, static_cast<std::uint8_t>(shape.tied_embeddings ? 1 : 0));
    detail::put(&bytes, static_cast<std::uint8_t>(shape.compute));
    return crypto::keccak256(bytes);
}

}  // namespace vcity::verify
