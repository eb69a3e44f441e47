// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <span>
#include <vector>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "verify/shape.hpp"

// Tier A: what a worker keeps of one position, 128 bytes.
namespace vcity::verify {

inline constexpr std::size_t kSketchHalf = 16;
inline constexpr std::size_t kSketchBytes = 2 * kSketchHalf * sizeof(float);

// 16 sums of +-h for the middle layer's input and 16 for the final state, as fp32 little-endian in this order.
using Sketch = std::array<float, 2 * kSketchHalf>;

// The layer whose input is sketched beside the final state.
inline std::uint32_t sketch_layer(const ModelShape& shape) {
    return shape.layers / 2;
}

// Signs of a request, from its client nonce, which the node cannot foresee: element j of a state enters sum p with
// minus where bit p (middle layer) or 16 + p (final state) of word j is set. One matrix a request, so a worker may
// compute the sketches of a step as two products with a [hidden, 16] matrix of +-1.
// Word j = mix(a + (j + 1) G) ^ mix(b + (j + 1) G), low half, with a, b the first two little-endian 64-bit words of
// keccak256("vcity sketch 2" || nonce) and mix, G as in codec/gumbel.hpp.
std::vector<std::uint32_t> sketch_signs(const Hash& client_nonce, std::uint32_t hidden);

// Sums in fp64, rounded once; a worker may sum in fp32 in any order. All three have `hidden` elements.
Sketch make_sketch(std::span<const std::uint32_t> signs, std::span<const float> middle, std::span<const float> last);

Bytes encode_sketch(const Sketch& sketch);
// Untrusted. kInvalid for a wrong size or a value that is not finite.
Result<Sketch> parse_sketch(ByteView bytes);
// SHA-256("VCSK" || u32 position || encoded sketch).
Hash sketch_leaf(std::uint32_t position, ByteView encoded);

}  // namespace vcity::verify
