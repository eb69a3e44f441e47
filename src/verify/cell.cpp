// SPDX-License-Identifier: Apache-2.0
#include "verify/cell.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <string>
#include <string_view>

#include "base/check.hpp"
#include "crypto/keccak.hpp"
#include "verify/little_endian.hpp"

namespace vcity::verify {
namespace {

constexpr std::string_view kLayerTag = "VCLL";
constexpr std::string_view kFinalTag = "VCFN";
constexpr std::size_t kPrefixBytes = 4 + 4 + 4;

// One array of a cell: its name for messages, its place in the struct and its length.
template <class Trace>
struct Field {
    std::string_view name;
    std::span<const float> Trace::* member;
    std::uint32_t length;
};

std::array<Field<CellTrace>, 14> layer_fields(const ModelShape& shape) {
    const std::uint32_t hidden = shape.hidden;
    const std::uint32_t query = shape.query_width();
    const std::uint32_t kv = shape.kv_width();
    return {{{"h_in", &CellTrace::h_in, hidden},
             {"x_attn", &CellTrace::x_attn, hidden},
             {"q", &CellTrace::q, query},
             {"k", &CellTrace::k, kv},
             {"v", &CellTrace::v, kv},
             {"attn_out", &CellTrace::attn_out, query},
             {"o", &CellTrace::o, hidden},
             {"h_mid", &CellTrace::h_mid, hidden},
             {"x_mlp", &CellTrace::x_mlp, hidden},
             {"gate", &CellTrace::gate, shape.ffn},
             {"up", &CellTrace::up, shape.ffn},
             {"act", &CellTrace::act, shape.ffn},
             {"down", &CellTrace::down, hidden},
             {"h_out", &CellTrace::h_out, hidden}}};
}

std::array<Field<FinalCell>, 3> final_fields(const ModelShape& shape) {
    return {{{"h_in", &FinalCell::h_in, shape.hidden},
             {"x_final", &FinalCell::x_final, shape.hidden},
             {"logits", &FinalCell::logits, shape.vocab}}};
}

template <class Fields>
std::size_t total_length(const Fields& fields) {
    std::size_t total = 0;
    for (const auto& field : fields) total += field.length;
    return total;
}

bool all_finite(std::span<const float> values) {
    return std::all_of(values.begin(), values.end(), [](float value) { return std::isfinite(value); });
}

template <class Fields, class Trace>
Result<Bytes> encode(std::string_view tag, const Fields& fields, const Cell& cell, const Trace& trace) {
    Bytes bytes;
    bytes.reserve(kPrefixBytes + total_length(fields) * sizeof(float));
    append(&bytes, as_bytes(tag));
    detail::put(&bytes, cell.position);
    detail::put(&bytes, cell.layer);
    for (const auto& field : fields) {
        const std::span<const float> values = trace.*field.member;
        if (values.size() != field.length) {
            return make_error(Errc::kInvalid, "cell: wrong length of " + std::string{field.name});
        }
        if (!all_finite(values)) {
            return make_error(Errc::kInvalid, "cell: a value of " + std::string{field.name} + " is not finite");
        }
        detail::put_all(&bytes, values);
    }
    return bytes;
}

template <class Trace, class Fields>
Trace split(const Fields& fields, std::span<const float> values) {
    Trace trace;
    for (const auto& field : fields) {
        trace.*field.member = values.first(field.length);
        values = values.subspan(field.length);
    }
    return trace;
}

}  // namespace

std::size_t layer_cell_bytes(const ModelShape& shape) {
    return kPrefixBytes + total_length(layer_fields(shape)) * sizeof(float);
}

std::size_t final_cell_bytes(const ModelShape& shape) {
    return kPrefixBytes + total_length(final_fields(shape)) * sizeof(float);
}

Result<Bytes> encode_cell(const ModelShape& shape, const Cell& cell, const CellTrace& trace) {
    if (cell.layer >= shape.layers) return make_error(Errc::kInvalid, "cell: no such layer");
    return encode(kLayerTag, layer_fields(shape), cell, trace);
}

Result<Bytes> encode_cell(const ModelShape& shape, std::uint32_t position, const FinalCell& trace) {
    return encode(kFinalTag, final_fields(shape), Cell{position, shape.layers}, trace);
}

Hash cell_leaf(ByteView bytes) {
    return crypto::keccak256(bytes);
}

Result<ParsedCell> ParsedCell::parse(const ModelShape& shape, const Cell& expected, ByteView bytes) {
    const bool is_final = expected.layer == shape.layers;
    if (expected.layer > shape.layers) return make_error(Errc::kInvalid, "cell: no such layer");
    const std::size_t size = is_final ? final_cell_bytes(shape) : layer_cell_bytes(shape);
    if (bytes.size() != size) return make_error(Errc::kInvalid, "cell: wrong size");
    if (as_text(bytes.first(4)) != (is_final ? kFinalTag : kLayerTag)) {
        return make_error(Errc::kInvalid, "cell: wrong tag");
    }
    detail::Reader reader{bytes.subspan(4)};
    const auto position = reader.get<std::uint32_t>();
    const auto layer = reader.get<std::uint32_t>();
    if (Cell{position, layer} != expected) return make_error(Errc::kInvalid, "cell: not the place asked for");
    std::vector<float> values = reader.get_all<float>(reader.remaining() / sizeof(float));
    if (!all_finite(values)) return make_error(Errc::kInvalid, "cell: a value is not finite");
    return ParsedCell{shape, expected, std::move(values)};
}

CellTrace ParsedCell::trace() const {
    CHECK(!is_final());
    return split<CellTrace>(layer_fields(shape_), values_);
}

FinalCell ParsedCell::final_trace() const {
    CHECK(is_final());
    return split<FinalCell>(final_fields(shape_), values_);
}

}  // namespace vcity::verify
