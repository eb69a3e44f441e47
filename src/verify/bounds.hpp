// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>

#include "verify/shape.hpp"

// How far an honest worker's rounding can take a value from the real number it stands for. Derivations, sources and
// measured margins: docs/verification.md.
namespace vcity::verify {

// u of fp32, round to nearest: every operation is exact up to a factor 1 + d, |d| <= u.
inline constexpr double kUnit32 = 0x1p-24;
// u of bf16.
inline constexpr double kUnitBf16 = 0x1p-8;
// Absolute error of one fp32 operation that underflows, hardware that flushes denormals to zero included.
inline constexpr double kUnderflow32 = 0x1p-126;

// Standard deviations of the random parts. A Rademacher sum passes t norms with probability 2 exp(-t^2 / 2) = 8.3e-14
// (Hoeffding); an inner product passes lambda sqrt(n) u with probability 2 exp(-lambda^2 / 2) = 3.9e-22 (Higham and
// Mary 2019; Connolly, Higham and Mary 2021).
inline constexpr double kHoeffding = 7.85;
inline constexpr double kLambda = 10.0;

// c(n): |computed - exact| <= c(n) * sum |w_j x_j| for an inner product of n terms in fp32, any order, with or without
// fused multiply-add. The smaller of the certain bound n u / (1 - n u) and exp(lambda sqrt(n) u + n u^2) - 1.
double inner_product_constant(std::uint64_t n);

// Half a unit in the last place of the format that an output of this size was rounded to; zero for fp32, whose
// rounding c(n) has already counted.
double output_half_ulp(ComputeType compute, float value);

// Elementwise: |computed - exact| <= relative * |exact| + absolute.
struct Tolerance {
    double relative = 0;
    double absolute = 0;

    bool allows(double computed, double exact) const;
};
// h * rsqrt(mean(h^2) + eps) * weight over n elements.
Tolerance rms_norm_tolerance(ComputeType compute, std::uint64_t n);
// silu(gate) * up; absolute depends on up.
Tolerance gated_tolerance(ComputeType compute, double up);
// One addition.
Tolerance residual_tolerance(ComputeType compute);

}  // namespace vcity::verify
