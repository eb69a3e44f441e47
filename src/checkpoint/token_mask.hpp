// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string_view>
#include <vector>

#include "checkpoint/tokenizer.hpp"
#include "grammar/form.hpp"

namespace vcity::checkpoint {

// The vocabulary as a tree of bytes, made once for a model. The tokenizer must outlive it.
class TokenTree {
  public:
    TokenTree(const Tokenizer& tokenizer, const std::function<bool(std::uint32_t)>& is_end);

    const Tokenizer& tokenizer() const { return *tokenizer_; }
    bool is_end(std::uint32_t token) const { return ends_[token]; }

    // What each token leads to from a state: the fewest bytes from there to an end of the output; kUnfit for what may
    // not come. End tokens are not judged.
    static constexpr std::uint32_t kUnfit = ~0U;
    std::vector<std::uint32_t> distances(const grammar::Form& form, const grammar::FormState& state) const;

  private:
    struct Node {
        std::uint8_t byte = 0;
        std::uint32_t child = 0;    // zero: none
        std::uint32_t sibling = 0;  // zero: none
        std::uint32_t tokens = 0;   // place in tokens_, plus one; zero: none
    };
    std::uint32_t child_of(std::uint32_t parent, std::uint8_t byte);
    void walk(const grammar::Form& form,
              const grammar::FormState& state,
              std::uint32_t parent,
              std::vector<std::uint32_t>* out) const;

    const Tokenizer* tokenizer_;
    std::vector<bool> ends_;
    std::vector<Node> nodes_;
    std::vector<std::vector<std::uint32_t>> tokens_;  // of the same bytes
};

// Which tokens may come next in an output that must have a form. A pure function of the form, the tokens so far and the
// number of tokens that are left, so that a verifier repeats it. While the form is unfinished only those tokens may
// come that leave room for the shortest end of it, an end token included; when no token does, all that fit.
class TokenMask {
  public:
    TokenMask(std::shared_ptr<const TokenTree> tree, grammar::Form form);

    // The output's next token is one of `left` that may still come, at least one. Null: every token may come.
    // Otherwise one entry a token; none of them set: nothing fits.
    const std::vector<bool>* allowed(std::uint64_t left);
    void push(std::uint32_t token);

  private:
    std::string_view text_of(std::uint32_t token) const;
    const std::vector<std::uint32_t>& distances();

    std::shared_ptr<const TokenTree> tree_;
    grammar::Form form_;
    grammar::FormState state_;
    bool is_first_ = true;
    std::map<grammar::FormState, std::vector<std::uint32_t>> known_;
    std::vector<std::uint32_t> first_;
    std::vector<bool> mask_;
};

}  // namespace vcity::checkpoint
