// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/result.hpp"
#include "verify/check/numeric.hpp"
#include "verify/matrix.hpp"
#include "verify/random.hpp"
#include "verify/trace/audit_opening.hpp"

namespace vcity::verify {

// Positions whose keys and values of the first layer are recomputed in one audit.
inline constexpr std::size_t kTokenChecksMax = 256;

// In the first layer keys and values are a function of the token alone. So opened pages of that layer tell which tokens
// were really run: for up to kTokenChecksMax positions (all, or as many random ones) one element of the key and one of
// the value, the same secret ones for all positions, are recomputed from the embedding of the committed token.
//
// The bound is crude on purpose: with p_j the terms of the exact product, |y - sum p_j| <= sqrt(sum p_j^2) / 16 +
// ulp(y). Two roundings of each input to bf16 are errors of deviation below sqrt(2) 2^-9 of each term, so an honest
// element passes by more than 20 deviations; another token's element differs by about sqrt(2 sum p_j^2) and passes in
// one case of 28, both elements in one of 800. kCorrupt at the first that does not pass.
Result<void> judge_tokens(const ModelShape& shape,
                          const ModelWeights& weights,
                          Random* random,
                          const CheckedAudit& audit);

}  // namespace vcity::verify
