// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace vcity::checkpoint {

// Lets an unordered_map keyed by std::string be searched by std::string_view.
struct TextHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
};
template <class Value>
using TextMap = std::unordered_map<std::string, Value, TextHash, std::equal_to<>>;

// How two neighbours merge. Exactly one of the maps is used: scores of whole pieces (sentencepiece: any two neighbours
// whose union is a piece merge, the highest score first) or ranks of pairs (tokenizer.json: key is left, a NUL, right;
// the lowest rank first).
struct MergeRules {
    TextMap<float> scores;
    TextMap<std::uint32_t> ranks;

    static std::string pair_key(std::string_view left, std::string_view right);
    // Higher merges earlier.
    std::optional<double> priority(std::string_view text, std::size_t left_size) const;
};

// Splits `text` at `cuts` (the ends of its first symbols, ascending, the last one is text.size()) and merges
// neighbours by the rules, leftmost first among equals. Returns the ends of the symbols that remain. O(n log n).
std::vector<std::size_t> merge_symbols(std::string_view text,
                                       std::span<const std::size_t> cuts,
                                       const MergeRules& rules);

}  // namespace vcity::checkpoint
