// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <iosfwd>
#include <memory>
#include <string>

#include "base/result.hpp"

namespace vcity::worker {

// The reference of black-box checks: which log probabilities this model gives to the tokens that somebody else's
// endpoint emitted. Everything is computed in fp32, as one batch over prompt and output, so the weights take four bytes
// each.
class LogprobReference {
  public:
    static Result<std::unique_ptr<LogprobReference>> load(const std::filesystem::path& folder, int threads);
    virtual ~LogprobReference() = default;

    // One question and its answer, both JSON.
    //   {"messages": [{"role", "content"}...] or "prompt": text,
    //    "tokens": [{"bytes": hex, "alternatives": [hex...]}...]}
    //   {"tokens": [{"logprob", "margin", "alternatives": [number or null...]}...]}
    // A token is named by the bytes that it adds to the text, since endpoints do not tell ids. The answer ends before
    // the first token that this model does not have. margin: how much likelier the likeliest token is. null: the model
    // has no such token. kInvalid for questions of another form, over the limits or beyond the context.
    virtual Result<std::string> answer(const std::string& question) = 0;
};

inline constexpr std::size_t kLogprobQuestionBytesMax = 8U << 20U;
inline constexpr std::size_t kLogprobTokensMax = 4096;
inline constexpr std::size_t kLogprobAlternativesMax = 32;

// Answers questions line by line until the input ends: {"ready": true} first, {"error": text} for one that cannot be
// answered. kCorrupt for a line that is too long.
Result<void> serve_logprobs(LogprobReference& reference, std::istream& input, std::ostream& output);

}  // namespace vcity::worker
