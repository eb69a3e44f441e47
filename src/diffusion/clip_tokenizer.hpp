// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "checkpoint/bpe.hpp"
#include "checkpoint/split_pattern.hpp"

namespace vcity::diffusion {

// CLIP's byte-pair tokenizer, from vocab.json and merges.txt. Words are cut by CLIP's pattern, letters of ASCII made
// small, and the last symbol of a word is marked by "</w>". A prompt never becomes a control token, whatever it says.
class ClipTokenizer {
  public:
    // Untrusted texts. kInvalid: the file and what is wrong with it.
    static Result<ClipTokenizer> parse(std::string_view vocabulary, std::string_view merges);

    // `positions` (at least 2) ids: start, as much of the text as fits, end, and the end again up to that number.
    // kInvalid: no UTF-8, too long, or a character that the vocabulary lacks.
    Result<std::vector<std::uint32_t>> encode(std::string_view text, std::size_t positions) const;
    // The largest id and one.
    std::uint32_t vocabulary() const { return size_; }

  private:
    Result<void> append_word(std::string_view word, std::vector<std::uint32_t>* out) const;

    checkpoint::TextMap<std::uint32_t> ids_;
    checkpoint::MergeRules rules_;
    std::shared_ptr<const checkpoint::SplitPattern> pattern_;
    std::uint32_t start_ = 0;
    std::uint32_t end_ = 0;
    std::uint32_t size_ = 0;
};

}  // namespace vcity::diffusion
