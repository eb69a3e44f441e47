// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace vcity::checkpoint {

// The regular expression that cuts a text into words before byte-pair merging (PCRE2, Unicode classes). The pattern
// comes from a model's files, so its length and the work of a match are bounded.
class SplitPattern {
  public:
    static Result<std::shared_ptr<const SplitPattern>> compile(std::string_view pattern);
    ~SplitPattern();
    SplitPattern(const SplitPattern&) = delete;
    SplitPattern& operator=(const SplitPattern&) = delete;

    // The matches and what lies between them, in order: together they are the text. The text is valid UTF-8. kExhausted
    // when a match takes too much work.
    Result<std::vector<std::string_view>> split(std::string_view text) const;

  private:
    struct Code;
    explicit SplitPattern(std::unique_ptr<Code> code);
    std::unique_ptr<Code> code_;
};

// The pattern of GPT-2, which a ByteLevel pre-tokenizer with use_regex stands for.
inline constexpr std::string_view kGpt2Pattern =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";

}  // namespace vcity::checkpoint
