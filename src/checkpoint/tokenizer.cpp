// SPDX-License-Identifier: Apache-2.0
#include "checkpoint/tokenizer.hpp"

#include <algorithm>

#include "codec/json.hpp"
#include "codec/utf8.hpp"

namespace vcity::checkpoint {
namespace {

constexpr std::string_view kSpaceMark = "\xe2\x96\x81";  // U+2581, a space inside sentencepiece's pieces
constexpr std::size_t kStandIns = 256;

std::string utf8_of_small(std::uint32_t code) {
    // Only code points below U+0800 are needed.
    if (code < 0x80) return {static_cast<char>(code)};
    return {static_cast<char>(0xc0U | (code >> 6U)), static_cast<char>(0x80U | (code & 0x3fU))};
}

// GPT-2 gives printable Latin-1 bytes to themselves and the others to the code points from U+0100 on, in order.
struct StandIns {
    std::array<std::string, kStandIns> characters;
    TextMap<std::uint8_t> bytes;

    StandIns() {
        std::uint32_t next = 0x100;
        for (std::uint32_t byte = 0; byte < kStandIns; ++byte) {
            const bool printable = (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
            characters[byte] = utf8_of_small(printable ? byte : next++);
            bytes.emplace(characters[byte], static_cast<std::uint8_t>(byte));
        }
    }
};

const StandIns& stand_ins() {
    static const StandIns kTable;
    return kTable;
}

// Ends of the UTF-8 characters of a valid text.
std::vector<std::size_t> character_ends(std::string_view text) {
    std::vector<std::size_t> ends;
    for (std::size_t at = 0; at < text.size();) {
        at += std::max<std::size_t>(1, codec::utf8_character_length(text.substr(at)));
        ends.push_back(at);
    }
    return ends;
}

std::string without_extra_spaces(std::string_view text) {
    std::string out;
    for (const char c : text) {
        if (c != ' ' || (!out.empty() && out.back() != ' ')) out.push_back(c);
    }
    if (!out.empty() && out.back() == ' ') out.pop_back();
    return out;
}

}  // namespace

std::string_view byte_stand_in(std::uint8_t byte) {
    return stand_ins().characters[byte];
}

std::optional<std::uint8_t> byte_of_stand_in(std::string_view character) {
    const auto found = stand_ins().bytes.find(character);
    return found == stand_ins().bytes.end() ? std::nullopt : std::optional{found->second};
}

std::string_view Tokenizer::token_bytes(std::uint32_t id) const {
    return id < tables_.text.size() ? std::string_view{tables_.text[id]} : std::string_view{};
}

std::optional<std::uint32_t> Tokenizer::special(std::string_view name) const {
    const auto found = tables_.special.find(name);
    return found == tables_.special.end() ? std::nullopt : std::optional{found->second};
}

Result<std::vector<std::uint32_t>> Tokenizer::encode(std::string_view text) const {
    if (text.size() > kEncodedTextMax) return make_error(Errc::kInvalid, "the text is too long to tokenise");
    if (!codec::is_utf8(text)) return make_error(Errc::kInvalid, "the text is not valid UTF-8");
    std::vector<std::uint32_t> out;
    if (tables_.form == TextForm::kMetaspace) {
        TRY_OK(encode_metaspace(text, &out));
    } else {
        TRY_OK(encode_words(text, &out));
    }
    return out;
}

Result<void> Tokenizer::encode_metaspace(std::string_view text, std::vector<std::uint32_t>* out) const {
    const std::string trimmed = tables_.trim_spaces ? without_extra_spaces(text) : std::string{text};
    if (trimmed.empty()) return {};
    std::string marked{tables_.prefix_space ? kSpaceMark : std::string_view{}};
    for (const char c : trimmed) {
        if (c == ' ') {
            marked.append(kSpaceMark);
        } else {
            marked.push_back(c);
        }
    }
    std::size_t begin = 0;
    for (const std::size_t end : merge_symbols(marked, character_ends(marked), tables_.rules)) {
        TRY_OK(append_piece(std::string_view{marked}.substr(begin, end - begin), out));
        begin = end;
    }
    return {};
}

Result<void> Tokenizer::encode_words(std::string_view text, std::vector<std::uint32_t>* out) const {
    TRY(const auto words, tables_.split->split(text));
    for (const std::string_view word : words) {
        std::string mapped;
        for (const char c : word) mapped.append(byte_stand_in(static_cast<std::uint8_t>(c)));
        if (tables_.whole_words && tables_.ids.contains(mapped)) {
            TRY_OK(append_piece(mapped, out));
            continue;
        }
        std::size_t begin = 0;
        for (const std::size_t end : merge_symbols(mapped, character_ends(mapped), tables_.rules)) {
            TRY_OK(append_piece(std::string_view{mapped}.substr(begin, end - begin), out));
            begin = end;
        }
    }
    return {};
}

Result<void> Tokenizer::append_piece(std::string_view piece, std::vector<std::uint32_t>* out) const {
    if (const auto found = tables_.ids.find(piece); found != tables_.ids.end()) {
        out->push_back(found->second);
        return {};
    }
    const auto id_of = [this](char c) { return tables_.bytes[static_cast<std::uint8_t>(c)]; };
    if (std::ranges::all_of(piece, [&](char c) { return id_of(c) >= 0; })) {
        for (const char c : piece) out->push_back(static_cast<std::uint32_t>(id_of(c)));
        return {};
    }
    if (tables_.unknown < 0) return make_error(Errc::kInvalid, "the text has a character that the model cannot read");
    out->push_back(static_cast<std::uint32_t>(tables_.unknown));
    return {};
}

}  // namespace vcity::checkpoint
