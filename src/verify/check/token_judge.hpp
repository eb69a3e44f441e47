// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "verify/check/linear_check.hpp"
#include "verify/matrix.hpp"
#include "verify/trace/audit_opening.hpp"

namespace vcity::verify {

// Positions whose keys and values of the first layer are recomputed in one audit.
inline constexpr std::size_t kTokenChecksMax = 64;

// In the first layer keys and values are a function of the token alone. So opened pages of that layer tell which tokens
// were really run: for up to kTokenChecksMax positions (all, or as many random ones) one row of the key and one of the
// value are recomputed from the embedding of the committed token. A whole prompt is compared at the price of two inner
// products a token; another token's rows are off by thousands of deviations.
void judge_tokens(const ModelShape& shape,
                  const ModelWeights& weights,
                  const LinearOptions& options,
                  const CheckedAudit& audit,
                  Evidence* evidence);

}  // namespace vcity::verify
