// SPDX-License-Identifier: Apache-2.0
#include "verify/check/residual_noise.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/check.hpp"
#include "verify/check/clones.hpp"

namespace vcity::verify {
namespace {

// Beyond this many deviations a sum does not move: 2 exp(-8^2 / 2) = 2.5e-14.
constexpr double kReach = 8;
// exp(-50) is 2e-22.
constexpr double kNever = 50;
// A square counts at most this much, so that a few elements cannot decide alone; any value is valid.
constexpr double kSquareMax = 16;
// An element that carries more than this share of the squared norm moves the norm by itself.
constexpr double kMassiveShare = 0.01;

// The power of two below a number.
inline double power_of(float value) {
    const std::uint32_t exponent = std::bit_cast<std::uint32_t>(value) & 0x7F800000U;
    return double{std::bit_cast<float>(exponent < 0x00800000U ? 0x00800000U : exponent)};
}

inline double rounded_variance(double w, double u) {
    const double two = w + u * u / 6;
    const double one = u * std::sqrt(w) + w;
    return two < one ? two : one;
}

double sum_of(std::span<const float> values) {
    double sum = 0;
    for (const float value : values) sum += double{value};
    return sum;
}

// Variance of the difference of two sums of one row of y = W x, and of what uncertain columns add.
class RowVariance {
  public:
    RowVariance(const ResidualModel& model, const MatrixKey& key, std::span<const float> x, double from_columns)
        : weights_{key.row_squares().data()}, factor_{2 * accumulation_factor(model.kernel, x.size())} {
        const double total = std::max(sum_of(key.row_squares()), kTiny);
        terms_ = dot_squares(x, key.column_squares()) / total;
        columns_ = from_columns / total;
    }
    double at(std::size_t row, float y) const {
        const double weight = double{weights_[row]};
        return factor_ * (double{y} * double{y} + terms_ * weight) + columns_ * weight;
    }

  private:
    const float* weights_;
    double factor_;
    double terms_ = 0;
    double columns_ = 0;
};

double through_columns(const MatrixKey& key, std::span<const double> variances) {
    double sum = 0;
    const std::span<const float> columns = key.column_squares();
    for (std::size_t j = 0; j < variances.size(); ++j) sum += variances[j] * double{columns[j]};
    return sum;
}

// How far the exact sum is from where its rounding changes.
double margin_of(ComputeType compute, double exact) {
    const auto nearest =
        compute == ComputeType::kBfloat16 ? round_to_bf16(static_cast<float>(exact)) : static_cast<float>(exact);
    return std::max(0.0, ulp_of(compute, nearest) / 2 - std::abs(double{nearest} - exact));
}

// h_mid: the variance that goes on, and by how much an element may have moved at all.
struct MidNoise {
    std::vector<double> variances;
    std::vector<double> reach;
};

MidNoise mid_noise(const ResidualModel& model, const ResidualValues& values) {
    const ComputeType compute = model.shape->compute;
    const LayerCell& cell = *values.cell;
    const RowVariance row{model, model.keys->o, cell.attn_out, 0};
    const double norm = dot(values.h_mid, values.h_mid);
    MidNoise out{std::vector<double>(values.h_mid.size()), std::vector<double>(values.h_mid.size())};
    for (std::size_t i = 0; i < values.h_mid.size(); ++i) {
        const float o = cell.computed->o[i];
        const double w = row.at(i, o);
        const double u_o = ulp_of(compute, o);
        const double u = ulp_of(compute, values.h_mid[i]);
        const double beyond = margin_of(compute, double{cell.h_in[i]} + double{o}) - u_o;
        if (beyond > 0 && beyond * beyond > kReach * kReach * w) continue;
        const double h = double{values.h_mid[i]};
        const bool massive = h * h > kMassiveShare * norm;
        out.reach[i] = u + u_o + kReach * std::sqrt(w);
        out.variances[i] = massive ? u * u + w : after_rounding(after_rounding(w, u_o), u);
    }
    return out;
}

// The arrays of x_mlp = norm(h_mid).
struct Normed {
    std::size_t count;
    const float* h_mid;
    const float* x;
    const float* weight;
    double scale;
    double common;
    double spacing;  // of numbers from one to two
};

VCITY_VECTOR_CLONES void input_variances(Normed in, const double* mid, double* __restrict out) {
    for (std::size_t j = 0; j < in.count; ++j) {
        const double x = double{in.x[j]};
        const double weight = double{in.weight[j]} * in.scale;
        const double w = weight * weight * mid[j] + x * x * in.common;
        // Two roundings: of h scale, whose spacing grows by the weight, and of the product.
        const double size = double{in.weight[j]} < 0 ? -double{in.weight[j]} : double{in.weight[j]};
        const double first = in.spacing * power_of(static_cast<float>(double{in.h_mid[j]} * in.scale)) * size;
        out[j] = rounded_variance(rounded_variance(w, first), in.spacing * power_of(in.x[j]));
    }
}

std::vector<double> mlp_input_noise(const ResidualModel& model,
                                    const ResidualValues& values,
                                    std::span<const double> mid) {
    const ComputeType compute = model.shape->compute;
    const double norm = std::max(dot(values.h_mid, values.h_mid), kTiny);
    double common = 0;  // variance of the logarithm of the norm
    for (std::size_t j = 0; j < mid.size(); ++j) {
        const double h = double{values.h_mid[j]};
        common += h * h * mid[j];
    }
    common = common / (norm * norm) + 16 * kUnitFp32 * kUnitFp32;
    const double scale = 1.0 / std::sqrt(norm / static_cast<double>(values.h_mid.size()) + model.shape->rms_eps);
    std::vector<double> out(mid.size());
    input_variances({.count = mid.size(),
                     .h_mid = values.h_mid.data(),
                     .x = values.x_mlp.data(),
                     .weight = model.weights->mlp_norm.data(),
                     .scale = scale,
                     .common = common,
                     .spacing = ulp_of(compute, 1.0F)},
                    mid.data(), out.data());
    return out;
}

// The arrays of act = silu(gate) up.
struct Gated {
    std::size_t count;
    const float* gate;
    const float* up;
    const float* act;
    const double* sigmoid;
    double spacing;  // of numbers from one to two
};

VCITY_VECTOR_CLONES void act_variances(Gated in, RowVariance of_gate, RowVariance of_up, double* __restrict out) {
    for (std::size_t k = 0; k < in.count; ++k) {
        const double g = double{in.gate[k]};
        const double u = double{in.up[k]};
        const double s = in.sigmoid[k];
        const double silu = g * s;
        const double slope = s * (1 + g * (1 - s));
        const double gate = rounded_variance(of_gate.at(k, in.gate[k]), in.spacing * power_of(in.gate[k]));
        const double up = rounded_variance(of_up.at(k, in.up[k]), in.spacing * power_of(in.up[k]));
        out[k] = rounded_variance(slope * slope * u * u * gate + silu * silu * up, in.spacing * power_of(in.act[k]));
    }
}

std::vector<double> act_noise(const ResidualModel& model, const ResidualValues& values, std::span<const double> input) {
    const ComputeType compute = model.shape->compute;
    const ParsedComputed& computed = *values.cell->computed;
    const RowVariance gate{model, model.keys->gate, values.x_mlp, through_columns(model.keys->gate, input)};
    const RowVariance up{model, model.keys->up, values.x_mlp, through_columns(model.keys->up, input)};
    std::vector<double> out(values.act.size());
    act_variances({.count = out.size(),
                   .gate = computed.gate.data(),
                   .up = computed.up.data(),
                   .act = values.act.data(),
                   .sigmoid = values.sigmoid.data(),
                   .spacing = ulp_of(compute, 1.0F)},
                  gate, up, out.data());
    return out;
}

}  // namespace

double after_rounding(double w, double u) {
    return rounded_variance(w, u);
}

std::vector<double> served_variances(const LinearOptions& options,
                                     const MatrixKey& key,
                                     const LinearInput& input,
                                     std::span<const float> y,
                                     std::size_t first) {
    const double total = std::max(sum_of(key.row_squares()), kTiny);
    const double terms = dot_squares(input.x, key.column_squares()) / total;
    double changed = 0;
    for (const LinearInput::Change& change : input.changes) {
        const double size = double{change.value} - double{input.x[change.column]};
        changed += size * size * double{key.column_squares()[change.column]};
    }
    const double factor = 2 * accumulation_factor(options.kernel, input.x.size());
    const double scale = 2 * input.relative_scale * input.relative_scale;
    const double relative = 2 * input.relative_x * input.relative_x;
    std::vector<double> out(y.size());
    for (std::size_t i = 0; i < y.size(); ++i) {
        const double weight = double{key.row_squares()[first + i]};
        const double square = double{y[i]} * double{y[i]};
        const double w =
            factor * (square + terms * weight) + scale * square + relative * terms * weight + changed / total * weight;
        out[i] = after_rounding(w, ulp_of(options.compute, y[i]));
    }
    return out;
}

void judge_residual(const ResidualModel& model, const ResidualValues& values, Evidence* evidence) {
    const ComputeType compute = model.shape->compute;
    const LayerCell& cell = *values.cell;
    const MidNoise mid = mid_noise(model, values);
    const std::vector<double> input = mlp_input_noise(model, values, mid.variances);
    const std::vector<double> act = act_noise(model, values, input);
    const RowVariance down{model, model.keys->down, values.act, through_columns(model.keys->down, act)};
    for (std::size_t i = 0; i < cell.h_next.size(); ++i) {
        const float y = cell.computed->down[i];
        const double exact = double{values.h_mid[i]} + double{y};
        const double w = down.at(i, y) + kTiny * kTiny;
        const double u_down = ulp_of(compute, y);
        const double moved = u_down + mid.reach[i];
        const double error = double{cell.h_next[i]} - exact;
        const double u = ulp_of(compute, cell.h_next[i]);
        const double variance = u * u / 12 + mid.reach[i] * mid.reach[i] + u_down * u_down / 6 + w;
        evidence->residual.sum += std::min(error * error / variance, kSquareMax);
        ++evidence->residual.count;
        const double margin = std::max(0.0, margin_of(compute, exact) - moved);
        ++evidence->residual_rows.count;
        if (margin * margin < 2 * kNever * w) {
            evidence->residual_rows.expected_misses += std::min(1.0, 2 * std::exp(-margin * margin / (2 * w)));
        }
        const double excess = std::abs(error) - u / 2;
        if (!(excess <= 0)) ++evidence->residual_rows.misses;
        if (!(excess <= moved)) {
            const double size = std::isnan(excess) ? INFINITY : (excess - moved) / std::sqrt(w);
            evidence->residual_rows.largest = std::max(evidence->residual_rows.largest, size);
        }
    }
}

}  // namespace vcity::verify
