// SPDX-License-Identifier: Apache-2.0
#include "verify/trace/computed.hpp"

#include <algorithm>
#include <bit>
#include <numeric>
#include <set>

#include "base/check.hpp"
#include "verify/little_endian.hpp"
#include "verify/trace/served_leaf.hpp"

namespace vcity::verify {
namespace {

std::size_t lowest_bits_bytes(const ModelShape& shape) {
    return shape.compute == ComputeType::kBfloat16 ? (shape.ffn + 7) / 8 : 0;
}

std::size_t linear_elements(const ModelShape& shape) {
    return std::size_t{shape.query_width()} + 2 * std::size_t{shape.hidden} + 2 * std::size_t{shape.ffn};
}

std::size_t claimed_count(const ModelShape& shape) {
    return std::min<std::size_t>(kClaimedTop, shape.vocab);
}

}  // namespace

std::size_t layer_computed_bytes(const ModelShape& shape) {
    return linear_elements(shape) * element_bytes(shape.compute) + lowest_bits_bytes(shape);
}

Bytes encode_computed(const ModelShape& shape, const LayerComputed& computed) {
    Bytes bytes;
    bytes.reserve(layer_computed_bytes(shape));
    for (const std::span<const float> part : {computed.q, computed.o, computed.gate, computed.up, computed.down}) {
        append(&bytes, narrow(shape.compute, part));
    }
    Bytes lowest(lowest_bits_bytes(shape));
    if (!lowest.empty()) {
        CHECK(computed.act.size() == shape.ffn);
        for (std::size_t i = 0; i < computed.act.size(); ++i) {
            const std::uint32_t bit = std::bit_cast<std::uint32_t>(computed.act[i]) >> 16U & 1U;
            lowest[i / 8] = static_cast<std::uint8_t>(lowest[i / 8] | bit << i % 8);
        }
        append(&bytes, lowest);
    }
    CHECK(bytes.size() == layer_computed_bytes(shape));
    return bytes;
}

Result<ParsedComputed> parse_computed(const ModelShape& shape, ByteView bytes) {
    if (bytes.size() != layer_computed_bytes(shape)) return make_error(Errc::kInvalid, "computed values: wrong size");
    const auto take = [&](std::uint32_t elements) {
        const ByteView part = bytes.first(elements * element_bytes(shape.compute));
        bytes = bytes.subspan(part.size());
        return widen_finite(shape.compute, part);
    };
    ParsedComputed parsed;
    TRY(parsed.q, take(shape.query_width()));
    TRY(parsed.o, take(shape.hidden));
    TRY(parsed.gate, take(shape.ffn));
    TRY(parsed.up, take(shape.ffn));
    TRY(parsed.down, take(shape.hidden));
    parsed.act_lowest_bits.assign(bytes.begin(), bytes.end());
    return parsed;
}

bool opens_all_logits(const ModelShape& shape) {
    return std::size_t{shape.vocab} * sizeof(float) <= kAllLogitsBytesMax;
}

std::size_t final_computed_bytes(const ModelShape& shape) {
    if (opens_all_logits(shape)) return shape.vocab * element_bytes(shape.compute);
    return claimed_count(shape) * (sizeof(std::uint32_t) + element_bytes(shape.compute));
}

Bytes encode_final_computed(const ModelShape& shape, std::span<const float> logits) {
    CHECK(logits.size() == shape.vocab);
    if (opens_all_logits(shape)) return narrow(shape.compute, logits);
    std::vector<std::uint32_t> order(logits.size());
    std::iota(order.begin(), order.end(), 0U);
    const auto end = order.begin() + static_cast<std::ptrdiff_t>(claimed_count(shape));
    std::partial_sort(order.begin(), end, order.end(), [&](std::uint32_t a, std::uint32_t b) {
        return logits[a] != logits[b] ? logits[a] > logits[b] : a < b;
    });
    order.erase(end, order.end());
    std::vector<float> values;
    for (const std::uint32_t token : order) values.push_back(logits[token]);
    Bytes bytes;
    detail::put_all<std::uint32_t>(&bytes, order);
    append(&bytes, narrow(shape.compute, values));
    return bytes;
}

Result<ParsedFinal> parse_final_computed(const ModelShape& shape, ByteView bytes) {
    if (bytes.size() != final_computed_bytes(shape)) return make_error(Errc::kInvalid, "logits: wrong size");
    ParsedFinal parsed;
    if (!opens_all_logits(shape)) {
        detail::Reader reader{bytes};
        parsed.tokens = reader.get_all<std::uint32_t>(claimed_count(shape));
        bytes = bytes.subspan(parsed.tokens.size() * sizeof(std::uint32_t));
        const std::set<std::uint32_t> distinct(parsed.tokens.begin(), parsed.tokens.end());
        if (distinct.size() != parsed.tokens.size() || *distinct.rbegin() >= shape.vocab) {
            return make_error(Errc::kInvalid, "logits: a token repeats or is not in the vocabulary");
        }
    }
    TRY(parsed.logits, widen_finite(shape.compute, bytes));
    if (!parsed.tokens.empty() && !std::ranges::is_sorted(parsed.logits, std::greater{})) {
        return make_error(Errc::kInvalid, "logits: the claimed ones are not in order");
    }
    return parsed;
}

}  // namespace vcity::verify
