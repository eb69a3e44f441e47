// SPDX-License-Identifier: Apache-2.0
#include "verify/trace/sketch.hpp"

#include <bit>
#include <cmath>
#include <cstring>

#include "base/check.hpp"
#include "crypto/keccak.hpp"
#include "crypto/sha256.hpp"
#include "verify/little_endian.hpp"

namespace vcity::verify {
namespace {

constexpr std::uint64_t kGolden = 0x9e3779b97f4a7c15U;

std::uint64_t mix(std::uint64_t value) {
    value = (value ^ (value >> 30U)) * 0xbf58476d1ce4e5b9U;
    value = (value ^ (value >> 27U)) * 0x94d049bb133111ebU;
    return value ^ (value >> 31U);
}

void project(std::span<const std::uint32_t> signs, unsigned shift, std::span<const float> state, float* out) {
    std::array<double, kSketchHalf> sums{};
    for (std::size_t j = 0; j < state.size(); ++j) {
        const std::uint64_t bits = signs[j] >> shift;
        const auto value = std::bit_cast<std::uint64_t>(double{state[j]});
        // The sign is the highest bit; without a branch, which the processor could not foresee.
        for (std::size_t p = 0; p < kSketchHalf; ++p) sums[p] += std::bit_cast<double>(value ^ (bits >> p) << 63U);
    }
    for (std::size_t p = 0; p < kSketchHalf; ++p) out[p] = static_cast<float>(sums[p]);
}

}  // namespace

std::vector<std::uint32_t> sketch_signs(const Hash& client_nonce, std::uint32_t hidden) {
    const Hash seed = crypto::keccak256({as_bytes("vcity sketch 2"), client_nonce.view()});
    std::array<std::uint64_t, 2> keys{};
    std::memcpy(keys.data(), seed.bytes.data(), sizeof(keys));
    std::vector<std::uint32_t> signs(hidden);
    for (std::uint32_t j = 0; j < hidden; ++j) {
        const std::uint64_t step = (std::uint64_t{j} + 1) * kGolden;
        signs[j] = static_cast<std::uint32_t>(mix(keys[0] + step) ^ mix(keys[1] + step));
    }
    return signs;
}

Sketch make_sketch(std::span<const std::uint32_t> signs, std::span<const float> middle, std::span<const float> last) {
    CHECK(signs.size() == middle.size() && signs.size() == last.size());
    Sketch sketch{};
    project(signs, 0, middle, sketch.data());
    project(signs, kSketchHalf, last, sketch.data() + kSketchHalf);
    return sketch;
}

Bytes encode_sketch(const Sketch& sketch) {
    Bytes bytes;
    detail::put_all<float>(&bytes, sketch);
    return bytes;
}

Result<Sketch> parse_sketch(ByteView bytes) {
    if (bytes.size() != kSketchBytes) return make_error(Errc::kInvalid, "sketch: wrong size");
    Sketch sketch{};
    std::memcpy(sketch.data(), bytes.data(), kSketchBytes);
    for (const float value : sketch) {
        if (!std::isfinite(value)) return make_error(Errc::kInvalid, "sketch: a value is not finite");
    }
    return sketch;
}

Hash sketch_leaf(std::uint32_t position, ByteView encoded) {
    Bytes bytes;
    append(&bytes, as_bytes("VCSK"));
    detail::put(&bytes, position);
    append(&bytes, encoded);
    return crypto::sha256(bytes);
}

}  // namespace vcity::verify
