// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "base/result.hpp"
#include "diffusion/config.hpp"

namespace vcity::diffusion {

// One step from noise to a picture: the next latents are keep * latents + add * what the network says at `time`.
struct DiffusionStep {
    std::uint32_t time = 0;  // of the training steps
    double keep = 0;
    double add = 0;
};

// DDIM without noise of its own (Song, Meng, Ermon 2020, formula 12 with eta = 0). Signal shares a_t are the products
// of 1 - beta; latents are sqrt(a_t) x_0 + sqrt(1 - a_t) noise. The times are `steps` multiples of train_steps / steps
// ("leading"), latest first. kInvalid: 0 steps, or more than there are to train.
Result<std::vector<DiffusionStep>> make_steps(const ScheduleConfig& config, std::uint32_t steps);

// Independent normal numbers, by Box and Muller from SplitMix64 of the seed: the same for the same seed on every
// machine, but for the last bits of its logarithm and cosine.
std::vector<float> normal_numbers(std::uint64_t seed, std::size_t count);

}  // namespace vcity::diffusion
