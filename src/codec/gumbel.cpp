// SPDX-License-Identifier: Apache-2.0
#include "codec/gumbel.hpp"

#include <bit>

#if defined(__clang__)
#pragma STDC FP_CONTRACT OFF
#endif

namespace vcity::codec {
namespace {

constexpr std::uint64_t kGolden = 0x9e3779b97f4a7c15U;
constexpr double kLn2 = 0.6931471805599453;
constexpr double kSqrtHalf = 0.7071067811865476;

std::uint64_t mix(std::uint64_t value) {
    value = (value ^ (value >> 30U)) * 0xbf58476d1ce4e5b9U;
    value = (value ^ (value >> 27U)) * 0x94d049bb133111ebU;
    return value ^ (value >> 31U);
}

// log(x) of a positive normal x = 2^k m, m in [sqrt(1/2), sqrt(2)): k ln 2 + 2 artanh((m - 1) / (m + 1)), by the series
// of artanh; |argument| <= 0.1716, so the terms left out are below 1e-17 of the first.
double portable_log(double x) {
    constexpr int kLastPower = 19;
    const auto bits = std::bit_cast<std::uint64_t>(x);
    auto exponent = static_cast<std::int64_t>(bits >> 52U) - 1022;
    double m = std::bit_cast<double>((bits & 0x000fffffffffffffU) | 0x3fe0000000000000U);
    if (m < kSqrtHalf) {
        m = m * 2;
        exponent -= 1;
    }
    const double z = (m - 1) / (m + 1);
    const double square = z * z;
    double sum = 0;
    for (int power = kLastPower; power >= 1; power -= 2) sum = sum * square + 1.0 / power;
    return static_cast<double>(exponent) * kLn2 + 2 * z * sum;
}

// -log(u), also where u is so near to one that 1 - u, which is exact, says more.
double minus_log(std::uint64_t top) {
    constexpr std::uint64_t kHalf = 1ULL << 52U;
    const double scaled = static_cast<double>(top);
    if (top < kHalf) return -portable_log((scaled + 0.5) * 0x1p-53);
    const double rest = (static_cast<double>((1ULL << 53U) - 1 - top) + 0.5) * 0x1p-53;
    const double z = rest / (2 - rest);
    if (z > 0.125) return -portable_log(1 - rest);
    const double square = z * z;
    double sum = 0;
    for (int power = 17; power >= 1; power -= 2) sum = sum * square + 1.0 / power;
    return 2 * z * sum;
}

}  // namespace

std::uint64_t gumbel_bits(std::uint64_t seed, std::uint64_t step, std::uint32_t token) {
    const std::uint64_t stream = mix(mix(seed + kGolden) + (step + 1) * kGolden);
    return mix(stream + (std::uint64_t{token} + 1) * kGolden);
}

double gumbel_noise(std::uint64_t bits) {
    return -portable_log(minus_log(bits >> 11U));
}

double gumbel_noise_above(std::uint64_t bits) {
    // -log(u) >= 1 - u >= 2^(e - 1), where e is the number of bits of the complement, half an ulp included.
    const std::uint64_t rest = 2 * ((1ULL << 53U) - 1 - (bits >> 11U)) + 1;  // (1 - u) 2^54
    return kLn2 * static_cast<double>(55 - std::bit_width(rest));
}

}  // namespace vcity::codec
