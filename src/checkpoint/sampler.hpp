// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>

#include "base/result.hpp"
#include "model/request.hpp"

namespace vcity::checkpoint {

// kInvalid for a temperature outside [0, 2] or a top_p outside (0, 1].
Result<void> check_sampling(const Sampling& sampling);

// The token chosen from the logits of one position. `step` counts the output tokens of the request from zero. A pure
// function of its arguments, the same on every machine: no libm, no fused operations, ties go to the lower id, so a
// verifier that has the logits can repeat the choice exactly.
//
// Temperature zero is greedy. Otherwise the largest logit / temperature + gumbel_noise(seed, step, token)
// (codec/gumbel.hpp), among the smallest set of most probable tokens of softmax(logits / temperature) whose sum reaches
// top_p: one draw from the renormalised set. Since the noise belongs to the token, a small change of the logits only
// changes the choice when two scores are nearly equal. At least one logit, and that finite; -infinity rules a token
// out. The sampling is checked.
std::uint32_t choose_token(std::span<const float> logits, const Sampling& sampling, std::uint64_t step);

}  // namespace vcity::checkpoint
