// SPDX-License-Identifier: Apache-2.0
#include "diffusion/clip_tokenizer.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "checkpoint/tokenizer.hpp"
#include "codec/json.hpp"

namespace vcity::diffusion {
namespace {

constexpr std::string_view kWordEnd = "</w>";
constexpr std::size_t kMergesMax = 1U << 20U;
constexpr std::size_t kTextBytesMax = 64U << 10U;
constexpr std::uint64_t kIdsMax = 1U << 20U;
constexpr std::string_view kPattern =
    R"((?i)<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|\p{L}+|\p{N}|[^\s\p{L}\p{N}]+)";

Error bad(std::string_view file, std::string_view why) {
    return make_error(Errc::kInvalid, fmt::format("tokenizer/{}: {}", file, why));
}

Result<void> read_merges(std::string_view text, checkpoint::MergeRules* rules) {
    std::uint32_t rank = 0;
    for (std::size_t line = 1; !text.empty(); ++line) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        const std::string_view pair = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        const bool is_nothing = pair.empty() || (line == 1 && pair.starts_with("#version"));
        if (is_nothing) continue;
        const std::size_t space = pair.find(' ');
        const bool is_pair = space != std::string_view::npos && space > 0 && space + 1 < pair.size() &&
                             pair.find(' ', space + 1) == std::string_view::npos;
        if (!is_pair) return bad("merges.txt", fmt::format("line {}: must be two symbols", line));
        if (rank == kMergesMax) return bad("merges.txt", "has too many lines");
        rules->ranks.emplace(checkpoint::MergeRules::pair_key(pair.substr(0, space), pair.substr(space + 1)), rank++);
    }
    return {};
}

// White space lies between words and is no word; the pattern matches none.
bool is_space(std::string_view piece) {
    if (piece.find_first_not_of(" \t\r\n\v\f") != 0) return true;
    // NEL and no-break space, Ogham's, those of U+2000, and the ideographic one.
    constexpr std::string_view kOthers[] = {"\xc2\x85",     "\xc2\xa0",     "\xe1\x9a\x80", "\xe2\x80\xa8",
                                            "\xe2\x80\xa9", "\xe2\x80\xaf", "\xe2\x81\x9f", "\xe3\x80\x80"};
    if (std::ranges::any_of(kOthers, [&](std::string_view space) { return piece.starts_with(space); })) return true;
    constexpr std::size_t kBytes = 3;
    if (piece.size() < kBytes || !piece.starts_with("\xe2\x80")) return false;
    const auto last = static_cast<unsigned char>(piece[2]);
    return last >= 0x80 && last <= 0x8a;
}

}  // namespace

Result<ClipTokenizer> ClipTokenizer::parse(std::string_view vocabulary, std::string_view merges) {
    const Result<codec::Json> json = codec::parse_json(vocabulary);
    if (!json) return bad("vocab.json", json.error().message);
    if (json->get_object() == nullptr) return bad("vocab.json", "is no JSON object");
    ClipTokenizer tokenizer;
    for (const auto& [piece, id] : *json->get_object()) {
        std::uint64_t number = 0;
        if (!id.get_u64(&number) || number >= kIdsMax) return bad("vocab.json", "an id is no number that is allowed");
        tokenizer.ids_.emplace(piece, static_cast<std::uint32_t>(number));
        tokenizer.size_ = std::max(tokenizer.size_, static_cast<std::uint32_t>(number) + 1);
    }
    const auto start = tokenizer.ids_.find("<|startoftext|>");
    const auto end = tokenizer.ids_.find("<|endoftext|>");
    const bool has_both = start != tokenizer.ids_.end() && end != tokenizer.ids_.end();
    if (!has_both) return bad("vocab.json", "lacks <|startoftext|> or <|endoftext|>");
    tokenizer.start_ = start->second;
    tokenizer.end_ = end->second;
    tokenizer.ids_.erase("<|startoftext|>");
    tokenizer.ids_.erase("<|endoftext|>");
    TRY_OK(read_merges(merges, &tokenizer.rules_));
    TRY(tokenizer.pattern_, checkpoint::SplitPattern::compile(kPattern));
    return tokenizer;
}

Result<void> ClipTokenizer::append_word(std::string_view word, std::vector<std::uint32_t>* out) const {
    std::string symbols;
    std::vector<std::size_t> cuts;
    for (const char letter : word) {
        const bool is_capital = letter >= 'A' && letter <= 'Z';
        const char small = is_capital ? static_cast<char>(letter - 'A' + 'a') : letter;
        symbols.append(checkpoint::byte_stand_in(static_cast<std::uint8_t>(small)));
        cuts.push_back(symbols.size());
    }
    symbols.append(kWordEnd);
    cuts.back() = symbols.size();
    std::size_t begin = 0;
    for (const std::size_t end : checkpoint::merge_symbols(symbols, cuts, rules_)) {
        const auto found = ids_.find(std::string_view{symbols}.substr(begin, end - begin));
        if (found == ids_.end())
            return make_error(Errc::kInvalid, "prompt: has a character that the model cannot read");
        out->push_back(found->second);
        begin = end;
    }
    return {};
}

Result<std::vector<std::uint32_t>> ClipTokenizer::encode(std::string_view text, std::size_t positions) const {
    if (text.size() > kTextBytesMax) return make_error(Errc::kInvalid, "prompt: is too long");
    if (!codec::is_utf8(text)) return make_error(Errc::kInvalid, "prompt: is no UTF-8");
    std::vector<std::uint32_t> ids{start_};
    if (!text.empty()) {
        TRY(const auto pieces, pattern_->split(text));
        for (const std::string_view piece : pieces) {
            if (piece.empty() || is_space(piece)) continue;
            if (ids.size() >= positions) break;
            TRY_OK(append_word(piece, &ids));
        }
    }
    ids.resize(std::min(ids.size(), positions - 1));
    ids.resize(positions, end_);
    return ids;
}

}  // namespace vcity::diffusion
