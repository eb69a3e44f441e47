// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "checkpoint/tokenizer.hpp"

namespace vcity::checkpoint {

// Turns output tokens into text, piece by piece: whole UTF-8 characters only, bytes that are no UTF-8 become U+FFFD,
// and nothing at or after a stop text is ever given out (what might be the start of one is held back). The worker
// streams with it and the verifier repeats it, so that the text of a response follows from its tokens.
class OutputText {
  public:
    // The tokenizer must outlive this. Empty stop texts are ignored.
    OutputText(const Tokenizer& tokenizer, std::vector<std::string> stops);

    // What can be given out now.
    std::string push(std::uint32_t token);
    // What was held back, once there are no more tokens. Nothing after a stop text was found.
    std::string finish();
    bool stopped() const { return stopped_; }

  private:
    std::string release(std::size_t bytes);
    void decode_pending(bool all);

    const Tokenizer* tokenizer_;
    std::vector<std::string> stops_;
    std::string pending_;  // bytes that may still become a character
    std::string held_;     // valid text not given out yet
    bool first_ = true;
    bool stopped_ = false;
};

// The whole text of output tokens, which are all that were sampled: a final end token adds nothing.
std::string output_text(const Tokenizer& tokenizer,
                        const std::vector<std::string>& stops,
                        std::span<const std::uint32_t> tokens);

}  // namespace vcity::checkpoint
