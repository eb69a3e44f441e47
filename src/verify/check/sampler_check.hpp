// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "base/result.hpp"
#include "model/request.hpp"

namespace vcity::verify {

// A logit as the verifier knows it: the one that was used at serving is within `slack`.
struct KnownLogit {
    std::uint32_t token = 0;
    double logit = 0;
    double slack = 0;
};

struct SamplerView {
    std::vector<KnownLogit> logits;  // distinct tokens, the emitted one among them; any order
    std::uint32_t vocab = 0;
    // No logit outside the list is above this; unused when the list has the whole vocabulary.
    double others_at_most = 0;
    std::uint32_t emitted = 0;
    std::uint64_t step = 0;  // output tokens before this one
};

// Whether the emitted token may be the sampler's choice: the largest logit at temperature zero, otherwise the largest
// logit / temperature + g(seed, step, token) (codec/gumbel.hpp) among the smallest set of most probable tokens whose
// probabilities reach top_p. Every comparison gives the emitted token the benefit of the slack, so a near tie is never
// a rejection. kCorrupt with a reason when another token wins beyond it, or the emitted one is outside the set.
Result<void> check_sampler(const Sampling& sampling, const SamplerView& view);

// The `count` tokens of the largest noises of this step, largest first.
std::vector<std::uint32_t> largest_noises(std::uint64_t seed,
                                          std::uint64_t step,
                                          std::uint32_t vocab,
                                          std::size_t count);

}  // namespace vcity::verify
