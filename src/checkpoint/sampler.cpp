// SPDX-License-Identifier: Apache-2.0
#include "checkpoint/sampler.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <vector>

#include "base/check.hpp"
#include "codec/gumbel.hpp"

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

struct Candidate {
    double weight = 0;
    std::uint32_t id = 0;
};

// Makes the heap's front the most probable candidate, of equal ones the lower id.
bool comes_later(const Candidate& a, const Candidate& b) {
    return a.weight != b.weight ? a.weight < b.weight : a.id > b.id;
}

// The smallest set of most probable tokens whose sum reaches top_p. Takes them from a heap: most logits are never
// sorted.
std::vector<std::uint32_t> nucleus(std::span<const float> logits, double top, const Sampling& sampling) {
    std::vector<Candidate> heap;
    heap.reserve(logits.size());
    double total = 0;
    for (std::uint32_t id = 0; id < logits.size(); ++id) {
        const double weight = portable_exp((static_cast<double>(logits[id]) - top) / sampling.temperature);
        total += weight;
        heap.push_back({.weight = weight, .id = id});
    }
    std::ranges::make_heap(heap, comes_later);
    std::vector<std::uint32_t> kept;
    double sum = 0;
    while (!heap.empty() && (kept.empty() || sum < sampling.top_p * total)) {
        std::ranges::pop_heap(heap, comes_later);
        sum += heap.back().weight;
        kept.push_back(heap.back().id);
        heap.pop_back();
    }
    return kept;
}

// The token with the largest score so far. A logarithm is taken only for tokens that could still win.
class BestScore {
  public:
    BestScore(std::span<const float> logits, const Sampling& sampling, std::uint64_t step)
        : logits_{logits}, sampling_{&sampling}, step_{step} {}

    void offer(std::uint32_t id) {
        const double scaled = static_cast<double>(logits_[id]) / sampling_->temperature;
        const std::uint64_t bits = codec::gumbel_bits(sampling_->seed, step_, id);
        if (scaled + codec::gumbel_noise_above(bits) < score_) return;
        const double score = scaled + codec::gumbel_noise(bits);
        if (score < score_ || (score == score_ && id > id_)) return;
        score_ = score;
        id_ = id;
    }
    std::uint32_t id() const { return id_; }

  private:
    std::span<const float> logits_;
    const Sampling* sampling_;
    std::uint64_t step_;
    double score_ = -std::numeric_limits<double>::infinity();
    std::uint32_t id_ = 0;
};

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
    BestScore choice{logits, sampling, step};
    choice.offer(static_cast<std::uint32_t>(best - logits.begin()));
    if (sampling.top_p < 1) {
        for (const std::uint32_t id : nucleus(logits, *best, sampling)) choice.offer(id);
    } else {
        for (std::uint32_t id = 0; id < logits.size(); ++id) choice.offer(id);
    }
    return choice.id();
}

}  // namespace vcity::checkpoint
