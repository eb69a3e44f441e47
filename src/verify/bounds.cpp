// SPDX-License-Identifier: Apache-2.0
#include "verify/bounds.hpp"

#include <algorithm>
#include <cmath>

namespace vcity::verify {
namespace {

double rounding_of_output(ComputeType compute) {
    return compute == ComputeType::kBfloat16 ? kUnitBf16 : 0.0;
}

}  // namespace

double inner_product_constant(std::uint64_t n) {
    const double terms = static_cast<double>(n);
    const double certain = terms * kUnit32 / (1.0 - terms * kUnit32);
    const double likely = std::expm1(kLambda * std::sqrt(terms) * kUnit32 + terms * kUnit32 * kUnit32);
    return std::min(certain, likely);
}

double output_half_ulp(ComputeType compute, float value) {
    if (compute == ComputeType::kFloat32 || value == 0.0F) return 0.0;
    return std::ldexp(kUnitBf16, std::ilogb(value));
}

bool Tolerance::allows(double computed, double exact) const {
    return std::abs(computed - exact) <= relative * std::abs(exact) + absolute;
}

Tolerance rms_norm_tolerance(ComputeType compute, std::uint64_t n) {
    // The sum of squares has no cancellation, so its relative error is c(n); the root halves it. Eight more roundings:
    // squares, mean, epsilon, root, reciprocal and two products. A bf16 model rounds after each of the two products.
    const double relative = 0.5 * inner_product_constant(n) + 8 * kUnit32 + 2.02 * rounding_of_output(compute);
    return {.relative = relative, .absolute = 4 * kUnderflow32};
}

Tolerance gated_tolerance(ComputeType compute, double up) {
    // exp within 4 ulp (8 u), an addition, a division, a product, and room for another form of the sigmoid: 16 u.
    // Below -88.7 exp(-gate) overflows and silu becomes zero instead of at most 2.7e-37 < 2^-121.
    const double relative = 16 * kUnit32 + 2.02 * rounding_of_output(compute);
    return {.relative = relative, .absolute = 0x1p-120 * (1.0 + std::abs(up))};
}

Tolerance residual_tolerance(ComputeType compute) {
    return {.relative = kUnit32 * 1.0001 + 1.01 * rounding_of_output(compute), .absolute = kUnderflow32};
}

}  // namespace vcity::verify
