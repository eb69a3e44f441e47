// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <functional>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "base/check.hpp"
#include "verify/matrix.hpp"
#include "verify/shape.hpp"
#include "verify/weights_root.hpp"

// Small random models for tests and measurements; never part of a program.
namespace vcity::verify::testing {

inline ModelShape small_shape() {
    return {.layers = 3,
            .hidden = 48,
            .heads = 4,
            .kv_heads = 2,
            .head_dim = 12,
            .ffn = 80,
            .vocab = 96,
            .rms_eps = 1e-5,
            .rope_theta = 10000.0,
            .tied_embeddings = true,
            .compute = ComputeType::kFloat32};
}

// To the nearest bf16, ties to even; finite input.
inline std::uint16_t to_bfloat16(float value) {
    const auto bits = std::bit_cast<std::uint32_t>(value);
    const std::uint32_t half = 0x7FFFU + ((bits >> 16U) & 1U);
    return static_cast<std::uint16_t>((bits + half) >> 16U);
}
inline float round_bfloat16(float value) {
    return std::bit_cast<float>(std::uint32_t{to_bfloat16(value)} << 16U);
}

// The tensors of one checkpoint, stored as bf16.
struct StoredModel {
    struct Tensor {
        std::vector<std::uint64_t> dims;
        std::vector<float> values;  // each a bf16 number, unless a cheat changed them

        std::size_t cols() const { return static_cast<std::size_t>(dims.back()); }
    };

    ModelShape shape;
    std::map<std::string, Tensor> tensors;
    std::map<std::string, Bytes> stored;

    const std::vector<float>& values(const std::string& name) const { return tensors.at(name).values; }
    // Brings the stored bytes in line with the values; views() need it.
    void store() {
        for (const auto& [name, tensor] : tensors) {
            Bytes& bytes = stored[name];
            bytes.resize(tensor.values.size() * 2);
            for (std::size_t i = 0; i < tensor.values.size(); ++i) {
                const std::uint16_t bits = to_bfloat16(tensor.values[i]);
                std::memcpy(bytes.data() + 2 * i, &bits, sizeof(bits));
            }
        }
    }
    std::vector<TensorView> views() const {
        std::vector<TensorView> out;
        for (const auto& [name, tensor] : tensors) {
            out.push_back({.name = name, .type = TensorType::kBfloat16, .dims = tensor.dims, .bytes = stored.at(name)});
        }
        return out;
    }
    Hash root() const {
        const auto root = weights_root(views());
        CHECK(root.has_value());
        return *root;
    }
};

// Gaussian matrices with a few heavy columns, as trained ones have, and norms around one.
inline StoredModel random_model(const ModelShape& shape, std::uint64_t seed) {
    std::mt19937_64 random{seed};
    std::normal_distribution<float> normal;
    StoredModel model{.shape = shape, .tensors = {}, .stored = {}};
    const auto matrix = [&](const std::string& name, std::uint32_t rows, std::uint32_t cols) {
        StoredModel::Tensor tensor{.dims = {rows, cols}, .values = {}};
        std::vector<float> scale(cols);
        for (float& column : scale) column = (random() % 16 == 0 ? 4.0F : 1.0F) / std::sqrt(static_cast<float>(cols));
        for (std::uint32_t i = 0; i < rows * cols; ++i) {
            tensor.values.push_back(round_bfloat16(normal(random) * scale[i % cols]));
        }
        model.tensors.emplace(name, std::move(tensor));
    };
    const auto norm = [&](const std::string& name) {
        StoredModel::Tensor tensor{.dims = {shape.hidden}, .values = {}};
        for (std::uint32_t i = 0; i < shape.hidden; ++i) {
            tensor.values.push_back(round_bfloat16(1.0F + 0.2F * normal(random)));
        }
        model.tensors.emplace(name, std::move(tensor));
    };
    matrix("model.embed_tokens.weight", shape.vocab, shape.hidden);
    for (std::uint32_t layer = 0; layer < shape.layers; ++layer) {
        const std::string prefix = "model.layers." + std::to_string(layer) + ".";
        norm(prefix + "input_layernorm.weight");
        matrix(prefix + "self_attn.q_proj.weight", shape.query_width(), shape.hidden);
        matrix(prefix + "self_attn.k_proj.weight", shape.kv_width(), shape.hidden);
        matrix(prefix + "self_attn.v_proj.weight", shape.kv_width(), shape.hidden);
        matrix(prefix + "self_attn.o_proj.weight", shape.hidden, shape.query_width());
        norm(prefix + "post_attention_layernorm.weight");
        matrix(prefix + "mlp.gate_proj.weight", shape.ffn, shape.hidden);
        matrix(prefix + "mlp.up_proj.weight", shape.ffn, shape.hidden);
        matrix(prefix + "mlp.down_proj.weight", shape.hidden, shape.ffn);
    }
    norm("model.norm.weight");
    if (!shape.tied_embeddings) matrix("lm_head.weight", shape.vocab, shape.hidden);
    model.store();
    return model;
}

// Applies a change to every matrix of the decoder layers (not the embedding or the norms): what a cheaper model is.
inline StoredModel with_changed_matrices(const StoredModel& model,
                                         const std::function<void(StoredModel::Tensor*)>& change) {
    StoredModel out = model;
    for (auto& [name, tensor] : out.tensors) {
        if (tensor.dims.size() == 2 && name.find("layers") != std::string::npos) change(&tensor);
    }
    return out;
}

// Symmetric integer quantisation with one scale per group of columns of a row; group 0: the whole row.
inline void quantise(StoredModel::Tensor* tensor, int bits, std::size_t group) {
    const float most = static_cast<float>((1 << (bits - 1)) - 1);
    const std::size_t width = group == 0 ? tensor->cols() : std::min(group, tensor->cols());
    for (std::size_t row = 0; row < tensor->values.size(); row += tensor->cols()) {
        for (std::size_t start = 0; start < tensor->cols(); start += width) {
            const std::size_t end = std::min(start + width, tensor->cols());
            float peak = 0;
            for (std::size_t j = start; j < end; ++j) peak = std::max(peak, std::abs(tensor->values[row + j]));
            const float scale = peak > 0 ? peak / most : 1.0F;
            for (std::size_t j = start; j < end; ++j) {
                tensor->values[row + j] = std::nearbyint(tensor->values[row + j] / scale) * scale;
            }
        }
    }
}

// To the nearest fp8 e4m3 of sizes up to 448: three bits of fraction, smallest normal 2^-6.
inline float round_fp8(float value) {
    const int exponent = value == 0 ? -6 : std::max(std::ilogb(value), -6);
    const float step = std::ldexp(1.0F, exponent - 3);
    return std::nearbyint(value / step) * step;
}

// To fp8 e4m3 with one scale per row (largest value 448).
inline void quantise_fp8(StoredModel::Tensor* tensor) {
    for (std::size_t row = 0; row < tensor->values.size(); row += tensor->cols()) {
        float peak = 0;
        for (std::size_t j = 0; j < tensor->cols(); ++j) peak = std::max(peak, std::abs(tensor->values[row + j]));
        const float scale = peak > 0 ? peak / 448.0F : 1.0F;
        for (std::size_t j = 0; j < tensor->cols(); ++j) {
            tensor->values[row + j] = round_fp8(tensor->values[row + j] / scale) * scale;
        }
    }
}

// Adds a rank-one change of this Frobenius norm relative to the matrix: a small fine-tune.
inline void add_rank_one(StoredModel::Tensor* tensor, double relative, std::mt19937_64* random) {
    std::normal_distribution<double> normal;
    std::vector<double> left(tensor->values.size() / tensor->cols());
    std::vector<double> right(tensor->cols());
    double left_norm = 0;
    double right_norm = 0;
    double norm = 0;
    for (double& value : left) value = normal(*random);
    for (double& value : right) value = normal(*random);
    for (const double value : left) left_norm += value * value;
    for (const double value : right) right_norm += value * value;
    for (const float value : tensor->values) norm += double{value} * double{value};
    const double scale = relative * std::sqrt(norm / (left_norm * right_norm));
    for (std::size_t i = 0; i < tensor->values.size(); ++i) {
        const double change = scale * left[i / tensor->cols()] * right[i % tensor->cols()];
        tensor->values[i] = static_cast<float>(double{tensor->values[i]} + change);
    }
}

}  // namespace vcity::verify::testing
