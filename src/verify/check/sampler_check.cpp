// SPDX-License-Identifier: Apache-2.0
#include "verify/check/sampler_check.hpp"

#include <algorithm>
#include <cmath>

#include "base/check.hpp"
#include "codec/gumbel.hpp"

namespace vcity::verify {
namespace {

Error not_chosen() {
    return make_error(Errc::kCorrupt, "the output token is not the sampler's choice");
}

// Bounds of probability masses, as parts of exp(-peak / temperature).
class Nucleus {
  public:
    Nucleus(const Sampling& sampling, const SamplerView& view) : sampling_{sampling}, view_{view} {
        peak_ = view.logits.front().logit;
        for (const KnownLogit& known : view.logits) peak_ = std::max(peak_, known.logit);
        for (const KnownLogit& known : view.logits) {
            least_total_ += weight(known.logit - known.slack);
            most_total_ += weight(known.logit + known.slack);
        }
        most_total_ += others_mass();
    }

    bool surely_inside(const KnownLogit& token) const {
        if (sampling_.top_p >= 1) return true;
        double above = 0;
        for (const KnownLogit& other : view_.logits) {
            const bool may_be_above =
                other.token != token.token && other.logit + other.slack >= token.logit - token.slack;
            if (may_be_above) above += weight(other.logit + other.slack);
        }
        if (view_.others_at_most >= token.logit - token.slack) above += others_mass();
        return above < sampling_.top_p * least_total_;
    }
    bool surely_outside(const KnownLogit& token) const {
        if (sampling_.top_p >= 1) return false;
        double above = 0;
        for (const KnownLogit& other : view_.logits) {
            if (other.logit - other.slack > token.logit + token.slack) above += weight(other.logit - other.slack);
        }
        return above >= sampling_.top_p * most_total_;
    }

  private:
    double weight(double logit) const { return std::exp((logit - peak_) / sampling_.temperature); }
    double others_mass() const {
        const auto unknown = static_cast<double>(view_.vocab) - static_cast<double>(view_.logits.size());
        return unknown > 0 ? unknown * weight(view_.others_at_most) : 0;
    }

    const Sampling& sampling_;
    const SamplerView& view_;
    double peak_ = 0;
    double least_total_ = 0;
    double most_total_ = 0;
};

}  // namespace

Result<void> check_sampler(const Sampling& sampling, const SamplerView& view) {
    const auto emitted = std::ranges::find(view.logits, view.emitted, &KnownLogit::token);
    CHECK(emitted != view.logits.end());
    if (sampling.temperature <= 0) {
        for (const KnownLogit& other : view.logits) {
            if (other.logit - other.slack > emitted->logit + emitted->slack) return not_chosen();
        }
        return {};
    }
    const Nucleus nucleus{sampling, view};
    if (nucleus.surely_outside(*emitted)) {
        return make_error(Errc::kCorrupt, "the output token is outside the set that top_p leaves");
    }
    const auto score = [&](const KnownLogit& known, double slack) {
        const double noise = codec::gumbel_noise(codec::gumbel_bits(sampling.seed, view.step, known.token));
        return (known.logit + slack) / sampling.temperature + noise;
    };
    const double best_of_emitted = score(*emitted, emitted->slack) + 1e-9;
    for (const KnownLogit& other : view.logits) {
        if (other.token == view.emitted || score(other, -other.slack) <= best_of_emitted) continue;
        if (nucleus.surely_inside(other)) return not_chosen();
    }
    return {};
}

std::vector<std::uint32_t> largest_noises(std::uint64_t seed,
                                          std::uint64_t step,
                                          std::uint32_t vocab,
                                          std::size_t count) {
    struct Entry {
        std::uint64_t bits;
        std::uint32_t token;
    };
    std::vector<Entry> heap;  // the smallest of the largest in front
    const auto larger = [](const Entry& a, const Entry& b) { return a.bits > b.bits; };
    for (std::uint32_t token = 0; token < vocab; ++token) {
        const std::uint64_t bits = codec::gumbel_bits(seed, step, token) >> 11U;
        if (heap.size() == count && bits <= heap.front().bits) continue;
        if (heap.size() == count) {
            std::ranges::pop_heap(heap, larger);
            heap.pop_back();
        }
        heap.push_back({bits, token});
        std::ranges::push_heap(heap, larger);
    }
    std::ranges::sort_heap(heap, larger);
    std::vector<std::uint32_t> tokens;
    for (const Entry& entry : heap) tokens.push_back(entry.token);
    return tokens;
}

}  // namespace vcity::verify
