// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "verify/check/linear_check.hpp"
#include "verify/check/sampler_check.hpp"
#include "verify/header.hpp"
#include "verify/trace/audit_opening.hpp"

namespace vcity::verify {

// The verifier's side of the language-model head.
struct HeadModel {
    const ModelShape* shape = nullptr;
    const ModelWeights* weights = nullptr;
    const MatrixKey* key = nullptr;  // of the head; only used when all logits are opened
    // TokenFilter of judge.hpp; null or empty: every token might come.
    const std::function<std::optional<std::vector<bool>>(const std::vector<std::uint32_t>&, std::uint64_t)>* filter =
        nullptr;
};

// The final norm, the logits, and whether the next token is the sampler's choice where it is an output token. With all
// logits opened: vectors, rows, and the sampler over the whole vocabulary. Otherwise every claimed logit is recomputed,
// and so are the emitted token's, those of the 32 largest noises and of 64 random tokens, none of which may be above
// the smallest claimed one without being claimed. In tier A the token is not judged: the sketch binds what was served
// to the replay only as far as a sequential test over many requests does. kCorrupt with a reason for what no honest
// rounding explains. With a filter the sampler is judged among the tokens that might come; of a large vocabulary up to
// 64 of those are recomputed as well.
Result<void> judge_final(const HeadModel& model,
                         const LinearOptions& options,
                         const TraceHeader& header,
                         std::uint32_t position,
                         const CheckedCell& cell,
                         Evidence* evidence);

}  // namespace vcity::verify
