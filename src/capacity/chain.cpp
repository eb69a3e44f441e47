// SPDX-License-Identifier: Apache-2.0
#include "capacity/chain.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#include "base/check.hpp"
#include "capacity/stream.hpp"
#include "crypto/keccak.hpp"

namespace vcity::capacity {
namespace {

constexpr std::uint64_t kStatesBytesMax = std::uint64_t{1} << 31U;

std::vector<std::int8_t> entries(const Hash& key, std::uint64_t count) {
    Bytes bytes(count);
    KeyStream{key}.read(0, bytes);
    std::array<std::int8_t, 256> table{};
    for (std::int32_t byte = 0; byte < 256; ++byte) {
        table[static_cast<std::size_t>(byte)] = static_cast<std::int8_t>((byte * kModulus >> 8) - kShift);
    }
    std::vector<std::int8_t> values(count);
    std::transform(bytes.begin(), bytes.end(), values.begin(), [&](std::uint8_t byte) { return table[byte]; });
    return values;
}

}  // namespace

Result<void> check_shape(const CapacityChainShape& shape) {
    const bool sizes = shape.rows >= 16 && shape.rows <= 4096 && shape.rows % 16 == 0 && shape.columns >= 16 &&
                       shape.columns <= 8192 && shape.columns % 16 == 0;
    const bool blocks = shape.block_columns >= 1 && shape.block_columns <= shape.columns &&
                        shape.columns % std::max(shape.block_columns, 1U) == 0;
    const bool steps = shape.segments >= 1 && shape.segments <= 256 && shape.steps >= 1 && shape.steps <= 64;
    if (!sizes || !blocks || !steps) return make_error(Errc::kInvalid, "a capacity chain of a size out of bounds");
    if (shape.state_bytes() * (shape.segments + 1) > kStatesBytesMax) {
        return make_error(Errc::kInvalid, "a capacity chain whose states take more than 2 GiB");
    }
    return {};
}

std::vector<std::int8_t> chain_matrix(const CapacityChainShape& shape, const Hash& seed) {
    return entries(derive_key("matrix", seed), shape.matrix_bytes());
}

std::vector<std::int8_t> chain_start(const CapacityChainShape& shape, const Hash& seed) {
    return entries(derive_key("state", seed), shape.state_bytes());
}

std::uint32_t partner_block(const CapacityChainShape& shape, std::uint32_t segment, std::uint32_t block) {
    const std::uint32_t blocks = shape.blocks();
    const auto bits = std::max(1U, static_cast<std::uint32_t>(std::bit_width(blocks - 1)));
    return (block + (1U << (segment % bits))) % blocks;
}

std::vector<std::int8_t> mixed_block(std::span<const std::int8_t> block,
                                     std::span<const std::int8_t> partner,
                                     std::span<const std::int8_t> first) {
    CHECK(block.size() == partner.size() && block.size() == first.size());
    std::vector<std::int8_t> mixed(block.size());
    for (std::size_t i = 0; i < mixed.size(); ++i) {
        mixed[i] = static_cast<std::int8_t>(block[i] + partner[i] + first[i]);
    }
    return mixed;
}

std::int8_t chain_entry(std::int32_t product) {
    const std::int32_t residue = ((product % kModulus) + kModulus) % kModulus;
    return static_cast<std::int8_t>((residue * residue * residue % kModulus) - kShift);
}

std::vector<Hash> chunk_digests(std::span<const std::int8_t> block) {
    const ByteView bytes{reinterpret_cast<const std::uint8_t*>(block.data()), block.size()};
    std::vector<Hash> digests;
    digests.reserve((bytes.size() + kChunkBytes - 1) / kChunkBytes);
    for (std::size_t first = 0; first < bytes.size(); first += kChunkBytes) {
        digests.push_back(crypto::keccak256(bytes.subspan(first, std::min(kChunkBytes, bytes.size() - first))));
    }
    return digests;
}

Hash chain_leaf(const CapacityChainChallenge& challenge,
                std::uint32_t state,
                std::uint32_t block,
                std::span<const Hash> digests) {
    Bytes bytes;
    append(&bytes, as_bytes("vcity capacity leaf 1:"));
    append(&bytes, challenge.session.view());
    for (const std::uint32_t number : {challenge.card, state, block}) {
        std::array<std::uint8_t, sizeof(number)> digits{};
        std::memcpy(digits.data(), &number, sizeof(number));
        append(&bytes, digits);
    }
    for (const Hash& digest : digests) append(&bytes, digest.view());
    return crypto::keccak256(bytes);
}

std::size_t leaf_index(const CapacityChainShape& shape, std::uint32_t state, std::uint32_t block) {
    CHECK(state >= 1 && state <= shape.segments && block < shape.blocks());
    return (std::size_t{state - 1} * shape.blocks()) + block;
}

std::size_t proof_length(std::size_t index, std::size_t size) {
    std::size_t length = 0;
    for (; size > 1; size = (size + 1) / 2, index /= 2) {
        if ((index ^ 1U) < size) ++length;
    }
    return length;
}

}  // namespace vcity::capacity
