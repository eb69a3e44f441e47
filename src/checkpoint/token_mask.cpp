// SPDX-License-Identifier: Apache-2.0
#include "checkpoint/token_mask.hpp"

#include <algorithm>

namespace vcity::checkpoint {
namespace {

// States that repeat, such as the inside of a text, are few.
constexpr std::size_t kKnownMax = 64;

using Mode = grammar::FormState::Mode;

// Tokens that a state still needs: bytes are an upper bound of them, and an end token says that it is over.
std::uint64_t tokens_needed(std::uint32_t distance, bool is_free) {
    return is_free ? 0 : std::uint64_t{distance} + 1;
}

// Set in a distance when the state after the token is free text, which may break off anywhere.
constexpr std::uint32_t kFreeMark = 1U << 31U;

std::uint32_t marked(const grammar::Form& form, const grammar::FormState& state) {
    return state.mode == Mode::kForm ? form.distance(state) : kFreeMark;
}

}  // namespace

TokenTree::TokenTree(const Tokenizer& tokenizer, const std::function<bool(std::uint32_t)>& is_end)
    : tokenizer_{&tokenizer}, ends_(tokenizer.vocabulary()), nodes_(1) {
    for (std::uint32_t token = 0; token < tokenizer.vocabulary(); ++token) {
        ends_[token] = is_end(token);
        std::uint32_t at = 0;
        for (const char byte : tokenizer.token_bytes(token)) at = child_of(at, static_cast<std::uint8_t>(byte));
        if (at == 0 || ends_[token]) continue;
        if (nodes_[at].tokens == 0) {
            tokens_.emplace_back();
            nodes_[at].tokens = static_cast<std::uint32_t>(tokens_.size());
        }
        tokens_[nodes_[at].tokens - 1].push_back(token);
    }
}

std::uint32_t TokenTree::child_of(std::uint32_t parent, std::uint8_t byte) {
    for (std::uint32_t at = nodes_[parent].child; at != 0; at = nodes_[at].sibling) {
        if (nodes_[at].byte == byte) return at;
    }
    const auto fresh = static_cast<std::uint32_t>(nodes_.size());
    nodes_.push_back({.byte = byte, .sibling = nodes_[parent].child});
    nodes_[parent].child = fresh;
    return fresh;
}

// As deep as the longest token.
void TokenTree::walk(const grammar::Form& form,
                     const grammar::FormState& state,
                     std::uint32_t parent,
                     std::vector<std::uint32_t>* out) const {
    for (std::uint32_t at = nodes_[parent].child; at != 0; at = nodes_[at].sibling) {
        const grammar::FormState next = form.next(state, nodes_[at].byte);
        if (!grammar::Form::fits(next)) continue;
        if (nodes_[at].tokens != 0) {
            const std::uint32_t distance = marked(form, next);
            for (const std::uint32_t token : tokens_[nodes_[at].tokens - 1]) (*out)[token] = distance;
        }
        walk(form, next, at, out);
    }
}

std::vector<std::uint32_t> TokenTree::distances(const grammar::Form& form, const grammar::FormState& state) const {
    std::vector<std::uint32_t> out(ends_.size(), kUnfit);
    walk(form, state, 0, &out);
    return out;
}

TokenMask::TokenMask(std::shared_ptr<const TokenTree> tree, grammar::Form form)
    : tree_{std::move(tree)}, form_{std::move(form)}, state_{form_.start()} {}

std::string_view TokenMask::text_of(std::uint32_t token) const {
    std::string_view text = tree_->tokenizer().token_bytes(token);
    if (is_first_ && tree_->tokenizer().drops_first_space() && text.starts_with(' ')) text.remove_prefix(1);
    return text;
}

void TokenMask::push(std::uint32_t token) {
    if (tree_->is_end(token)) return;
    for (const char byte : text_of(token)) state_ = form_.next(state_, static_cast<std::uint8_t>(byte));
    is_first_ = false;
}

const std::vector<std::uint32_t>& TokenMask::distances() {
    const bool drops = is_first_ && tree_->tokenizer().drops_first_space();
    if (!drops) {
        if (const auto known = known_.find(state_); known != known_.end()) return known->second;
        if (known_.size() >= kKnownMax) known_.clear();
        return known_.emplace(state_, tree_->distances(form_, state_)).first->second;
    }
    // Once an output: a token's first space is not part of the text.
    first_ = tree_->distances(form_, state_);
    for (std::uint32_t token = 0; token < first_.size(); ++token) {
        const std::string_view whole = tree_->tokenizer().token_bytes(token);
        if (!whole.starts_with(' ') || tree_->is_end(token)) continue;
        grammar::FormState state = state_;
        for (const char byte : text_of(token)) {
            state = form_.next(state, static_cast<std::uint8_t>(byte));
            if (!grammar::Form::fits(state)) break;
        }
        const bool is_something = whole.size() > 1 || state.mode != Mode::kForm;
        first_[token] = is_something && grammar::Form::fits(state) ? marked(form_, state) : TokenTree::kUnfit;
    }
    return first_;
}

const std::vector<bool>* TokenMask::allowed(std::uint64_t left) {
    if (state_.mode == Mode::kFree) return nullptr;
    const std::vector<std::uint32_t>& distance = distances();
    const bool may_end = grammar::Form::may_end(state_);
    const auto fill = [&](bool must_fit) {
        bool is_any = false;
        mask_.assign(distance.size(), false);
        for (std::uint32_t token = 0; token < distance.size(); ++token) {
            if (tree_->is_end(token)) {
                mask_[token] = may_end;
            } else if (distance[token] != TokenTree::kUnfit) {
                mask_[token] = !must_fit || tokens_needed(distance[token], distance[token] == kFreeMark) + 1 <= left;
            }
            is_any = is_any || mask_[token];
        }
        return is_any;
    };
    if (!fill(true)) (void)fill(false);
    return &mask_;
}

}  // namespace vcity::checkpoint
