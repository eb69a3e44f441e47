// SPDX-License-Identifier: Apache-2.0
#include "checkpoint/sampler.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <utility>
#include <vector>

#include "base/check.hpp"

#if defined(__clang__)
#pragma STDC FP_CONTRACT OFF
#endif

namespace vcity::checkpoint {
namespace {

// exp(x) for x <= 0 by 2^k * e^r, |r| <= ln(2)/2, and the Taylor series of e^r: only IEEE additions and products in a
// fixed order, so every machine gives the same bits. Relative error below 1e-14. Below -700 it is zero.
double portable_exp(double x) {
    constexpr double kLog2E = 1.4426950408889634;
    constexpr double kLn2 = 0.6931471805599453;
    constexpr int kTerms = 14;
    if (x < -700) return 0;
    const double k = std::floor(x * kLog2E + 0.5);
    const double r = x - k * kLn2;
    double sum = 1;
    for (int i = kTerms; i > 0; --i) sum = 1 + sum * r / i;
    const auto exponent = static_cast<std::uint64_t>(static_cast<std::int64_t>(k) + 1023);
    return sum * std::bit_cast<double>(exponent << 52U);
}

// SplitMix64's output function (Steele, Lea, Flood 2014).
std::uint64_t mix(std::uint64_t value) {
    value = (value ^ (value >> 30U)) * 0xbf58476d1ce4e5b9U;
    value = (value ^ (value >> 27U)) * 0x94d049bb133111ebU;
    return value ^ (value >> 31U);
}

// Uniform in [0, 1), 53 bits.
double draw(std::uint64_t seed, std::uint64_t step) {
    constexpr std::uint64_t kGolden = 0x9e3779b97f4a7c15U;
    const std::uint64_t bits = mix(mix(seed + kGolden) + (step + 1) * kGolden);
    return static_cast<double>(bits >> 11U) * 0x1p-53;
}

}  // namespace

Result<void> check_sampling(const Sampling& sampling) {
    if (!(sampling.temperature >= 0 && sampling.temperature <= 2)) {
        return make_error(Errc::kInvalid, "temperature must be from 0 to 2");
    }
    if (!(sampling.top_p > 0 && sampling.top_p <= 1))
        return make_error(Errc::kInvalid, "top_p must be above 0 and at most 1");
    return {};
}

std::uint32_t choose_token(std::span<const float> logits, const Sampling& sampling, std::uint64_t step) {
    CHECK(!logits.empty());
    const auto best = std::ranges::max_element(logits);
    if (sampling.temperature <= 0) return static_cast<std::uint32_t>(best - logits.begin());
    const double top = *best;
    std::vector<std::pair<double, std::uint32_t>> weights(logits.size());
    double total = 0;
    for (std::uint32_t id = 0; id < logits.size(); ++id) {
        const double weight = portable_exp((static_cast<double>(logits[id]) - top) / sampling.temperature);
        weights[id] = {weight, id};
        total += weight;
    }
    std::ranges::sort(weights, [](const auto& a, const auto& b) {
        return a.first != b.first ? a.first > b.first : a.second < b.second;
    });
    double kept = 0;
    std::size_t count = 0;
    while (count < weights.size() && (count == 0 || kept < sampling.top_p * total)) kept += weights[count++].first;
    const double target = draw(sampling.seed, step) * kept;
    double sum = 0;
    for (std::size_t i = 0; i < count; ++i) {
        sum += weights[i].first;
        if (target < sum) return weights[i].second;
    }
    return weights[count - 1].second;
}

}  // namespace vcity::checkpoint
