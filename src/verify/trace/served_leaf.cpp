// SPDX-License-Identifier: Apache-2.0
#include "verify/trace/served_leaf.hpp"

#include <bit>
#include <cstring>

#include "base/check.hpp"
#include "crypto/sha256.hpp"
#include "verify/check/clones.hpp"
#include "verify/little_endian.hpp"

namespace vcity::verify {
namespace {

// Exponent bits all set: an infinity or not a number.
constexpr std::uint32_t kExponentMask = 0x7F800000U;

std::size_t width(const ModelShape& shape, std::uint32_t elements) {
    return elements * element_bytes(shape.compute);
}

VCITY_VECTOR_CLONES bool widen_bf16(const std::uint8_t* bytes, float* out, std::size_t count) {
    std::uint32_t full = 0;
    for (std::size_t i = 0; i < count; ++i) {
        std::uint16_t half = 0;
        std::memcpy(&half, bytes + 2 * i, sizeof(half));
        const std::uint32_t bits = std::uint32_t{half} << 16U;
        full |= (bits & kExponentMask) == kExponentMask ? 1U : 0U;
        out[i] = std::bit_cast<float>(bits);
    }
    return full == 0;
}

VCITY_VECTOR_CLONES bool widen_fp32(const std::uint8_t* bytes, float* out, std::size_t count) {
    std::uint32_t full = 0;
    for (std::size_t i = 0; i < count; ++i) {
        std::uint32_t bits = 0;
        std::memcpy(&bits, bytes + 4 * i, sizeof(bits));
        full |= (bits & kExponentMask) == kExponentMask ? 1U : 0U;
        out[i] = std::bit_cast<float>(bits);
    }
    return full == 0;
}

}  // namespace

std::size_t element_bytes(ComputeType compute) {
    switch (compute) {
        case ComputeType::kFloat32: return 4;
        case ComputeType::kBfloat16: return 2;
    }
    unreachable();
}

std::size_t served_bytes(const ModelShape& shape, std::uint32_t layer) {
    CHECK(layer <= shape.layers);
    if (layer == shape.layers) return width(shape, shape.hidden);
    return width(shape, shape.hidden + 2 * shape.kv_width() + shape.query_width());
}

std::size_t next_bytes(const ModelShape& shape) {
    return width(shape, shape.hidden) + Hash::kSize;
}

ServedRow split_served(const ModelShape& shape, std::uint32_t layer, ByteView data) {
    CHECK(data.size() == served_bytes(shape, layer));
    const std::size_t hidden = width(shape, shape.hidden);
    const std::size_t kv = width(shape, shape.kv_width());
    ServedRow row;
    row.h_in = data.first(hidden);
    if (layer == shape.layers) return row;
    row.k = data.subspan(hidden, kv);
    row.v = data.subspan(hidden + kv, kv);
    row.attn_out = data.subspan(hidden + 2 * kv);
    return row;
}

Hash rest_digest(const ServedRow& row) {
    const bool adjacent =
        row.k.data() + row.k.size() == row.v.data() && row.v.data() + row.v.size() == row.attn_out.data();
    if (adjacent) return crypto::sha256({row.k.data(), row.k.size() + row.v.size() + row.attn_out.size()});
    Bytes bytes;
    bytes.reserve(row.k.size() + row.v.size() + row.attn_out.size());
    append(&bytes, row.k);
    append(&bytes, row.v);
    append(&bytes, row.attn_out);
    return crypto::sha256(bytes);
}

Hash served_leaf(const Cell& cell, ByteView h_in, const Hash& rest) {
    Bytes bytes;
    bytes.reserve(12 + 2 * Hash::kSize);
    append(&bytes, as_bytes("VCS2"));
    detail::put(&bytes, cell.position);
    detail::put(&bytes, cell.layer);
    append(&bytes, crypto::sha256(h_in).view());
    append(&bytes, rest.view());
    return crypto::sha256(bytes);
}

std::size_t page_bytes(const ModelShape& shape, std::size_t count) {
    return 2 * count * width(shape, shape.head_dim);
}

Hash page_leaf(const PageId& page, std::span<const std::uint32_t> tokens, const Hash& data_digest) {
    CHECK(!tokens.empty() && tokens.size() <= kPagePositions);
    Bytes bytes;
    bytes.reserve(20 + tokens.size_bytes() + Hash::kSize);
    append(&bytes, as_bytes("VCK2"));
    detail::put(&bytes, page.layer);
    detail::put(&bytes, page.kv_head);
    detail::put(&bytes, page.page);
    detail::put(&bytes, static_cast<std::uint32_t>(tokens.size()));
    detail::put_all(&bytes, tokens);
    append(&bytes, data_digest.view());
    return crypto::sha256(bytes);
}

std::uint32_t TreeLayout::count_of(std::uint32_t page) const {
    CHECK(page < pages());
    const std::uint64_t left = positions - std::uint64_t{page} * kPagePositions;
    return left < kPagePositions ? static_cast<std::uint32_t>(left) : kPagePositions;
}

TreeLayout tree_layout(const ModelShape& shape, std::uint64_t positions) {
    return {.positions = positions, .layers = shape.layers, .kv_heads = shape.kv_heads};
}

Result<std::vector<float>> widen_finite(ComputeType compute, ByteView bytes) {
    const std::size_t size = element_bytes(compute);
    CHECK(bytes.size() % size == 0);
    std::vector<float> values(bytes.size() / size);
    const bool finite = compute == ComputeType::kBfloat16 ? widen_bf16(bytes.data(), values.data(), values.size())
                                                          : widen_fp32(bytes.data(), values.data(), values.size());
    if (!finite) return make_error(Errc::kInvalid, "a value is not finite");
    return values;
}

Bytes narrow(ComputeType compute, std::span<const float> values) {
    Bytes bytes(values.size() * element_bytes(compute));
    for (std::size_t i = 0; i < values.size(); ++i) {
        const auto bits = std::bit_cast<std::uint32_t>(values[i]);
        if (compute == ComputeType::kBfloat16) {
            const auto half = static_cast<std::uint16_t>(bits >> 16U);
            std::memcpy(bytes.data() + 2 * i, &half, sizeof(half));
        } else {
            std::memcpy(bytes.data() + 4 * i, &bits, sizeof(bits));
        }
    }
    return bytes;
}

}  // namespace vcity::verify
