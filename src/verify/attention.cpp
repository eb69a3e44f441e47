// SPDX-License-Identifier: Apache-2.0
#include "verify/attention.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/check.hpp"
#include "verify/bounds.hpp"

namespace vcity::verify {
namespace {

// A vector and a bound of each element's rounding error.
struct Uncertain {
    std::vector<double> values;
    std::vector<double> errors;
};

struct Score {
    double value = 0;
    double error = 0;
};

double unit_of(ComputeType compute) {
    return compute == ComputeType::kBfloat16 ? kUnitBf16 : kUnit32;
}

// One head of q or k after the rotary embedding. Four roundings of each term, and an angle that an implementation
// computes with a relative error of four fp32 roundings.
Uncertain rotate(const ModelShape& shape, std::span<const float> head, std::size_t position) {
    const std::size_t half = head.size() / 2;
    Uncertain out{std::vector<double>(head.size()), std::vector<double>(head.size())};
    for (std::size_t i = 0; i < half; ++i) {
        const double exponent = -2.0 * static_cast<double>(i) / static_cast<double>(head.size());
        const double angle = static_cast<double>(position) * std::pow(shape.rope_theta, exponent);
        const double low = double{head[i]};
        const double high = double{head[i + half]};
        out.values[i] = low * std::cos(angle) - high * std::sin(angle);
        out.values[i + half] = high * std::cos(angle) + low * std::sin(angle);
        const double error = (std::abs(low) + std::abs(high)) * (4 * unit_of(shape.compute) + 4 * angle * kUnit32);
        out.errors[i] = error;
        out.errors[i + half] = error;
    }
    return out;
}

// q.k / sqrt(head_dim): errors of both factors, of the inner product, and of scaling before or after it.
Score score_of(const ModelShape& shape, const Uncertain& query, const Uncertain& key) {
    const double scale = 1.0 / std::sqrt(static_cast<double>(shape.head_dim));
    double value = 0;
    double absolute = 0;
    double carried = 0;
    for (std::size_t i = 0; i < query.values.size(); ++i) {
        const double q = query.values[i];
        const double k = key.values[i];
        value += q * k;
        absolute += std::abs(q * k);
        carried += std::abs(q) * key.errors[i] + std::abs(k) * query.errors[i] + query.errors[i] * key.errors[i];
    }
    const double relative = inner_product_constant(query.values.size()) + 4 * unit_of(shape.compute);
    return {.value = value * scale, .error = (1.0 + relative) * scale * carried + scale * relative * absolute};
}

// The softmax weights, and the relative error that all of them may have.
struct Weights {
    std::vector<double> values;
    double relative = 0;
};

Weights weights_of(const ModelShape& shape, const std::vector<Score>& scores) {
    double peak = scores.front().value;
    double lowest = peak;
    double error = 0;
    for (const Score& score : scores) {
        peak = std::max(peak, score.value);
        lowest = std::min(lowest, score.value);
        error = std::max(error, score.error);
    }
    Weights out;
    double total = 0;
    for (const Score& score : scores) {
        out.values.push_back(std::exp(score.value - peak));
        total += out.values.back();
    }
    for (double& value : out.values) value /= total;
    // A score off by error and a difference rounded at the size of the spread shift the weight and the total alike.
    const double shift = 2 * (error + 2 * unit_of(shape.compute) * (peak - lowest));
    out.relative = std::expm1(shift) + 16 * unit_of(shape.compute) + inner_product_constant(scores.size() + 1);
    return out;
}

// Worst |given - exact| / bound of one query head.
double head_ratio(const ModelShape& shape, const std::vector<CellTrace>& cells, std::size_t head) {
    const std::size_t dim = shape.head_dim;
    const std::size_t group = head / (shape.heads / shape.kv_heads) * dim;
    const Uncertain query = rotate(shape, cells.back().q.subspan(head * dim, dim), cells.size() - 1);
    std::vector<Score> scores;
    for (std::size_t position = 0; position < cells.size(); ++position) {
        scores.push_back(score_of(shape, query, rotate(shape, cells[position].k.subspan(group, dim), position)));
    }
    const Weights weights = weights_of(shape, scores);
    const double relative = weights.relative + inner_product_constant(cells.size()) + 2 * unit_of(shape.compute);
    double worst = 0;
    for (std::size_t i = 0; i < dim; ++i) {
        double exact = 0;
        double absolute = 0;
        double largest = 0;
        for (std::size_t position = 0; position < cells.size(); ++position) {
            const double value = double{cells[position].v[group + i]};
            exact += weights.values[position] * value;
            absolute += weights.values[position] * std::abs(value);
            largest = std::max(largest, std::abs(value));
        }
        // Weights below the smallest normal number may have become zero.
        const double flushed = static_cast<double>(cells.size()) * 4 * kUnderflow32 * (1.0 + largest);
        const double given = double{cells.back().attn_out[head * dim + i]};
        const double ratio = std::abs(given - exact) / (relative * absolute + flushed);
        if (std::isnan(ratio)) return std::numeric_limits<double>::infinity();
        worst = std::max(worst, ratio);
    }
    return worst;
}

}  // namespace

double attention_ratio(const ModelShape& shape, const std::vector<CellTrace>& cells) {
    CHECK(!cells.empty() && shape.head_dim % 2 == 0);
    double worst = 0;
    for (std::size_t head = 0; head < shape.heads; ++head) worst = std::max(worst, head_ratio(shape, cells, head));
    return worst;
}

bool attention_accepts(const ModelShape& shape, const std::vector<CellTrace>& cells) {
    return attention_ratio(shape, cells) <= 1.0;
}

}  // namespace vcity::verify
