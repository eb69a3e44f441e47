// SPDX-License-Identifier: Apache-2.0
#include "verify/matrix.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <string>

#include "base/check.hpp"
#include "verify/check/clones.hpp"
#include "verify/check/numeric.hpp"

namespace vcity::verify {
namespace {

float widen_bfloat16(std::uint16_t bits) {
    return std::bit_cast<float>(std::uint32_t{bits} << 16U);
}

// IEEE 754 binary16.
float widen_float16(std::uint16_t bits) {
    const std::uint32_t fraction = bits & 0x3FFU;
    const int exponent = (bits >> 10U) & 0x1F;
    const float sign = (bits & 0x8000U) != 0 ? -1.0F : 1.0F;
    if (exponent == 0x1F) return fraction == 0 ? sign * INFINITY : NAN;
    if (exponent == 0) return sign * std::ldexp(static_cast<float>(fraction), -24);
    return sign * std::ldexp(static_cast<float>(fraction | 0x400U), exponent - 25);
}

VCITY_VECTOR_CLONES void widen_all_bfloat16(const std::uint8_t* bytes, float* out, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
        std::uint16_t bits = 0;
        std::memcpy(&bits, bytes + 2 * i, sizeof(bits));
        out[i] = widen_bfloat16(bits);
    }
}

void widen(TensorType type, ByteView bytes, std::span<float> out) {
    CHECK(bytes.size() == out.size() * element_bytes(type));
    if (type == TensorType::kFloat32) {
        if (!out.empty()) std::memcpy(out.data(), bytes.data(), bytes.size());
        return;
    }
    if (type == TensorType::kBfloat16) return widen_all_bfloat16(bytes.data(), out.data(), out.size());
    for (std::size_t i = 0; i < out.size(); ++i) {
        std::uint16_t bits = 0;
        std::memcpy(&bits, bytes.data() + 2 * i, sizeof(bits));
        out[i] = widen_float16(bits);
    }
}

bool is_rounded(TensorType type, ComputeType compute) {
    return compute == ComputeType::kBfloat16 && type != TensorType::kBfloat16;
}

void round_all(std::span<float> values) {
    for (float& value : values) value = round_to_bf16(value);
}

Error mismatch(std::string_view name) {
    return make_error(Errc::kInvalid, "tensor " + std::string{name} + ": unexpected dimensions or size");
}

bool all_finite(std::span<const float> values) {
    return std::all_of(values.begin(), values.end(), [](float value) { return std::isfinite(value); });
}

// Looks tensors up by name and checks what it finds.
class Binder {
  public:
    Binder(ComputeType compute, const std::vector<TensorView>& tensors) : compute_{compute} {
        for (const TensorView& tensor : tensors) by_name_.emplace(std::string{tensor.name}, &tensor);
    }

    Result<Matrix> matrix(const std::string& name, std::uint32_t rows, std::uint32_t cols) const {
        TRY(const TensorView* tensor, find(name));
        TRY(const Matrix found, Matrix::make(*tensor, compute_));
        if (found.rows() != rows || found.cols() != cols) return mismatch(name);
        std::vector<float> row(cols);
        for (std::uint32_t i = 0; i < rows; ++i) {
            found.read_row(i, row);
            if (!all_finite(row)) return make_error(Errc::kInvalid, "tensor " + name + ": a weight is not finite");
        }
        return found;
    }
    Result<std::vector<float>> vector(const std::string& name, std::uint32_t size) const {
        TRY(const TensorView* tensor, find(name));
        TRY(std::vector<float> found, read_vector(*tensor, compute_));
        if (found.size() != size || !all_finite(found)) return mismatch(name);
        return found;
    }

  private:
    Result<const TensorView*> find(const std::string& name) const {
        const auto found = by_name_.find(name);
        if (found == by_name_.end()) return make_error(Errc::kNotFound, "tensor " + name + " is missing");
        return found->second;
    }

    ComputeType compute_;
    std::map<std::string, const TensorView*> by_name_;
};

Result<LayerWeights> bind_layer(const ModelShape& shape, const Binder& binder, std::uint32_t layer) {
    const std::string prefix = "model.layers." + std::to_string(layer) + ".";
    LayerWeights weights;
    TRY(weights.attention_norm, binder.vector(prefix + "input_layernorm.weight", shape.hidden));
    TRY(weights.q, binder.matrix(prefix + "self_attn.q_proj.weight", shape.query_width(), shape.hidden));
    TRY(weights.k, binder.matrix(prefix + "self_attn.k_proj.weight", shape.kv_width(), shape.hidden));
    TRY(weights.v, binder.matrix(prefix + "self_attn.v_proj.weight", shape.kv_width(), shape.hidden));
    TRY(weights.o, binder.matrix(prefix + "self_attn.o_proj.weight", shape.hidden, shape.query_width()));
    TRY(weights.mlp_norm, binder.vector(prefix + "post_attention_layernorm.weight", shape.hidden));
    TRY(weights.gate, binder.matrix(prefix + "mlp.gate_proj.weight", shape.ffn, shape.hidden));
    TRY(weights.up, binder.matrix(prefix + "mlp.up_proj.weight", shape.ffn, shape.hidden));
    TRY(weights.down, binder.matrix(prefix + "mlp.down_proj.weight", shape.hidden, shape.ffn));
    return weights;
}

}  // namespace

Result<Matrix> Matrix::make(const TensorView& tensor, ComputeType compute) {
    if (tensor.dims.size() != 2) return mismatch(tensor.name);
    const std::uint64_t rows = tensor.dims[0];
    const std::uint64_t cols = tensor.dims[1];
    if (rows > kVocabularyMax || cols > kWidthMax) return mismatch(tensor.name);
    if (rows * cols * element_bytes(tensor.type) != tensor.bytes.size()) return mismatch(tensor.name);
    Matrix matrix;
    matrix.type_ = tensor.type;
    matrix.rounded_ = is_rounded(tensor.type, compute);
    matrix.rows_ = static_cast<std::uint32_t>(rows);
    matrix.cols_ = static_cast<std::uint32_t>(cols);
    matrix.bytes_ = tensor.bytes;
    return matrix;
}

void Matrix::read_row(std::uint32_t row, std::span<float> out) const {
    CHECK(row < rows_ && out.size() == cols_);
    const std::size_t row_bytes = cols_ * element_bytes(type_);
    widen(type_, bytes_.subspan(row * row_bytes, row_bytes), out);
    if (rounded_) round_all(out);
}

float Matrix::at(std::uint32_t row, std::uint32_t col) const {
    CHECK(row < rows_ && col < cols_);
    const std::size_t width = element_bytes(type_);
    std::array<float, 1> one{};
    widen(type_, bytes_.subspan((std::size_t{row} * cols_ + col) * width, width), one);
    if (rounded_) round_all(one);
    return one[0];
}

RowProduct Matrix::row_product(std::uint32_t row, std::span<const float> x) const {
    CHECK(row < rows_ && x.size() == cols_);
    if (type_ == TensorType::kBfloat16) {
        return row_product_bf16(bytes_.data() + std::size_t{row} * cols_ * 2, x);
    }
    std::vector<float> weights(cols_);
    read_row(row, weights);
    return verify::row_product(weights, x);
}

Result<std::vector<float>> read_vector(const TensorView& tensor, ComputeType compute) {
    if (tensor.dims.size() != 1 || tensor.dims[0] > kVocabularyMax) return mismatch(tensor.name);
    if (tensor.dims[0] * element_bytes(tensor.type) != tensor.bytes.size()) return mismatch(tensor.name);
    std::vector<float> values(tensor.dims[0]);
    widen(tensor.type, tensor.bytes, values);
    if (is_rounded(tensor.type, compute)) round_all(values);
    return values;
}

Result<ModelWeights> bind_weights(const ModelShape& shape, const std::vector<TensorView>& tensors) {
    TRY_OK(validate(shape));
    const Binder binder{shape.compute, tensors};
    ModelWeights weights;
    TRY(weights.embedding, binder.matrix("model.embed_tokens.weight", shape.vocab, shape.hidden));
    for (std::uint32_t layer = 0; layer < shape.layers; ++layer) {
        TRY(LayerWeights bound, bind_layer(shape, binder, layer));
        weights.layers.push_back(std::move(bound));
    }
    TRY(weights.final_norm, binder.vector("model.norm.weight", shape.hidden));
    weights.head = weights.embedding;
    if (!shape.tied_embeddings) {
        TRY(weights.head, binder.matrix("lm_head.weight", shape.vocab, shape.hidden));
    }
    return weights;
}

}  // namespace vcity::verify
