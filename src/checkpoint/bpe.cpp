// SPDX-License-Identifier: Apache-2.0
#include "checkpoint/bpe.hpp"

#include <queue>

namespace vcity::checkpoint {
namespace {

constexpr std::size_t kNone = static_cast<std::size_t>(-1);

// A doubly linked list of symbols inside an array; an empty symbol was merged into its left neighbour.
struct Symbol {
    std::size_t begin = 0;
    std::size_t end = 0;
    std::size_t previous = kNone;
    std::size_t next = kNone;
};

struct Candidate {
    double priority = 0;
    std::size_t left = 0;
    std::size_t right = 0;
    std::size_t size = 0;  // of the union, to notice that a part has changed since

    bool operator<(const Candidate& other) const {
        return priority != other.priority ? priority < other.priority : left > other.left;
    }
};

class Merger {
  public:
    Merger(std::string_view text, std::span<const std::size_t> cuts, const MergeRules& rules)
        : text_{text}, rules_{&rules} {
        std::size_t begin = 0;
        for (std::size_t i = 0; i < cuts.size(); ++i) {
            symbols_.push_back({.begin = begin,
                                .end = cuts[i],
                                .previous = i == 0 ? kNone : i - 1,
                                .next = i + 1 == cuts.size() ? kNone : i + 1});
            begin = cuts[i];
        }
        for (std::size_t i = 0; i + 1 < symbols_.size(); ++i) consider(i, i + 1);
    }

    std::vector<std::size_t> run() {
        while (!queue_.empty()) {
            const Candidate best = queue_.top();
            queue_.pop();
            const Symbol& right = symbols_[best.right];
            const bool current =
                symbols_[best.left].next == best.right && right.end - symbols_[best.left].begin == best.size;
            if (current) merge(best.left, best.right);
        }
        std::vector<std::size_t> ends;
        for (std::size_t i = symbols_.empty() ? kNone : 0; i != kNone; i = symbols_[i].next)
            ends.push_back(symbols_[i].end);
        return ends;
    }

  private:
    void consider(std::size_t left, std::size_t right) {
        if (left == kNone || right == kNone) return;
        const Symbol& a = symbols_[left];
        const Symbol& b = symbols_[right];
        const auto priority = rules_->priority(text_.substr(a.begin, b.end - a.begin), a.end - a.begin);
        if (priority) queue_.push({.priority = *priority, .left = left, .right = right, .size = b.end - a.begin});
    }

    void merge(std::size_t left, std::size_t right) {
        Symbol& kept = symbols_[left];
        Symbol& gone = symbols_[right];
        kept.end = gone.end;
        kept.next = gone.next;
        if (kept.next != kNone) symbols_[kept.next].previous = left;
        gone.previous = gone.next = kNone;
        gone.begin = gone.end;
        consider(kept.previous, left);
        consider(left, kept.next);
    }

    std::string_view text_;
    const MergeRules* rules_;
    std::vector<Symbol> symbols_;
    std::priority_queue<Candidate> queue_;
};

}  // namespace

std::string MergeRules::pair_key(std::string_view left, std::string_view right) {
    std::string key{left};
    key.push_back('\0');
    key.append(right);
    return key;
}

std::optional<double> MergeRules::priority(std::string_view text, std::size_t left_size) const {
    if (ranks.empty()) {
        const auto found = scores.find(text);
        return found == scores.end() ? std::nullopt : std::optional<double>{found->second};
    }
    const auto found = ranks.find(pair_key(text.substr(0, left_size), text.substr(left_size)));
    return found == ranks.end() ? std::nullopt : std::optional<double>{-static_cast<double>(found->second)};
}

std::vector<std::size_t> merge_symbols(std::string_view text,
                                       std::span<const std::size_t> cuts,
                                       const MergeRules& rules) {
    return Merger{text, cuts, rules}.run();
}

}  // namespace vcity::checkpoint
