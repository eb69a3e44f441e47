// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "async/task.hpp"
#include "base/result.hpp"
#include "base/time.hpp"

namespace vcity::ports {

struct ReferenceMessage {
    std::string role;
    std::string content;
};
// An answer that somebody else's endpoint gave. Tokens are named by the bytes that they add to the text.
struct ReferenceToken {
    std::string bytes;
    std::vector<std::string> alternatives;  // at most 32
};
struct ReferenceQuestion {
    std::vector<ReferenceMessage> messages;  // or, when empty:
    std::string prompt;
    std::vector<ReferenceToken> tokens;  // at most 4096
};
// What the model thinks of one token, given the prompt and the tokens before it.
struct ReferenceReading {
    double logprob = 0;
    double margin = 0;  // how much larger the logarithm of the likeliest token's probability is
    std::vector<std::optional<double>> alternatives;  // empty: the model has no such token
};

// A model whose weights we hold, to compare an endpoint with.
class ReferenceModel {
  public:
    virtual ~ReferenceModel() = default;
    // Readings of the first tokens, up to one that this model does not have. One question at a time. kInvalid for a
    // text that the model cannot take, kUnavailable when the model ended, kTimeout at the deadline. May be repeated.
    virtual Task<Result<std::vector<ReferenceReading>>> read(ReferenceQuestion question, TimePoint deadline) = 0;
};

}  // namespace vcity::ports
