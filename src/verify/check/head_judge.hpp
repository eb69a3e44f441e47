// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <vector>

#include "verify/check/matrix_key.hpp"
#include "verify/check/numeric.hpp"
#include "verify/random.hpp"

namespace vcity::verify {

// One query head at one position: everything its output is made of.
struct HeadValues {
    std::span<const float> q;             // [head_dim], before the rotary embedding
    std::span<const double> q_variances;  // [head_dim]: of served against computed now
    std::span<const float> keys;          // [positions, head_dim], before the rotary embedding
    std::span<const float> values;        // [positions, head_dim]
    std::span<const float> out;           // [head_dim] of attn_out, as served
};

// Rotary embedding (rotate-half form, no scaling; angles in fp64, cosines and sines rounded to fp32), scores /
// sqrt(head_dim), causal softmax and weighted sum in fp64, against the served output under `vectors` fresh random
// signs. Noise: the output's rounding; softmax weights rounded to bf16 (not in KernelClass::kFloat32); fp32 sums,
// scores and exponentials; and the served query's roundings.
void judge_head(const ModelShape& shape,
                KernelClass kernel,
                std::uint32_t vectors,
                Random* random,
                const HeadValues& head,
                Evidence::Squares* evidence);

}  // namespace vcity::verify
