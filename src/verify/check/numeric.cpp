// SPDX-License-Identifier: Apache-2.0
#include "verify/check/numeric.hpp"

#include <array>
#include <cstring>

#include "base/check.hpp"
#include "verify/check/clones.hpp"

namespace vcity::verify {
namespace {

constexpr std::size_t kLanes = 16;

// The remainder of a loop by lanes.
std::size_t whole(std::size_t count) {
    return count - count % kLanes;
}

double total(const std::array<double, kLanes>& lanes) {
    double sum = 0;
    for (const double lane : lanes) sum += lane;
    return sum;
}

// Four fp64 numbers: a register with AVX2, two without. Passed by address, since the way to pass them by value depends
// on the processor.
using Doubles = double __attribute__((vector_size(4 * sizeof(double))));
using Floats = float __attribute__((vector_size(4 * sizeof(float))));

inline void load(const float* from, Doubles* out) {
    Floats values;
    std::memcpy(&values, from, sizeof(values));
    *out = __builtin_convertvector(values, Doubles);
}
inline void load(const std::int8_t* from, Doubles* out) {
    using Signs = std::int8_t __attribute__((vector_size(4)));
    Signs values;
    std::memcpy(&values, from, sizeof(values));
    *out = __builtin_convertvector(values, Doubles);
}
// bf16.
inline void load(const std::uint8_t* from, Doubles* out) {
    using Halves = std::uint16_t __attribute__((vector_size(8)));
    using Words = std::uint32_t __attribute__((vector_size(16)));
    Halves values;
    std::memcpy(&values, from, sizeof(values));
    const Words bits = __builtin_convertvector(values, Words) << 16U;
    Floats widened;
    std::memcpy(&widened, &bits, sizeof(widened));
    *out = __builtin_convertvector(widened, Doubles);
}
inline double sum_of(const Doubles& a, const Doubles& b) {
    const Doubles both = a + b;
    return (both[0] + both[1]) + (both[2] + both[3]);
}

VCITY_VECTOR_CLONES double dot_of(const float* a, const float* b, std::size_t count) {
    Doubles even = {};
    Doubles odd = {};
    std::size_t i = 0;
    for (; i + 8 <= count; i += 8) {
        Doubles left, right;
        load(a + i, &left);
        load(b + i, &right);
        even += left * right;
        load(a + i + 4, &left);
        load(b + i + 4, &right);
        odd += left * right;
    }
    double sum = sum_of(even, odd);
    for (; i < count; ++i) sum += double{a[i]} * double{b[i]};
    return sum;
}

VCITY_VECTOR_CLONES double dot_squares_of(const float* a, const float* b, std::size_t count) {
    std::array<double, kLanes> lanes{};
    for (std::size_t i = 0; i < whole(count); i += kLanes) {
        for (std::size_t j = 0; j < kLanes; ++j) lanes[j] += double{a[i + j]} * double{a[i + j]} * double{b[i + j]};
    }
    double sum = total(lanes);
    for (std::size_t i = whole(count); i < count; ++i) sum += double{a[i]} * double{a[i]} * double{b[i]};
    return sum;
}

VCITY_VECTOR_CLONES double weighted_of(const float* x, const float* a, const float* b, std::size_t count) {
    std::array<double, kLanes> lanes{};
    for (std::size_t i = 0; i < whole(count); i += kLanes) {
        for (std::size_t j = 0; j < kLanes; ++j) {
            lanes[j] += double{x[i + j]} * double{x[i + j]} * double{a[i + j]} * double{b[i + j]};
        }
    }
    double sum = total(lanes);
    for (std::size_t i = whole(count); i < count; ++i) sum += double{x[i]} * double{x[i]} * double{a[i]} * double{b[i]};
    return sum;
}

VCITY_VECTOR_CLONES double signed_of(const std::int8_t* r, const float* y, std::size_t count) {
    Doubles even = {};
    Doubles odd = {};
    std::size_t i = 0;
    for (; i + 8 <= count; i += 8) {
        Doubles left, right;
        load(r + i, &left);
        load(y + i, &right);
        even += left * right;
        load(r + i + 4, &left);
        load(y + i + 4, &right);
        odd += left * right;
    }
    double sum = sum_of(even, odd);
    for (; i < count; ++i) sum += static_cast<double>(r[i]) * double{y[i]};
    return sum;
}

// The square of 2^e for a number of exponent e; of the smallest normal number for zero and denormals.
inline double power_square(float value) {
    const std::uint32_t exponent = std::bit_cast<std::uint32_t>(value) & 0x7F800000U;
    const double power = double{std::bit_cast<float>(exponent < 0x00800000U ? 0x00800000U : exponent)};
    return power * power;
}

VCITY_VECTOR_CLONES double powers_of(const std::int8_t* ra, const std::int8_t* rb, const float* y, std::size_t count) {
    std::array<double, kLanes> lanes{};
    for (std::size_t i = 0; i < whole(count); i += kLanes) {
        for (std::size_t j = 0; j < kLanes; ++j) {
            lanes[j] += static_cast<double>(ra[i + j] * rb[i + j]) * power_square(y[i + j]);
        }
    }
    double sum = total(lanes);
    for (std::size_t i = whole(count); i < count; ++i) {
        sum += static_cast<double>(ra[i] * rb[i]) * power_square(y[i]);
    }
    return sum;
}

VCITY_VECTOR_CLONES double all_powers_of(const float* y, std::size_t count) {
    std::array<double, kLanes> lanes{};
    for (std::size_t i = 0; i < whole(count); i += kLanes) {
        for (std::size_t j = 0; j < kLanes; ++j) lanes[j] += power_square(y[i + j]);
    }
    double sum = total(lanes);
    for (std::size_t i = whole(count); i < count; ++i) sum += power_square(y[i]);
    return sum;
}

inline double bf16_at(const std::uint8_t* bytes, std::size_t index) {
    std::uint16_t bits = 0;
    std::memcpy(&bits, bytes + 2 * index, sizeof(bits));
    return double{std::bit_cast<float>(std::uint32_t{bits} << 16U)};
}

VCITY_VECTOR_CLONES RowProduct row_product_bf16_of(const std::uint8_t* row, const float* x, std::size_t count) {
    Doubles even = {};
    Doubles odd = {};
    Doubles even_squares = {};
    Doubles odd_squares = {};
    std::size_t i = 0;
    for (; i + 8 <= count; i += 8) {
        Doubles left, right;
        load(row + 2 * i, &left);
        load(x + i, &right);
        Doubles products = left * right;
        even += products;
        even_squares += products * products;
        load(row + 2 * i + 8, &left);
        load(x + i + 4, &right);
        products = left * right;
        odd += products;
        odd_squares += products * products;
    }
    RowProduct out{.value = sum_of(even, odd), .squares = sum_of(even_squares, odd_squares)};
    for (; i < count; ++i) {
        const double product = bf16_at(row, i) * double{x[i]};
        out.value += product;
        out.squares += product * product;
    }
    return out;
}

VCITY_VECTOR_CLONES RowProduct row_product_of(const float* row, const float* x, std::size_t count) {
    std::array<double, kLanes> values{};
    std::array<double, kLanes> squared{};
    for (std::size_t i = 0; i < whole(count); i += kLanes) {
        for (std::size_t j = 0; j < kLanes; ++j) {
            const double product = double{row[i + j]} * double{x[i + j]};
            values[j] += product;
            squared[j] += product * product;
        }
    }
    RowProduct out{.value = total(values), .squares = total(squared)};
    for (std::size_t i = whole(count); i < count; ++i) {
        const double product = double{row[i]} * double{x[i]};
        out.value += product;
        out.squares += product * product;
    }
    return out;
}

// exp(x) = 2^k e^r with r in [-ln(2)/2, ln(2)/2] and the Taylor series of e^r up to the 11th power, whose rest is below
// 1e-14. Rounds to k by adding and taking away 1.5 2^52. x is clamped to what has a normal result.
inline double exponential(double x) {
    constexpr double kLog2E = 1.4426950408889634;
    constexpr double kLn2 = 0.6931471805599453;
    constexpr double kShift = 0x1.8p52;
    const double below = x < -700.0 ? -700.0 : x;
    const double clamped = below > 700.0 ? 700.0 : below;
    const double shifted = clamped * kLog2E + kShift;
    const double k = shifted - kShift;
    const double r = clamped - k * kLn2;
    double sum = 1.0 / 39916800.0;
    sum = sum * r + 1.0 / 3628800.0;
    sum = sum * r + 1.0 / 362880.0;
    sum = sum * r + 1.0 / 40320.0;
    sum = sum * r + 1.0 / 5040.0;
    sum = sum * r + 1.0 / 720.0;
    sum = sum * r + 1.0 / 120.0;
    sum = sum * r + 1.0 / 24.0;
    sum = sum * r + 1.0 / 6.0;
    sum = sum * r + 0.5;
    sum = sum * r + 1.0;
    sum = sum * r + 1.0;
    const std::uint64_t exponent = std::bit_cast<std::uint64_t>(shifted) << 52U;  // k modulo 2^12 in place
    return std::bit_cast<double>(std::bit_cast<std::uint64_t>(sum) + exponent);
}

VCITY_VECTOR_CLONES void logistic_of(const float* x, double* out, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) out[i] = 1.0 / (1.0 + exponential(-double{x[i]}));
}

VCITY_VECTOR_CLONES void exponentials_of(double* x, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) x[i] = x[i] < -700.0 ? 0.0 : exponential(x[i]);
}

}  // namespace

double accumulation_factor(KernelClass kernel, std::uint64_t n) {
    const double terms = static_cast<double>(n);
    const double rounding = terms * kUnitFp32 * kUnitFp32 / 3;
    if (kernel != KernelClass::kFlashTensor) return rounding;
    const double drift = (terms / 16 + 1) * 0x1p-23;
    return rounding + drift * drift;
}

double dot(std::span<const float> a, std::span<const float> b) {
    CHECK(a.size() == b.size());
    return dot_of(a.data(), b.data(), a.size());
}

double dot_squares(std::span<const float> a, std::span<const float> b) {
    CHECK(a.size() == b.size());
    return dot_squares_of(a.data(), b.data(), a.size());
}

double weighted_products(std::span<const float> x, std::span<const float> a, std::span<const float> b) {
    CHECK(x.size() == a.size() && x.size() == b.size());
    return weighted_of(x.data(), a.data(), b.data(), x.size());
}

double signed_sum(std::span<const std::int8_t> r, std::span<const float> y) {
    CHECK(r.size() == y.size());
    return signed_of(r.data(), y.data(), y.size());
}

double ulp_squares(ComputeType compute,
                   std::span<const std::int8_t> ra,
                   std::span<const std::int8_t> rb,
                   std::span<const float> y) {
    CHECK(ra.size() == y.size() && rb.size() == y.size());
    const double relative = ulp_of(compute, 1.0F);
    return relative * relative * powers_of(ra.data(), rb.data(), y.data(), y.size());
}

RowProduct row_product(std::span<const float> row, std::span<const float> x) {
    CHECK(row.size() == x.size());
    return row_product_of(row.data(), x.data(), x.size());
}

RowProduct row_product_bf16(const std::uint8_t* row, std::span<const float> x) {
    return row_product_bf16_of(row, x.data(), x.size());
}

double ulp_squares(ComputeType compute, std::span<const float> y) {
    const double relative = ulp_of(compute, 1.0F);
    return relative * relative * all_powers_of(y.data(), y.size());
}

void logistic(std::span<const float> x, std::span<double> out) {
    CHECK(x.size() == out.size());
    logistic_of(x.data(), out.data(), x.size());
}

void exponentials(std::span<double> x) {
    exponentials_of(x.data(), x.size());
}

}  // namespace vcity::verify
