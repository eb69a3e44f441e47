// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <bit>
#include <cstdint>
#include <span>

#include "model/audit.hpp"
#include "verify/shape.hpp"

// Number formats and inner loops of the checks. The loops are compiled for AVX2 as well where the machine may have it.
namespace vcity::verify {

// u of fp32: an operation rounded to nearest is exact up to a factor 1 + d, |d| <= u.
inline constexpr double kUnitFp32 = 0x1p-24;
// Absolute error of one fp32 operation that underflows, hardware that flushes denormals to zero included.
inline constexpr double kTiny = 0x1p-126;

// To the nearest bf16, ties to even; finite input.
inline float round_to_bf16(float value) {
    const auto bits = std::bit_cast<std::uint32_t>(value);
    return std::bit_cast<float>((bits + 0x7FFFU + (bits >> 16U & 1U)) & 0xFFFF0000U);
}

// Distance between neighbouring numbers of the compute type at the size of this one; for zero and denormals that of the
// smallest normal number.
inline double ulp_of(ComputeType compute, float value) {
    const std::uint32_t exponent = std::bit_cast<std::uint32_t>(value) & 0x7F800000U;
    const double power = exponent == 0 ? kTiny : double{std::bit_cast<float>(exponent)};
    return power * (compute == ComputeType::kBfloat16 ? 0x1p-7 : 0x1p-23);
}

// Variance of the error of an fp32 inner product of n terms w_j x_j = p_j before it is rounded to the compute type, as
// a factor of y^2 + sum p_j^2. Each of n additions adds a rounding error of variance (u S_k)^2 / 3 at most, and a
// partial sum of terms in an order that does not depend on them has E S_k^2 <= y^2 + sum p_j^2. Tensor cores cut low
// bits off instead, up to 2^-22 of the sum once every 16 terms, which adds a drift of half of that.
double accumulation_factor(KernelClass kernel, std::uint64_t n);

// sum a_i b_i in fp64.
double dot(std::span<const float> a, std::span<const float> b);
// sum a_i^2 b_i in fp64.
double dot_squares(std::span<const float> a, std::span<const float> b);
// sum r_i y_i in fp64, r of +1 and -1.
double signed_sum(std::span<const std::int8_t> r, std::span<const float> y);
// sum ra_i rb_i ulp(y_i)^2 in fp64.
double ulp_squares(ComputeType compute,
                   std::span<const std::int8_t> ra,
                   std::span<const std::int8_t> rb,
                   std::span<const float> y);
// sum ulp(y_i)^2 in fp64.
double ulp_squares(ComputeType compute, std::span<const float> y);
// sum x_i^2 a_i b_i in fp64.
double weighted_products(std::span<const float> x, std::span<const float> a, std::span<const float> b);

// An inner product of a stored row with x, and the sum of its squared terms.
struct RowProduct {
    double value = 0;
    double squares = 0;
};
RowProduct row_product(std::span<const float> row, std::span<const float> x);
// The same for a row of little-endian bf16 numbers.
RowProduct row_product_bf16(const std::uint8_t* row, std::span<const float> x);

// The logistic function 1 / (1 + exp(-x)) of each element, in fp64, relative error below 1e-12.
void logistic(std::span<const float> x, std::span<double> out);
// exp(x) of each element in place, x <= 0; relative error below 1e-12, zero below -700.
void exponentials(std::span<double> x);

}  // namespace vcity::verify
