// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace vcity::codec {

// Counter-based noise of a request's sampler. A token is chosen as the largest logit / temperature + g, where g is
// -log(-log(u)) with u uniform in (0, 1): that is one draw from softmax(logits / temperature) (Gumbel-max; Maddison,
// Tarlow and Minka 2014), and whoever knows the request's seed can repeat it for any token alone.
//
// u = (bits >> 11 + 1/2) / 2^53, bits = mix(mix(mix(seed + G) + (step + 1) G) + (token + 1) G) modulo 2^64, with mix
// the output function of SplitMix64 and G = 0x9e3779b97f4a7c15 (Steele, Lea, Flood 2014). `step` counts the output
// tokens of a request from zero.
std::uint64_t gumbel_bits(std::uint64_t seed, std::uint64_t step, std::uint32_t token);

// The noise of these bits: grows with bits >> 11, so the largest noises can be found without a logarithm. Only IEEE
// additions, products and quotients in a fixed order, so the same on every machine; relative error below 1e-14.
double gumbel_noise(std::uint64_t bits);

// At least gumbel_noise(bits), and at most 0.8 above it where that is above 2: a cheap test whether a token can win at
// all. Nothing is above gumbel_noise_above(~0) < 37.5.
double gumbel_noise_above(std::uint64_t bits);

}  // namespace vcity::codec
