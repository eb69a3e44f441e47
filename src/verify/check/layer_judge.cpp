// SPDX-License-Identifier: Apache-2.0
#include "verify/check/layer_judge.hpp"

#include <array>
#include <cmath>

#include "base/check.hpp"
#include "verify/check/residual_noise.hpp"

namespace vcity::verify {
namespace {

// silu(gate) up in fp32: the exponential within 8 u, an addition, a quotient and two products.
constexpr double kGateError = 16 * kUnitFp32;
// exp(-gate) overflows below -88.7, and silu becomes zero instead of at most 2.7e-37 < 2^-121.
constexpr double kGateUnderflow = 0x1p-120;

// The neighbour of a bf16 number on the side of `towards`.
float neighbour(float value, double towards) {
    const auto bits = std::bit_cast<std::uint32_t>(value);
    if (value == 0) return std::bit_cast<float>(towards < 0 ? 0x80010000U : 0x00010000U);
    const bool away = (towards > double{value}) == (value > 0);
    return std::bit_cast<float>(away ? bits + 0x10000U : bits - 0x10000U);
}

// act in the compute type. For bf16 the number whose lowest bit was sent, if it is one that exact may be rounded to.
std::vector<float> act_of(ComputeType compute,
                          const ParsedComputed& computed,
                          std::span<const double> sigmoid,
                          Evidence* evidence) {
    std::vector<float> act(computed.gate.size());
    for (std::size_t i = 0; i < act.size(); ++i) {
        const double up = double{computed.up[i]};
        const double exact = double{computed.gate[i]} * sigmoid[i] * up;
        if (compute == ComputeType::kFloat32) {
            act[i] = static_cast<float>(exact);
            continue;
        }
        const float nearest = round_to_bf16(static_cast<float>(exact));
        const auto bit = static_cast<std::uint32_t>(computed.act_lowest_bits[i / 8]) >> i % 8 & 1U;
        act[i] = nearest;
        if ((std::bit_cast<std::uint32_t>(nearest) >> 16U & 1U) == bit) continue;
        act[i] = neighbour(nearest, exact);
        const double tolerance = kGateError * std::abs(exact) + kGateUnderflow * (1 + std::abs(up));
        const double reach = ulp_of(compute, nearest) / 2 + tolerance;
        if (!(std::abs(double{act[i]} - exact) <= reach)) ++evidence->wrong;
    }
    return act;
}

}  // namespace

LayerKeys LayerKeys::make(const LayerWeights& weights, std::uint32_t vectors, const Seed& seed, std::uint32_t layer) {
    const std::string prefix = std::to_string(layer) + ".";
    const auto key = [&](const Matrix& matrix, const char* name) {
        return MatrixKey::make(matrix, vectors, seed, prefix + name);
    };
    return LayerKeys{.q = key(weights.q, "q"),
                     .k = key(weights.k, "k"),
                     .v = key(weights.v, "v"),
                     .o = key(weights.o, "o"),
                     .gate = key(weights.gate, "gate"),
                     .up = key(weights.up, "up"),
                     .down = key(weights.down, "down")};
}

void judge_layer(const ModelShape& shape,
                 const LayerWeights& weights,
                 const LayerKeys& keys,
                 const LinearOptions& options,
                 const LayerCell& cell,
                 Evidence* evidence) {
    const ParsedComputed& computed = *cell.computed;
    const bool is_bf16 = shape.compute == ComputeType::kBfloat16;
    const LinearInput x_attn = norm_input(shape.compute, cell.h_in, weights.attention_norm, shape.rms_eps);
    const std::array<LinearProduct, 2> served{{{&weights.k, &keys.k, cell.k}, {&weights.v, &keys.v, cell.v}}};
    check_linear(options, x_attn, served, evidence);
    const std::array<LinearProduct, 1> q{{{&weights.q, &keys.q, computed.q}}};
    check_linear(options, x_attn, q, evidence);
    const std::array<LinearProduct, 1> o{{{&weights.o, &keys.o, computed.o}}};
    check_linear(options, exact_input(cell.attn_out), o, evidence);
    std::vector<float> h_mid(shape.hidden);
    for (std::size_t i = 0; i < h_mid.size(); ++i) {
        const float sum = cell.h_in[i] + computed.o[i];
        h_mid[i] = is_bf16 ? round_to_bf16(sum) : sum;
    }
    const LinearInput x_mlp = norm_input(shape.compute, h_mid, weights.mlp_norm, shape.rms_eps);
    const std::array<LinearProduct, 2> gated{
        {{&weights.gate, &keys.gate, computed.gate}, {&weights.up, &keys.up, computed.up}}};
    check_linear(options, x_mlp, gated, evidence);
    std::vector<double> sigmoid(shape.ffn);
    logistic(computed.gate, sigmoid);
    LinearInput act = exact_input(act_of(shape.compute, computed, sigmoid, evidence));
    if (!is_bf16) act.relative_x = kGateError;
    const std::array<LinearProduct, 1> down{{{&weights.down, &keys.down, computed.down}}};
    check_linear(options, act, down, evidence);
    judge_residual({.shape = &shape, .weights = &weights, .keys = &keys, .kernel = options.kernel},
                   {.cell = &cell, .h_mid = h_mid, .x_mlp = x_mlp.x, .sigmoid = sigmoid, .act = act.x}, evidence);
}

}  // namespace vcity::verify
