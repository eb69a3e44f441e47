// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "model/audit.hpp"
#include "verify/shape.hpp"

// The canonical bytes and leaves of what a tier B worker commits to while it serves. Arrays are stored in the compute
// type (2 bytes an element for bf16, 4 for fp32), little-endian, without padding, every value finite. Places are inside
// the leaves because a commutative Merkle proof does not tell where a leaf stands. Data are hashed with SHA-256 (with
// SHA-NI several times faster than keccak-256; `verify_bench hash` measures both), inner nodes with keccak-256.
namespace vcity::verify {

// Bytes of one element of an array of activations.
std::size_t element_bytes(ComputeType compute);

// What a layer did at one position, as borrowed bytes. At the final cell (layer = shape.layers) only h_in is there.
struct ServedRow {
    ByteView h_in;      // [hidden] residual stream before the layer
    ByteView k;         // [kv_heads * head_dim] k_proj(x_attn), before the rotary embedding
    ByteView v;         // [kv_heads * head_dim]
    ByteView attn_out;  // [heads * head_dim] concatenated heads, the input of o_proj
};

// Sizes of OpenedCell::data (h_in, k, v, attn_out one after the other; the final cell: h_in) and OpenedCell::next
// (h_in, then the 32 bytes rest_digest).
std::size_t served_bytes(const ModelShape& shape, std::uint32_t layer);
std::size_t next_bytes(const ModelShape& shape);

// Splits bytes of exactly served_bytes().
ServedRow split_served(const ModelShape& shape, std::uint32_t layer, ByteView data);

// leaf = SHA-256("VCS2" || u32 position || u32 layer || SHA-256(h_in) || rest_digest), rest_digest = SHA-256(k || v ||
// attn_out), of nothing at the final cell. Two digests, so that the next layer's input can be opened alone.
Hash rest_digest(const ServedRow& row);
Hash served_leaf(const Cell& cell, ByteView h_in, const Hash& rest);

// Keys, then values of one head at the positions of a page: [count, head_dim] each.
std::size_t page_bytes(const ModelShape& shape, std::size_t count);
// SHA-256("VCK2" || u32 layer || u32 kv_head || u32 page || u32 count || u32 token ids... || SHA-256(keys || values)).
Hash page_leaf(const PageId& page, std::span<const std::uint32_t> tokens, const Hash& data_digest);

// The tree of one job: leaf 0 is the header; then the served leaves, index 1 + position (layers + 1) + layer; then the
// pages by layer, kv_head, page. The number of positions follows from the header.
struct TreeLayout {
    std::uint64_t positions = 0;
    std::uint64_t layers = 0;
    std::uint64_t kv_heads = 0;

    std::uint64_t pages() const { return (positions + kPagePositions - 1) / kPagePositions; }
    std::uint64_t leaves() const { return first_page() + layers * kv_heads * pages(); }
    std::uint64_t index_of(const Cell& cell) const { return 1 + cell.position * (layers + 1) + cell.layer; }
    std::uint64_t index_of(const PageId& id) const {
        return first_page() + (id.layer * kv_heads + id.kv_head) * pages() + id.page;
    }
    // Positions of this page: kPagePositions but for the last.
    std::uint32_t count_of(std::uint32_t page) const;
    bool has(const Cell& cell) const { return cell.position < positions && cell.layer <= layers; }
    bool has(const PageId& id) const { return id.layer < layers && id.kv_head < kv_heads && id.page < pages(); }

  private:
    std::uint64_t first_page() const { return 1 + positions * (layers + 1); }
};
TreeLayout tree_layout(const ModelShape& shape, std::uint64_t positions);

// Tier A: leaf 0 is the header, leaf 1 + position the sketch of that position (verify/trace/sketch.hpp).
constexpr std::uint64_t sketch_leaves(std::uint64_t positions) {
    return 1 + positions;
}

// Values of a canonical array, widened to fp32, which is exact; kInvalid when one is not finite. The size is a multiple
// of element_bytes().
Result<std::vector<float>> widen_finite(ComputeType compute, ByteView bytes);
// The reverse, for values that are numbers of the compute type.
Bytes narrow(ComputeType compute, std::span<const float> values);

}  // namespace vcity::verify
