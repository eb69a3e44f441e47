// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "checkpoint/bpe.hpp"
#include "checkpoint/split_pattern.hpp"

namespace vcity::checkpoint {

inline constexpr std::size_t kTokenizerVocabularyMax = 1U << 20U;
inline constexpr std::size_t kEncodedTextMax = 4U << 20U;

// How a text becomes the symbols that are merged, and back.
enum class TextForm : std::uint8_t {
    kMetaspace,  // sentencepiece and Llama 2: a space is U+2581, characters without a piece fall back to byte tokens
    kByteLevel,  // GPT-2 and Llama 3: a pattern cuts words, then every byte is one of 256 printable characters
};

// Everything that a byte-pair tokenizer needs, however it was stored.
struct TokenizerTables {
    TextForm form = TextForm::kMetaspace;
    TextMap<std::uint32_t> ids;             // by piece, ordinary pieces only
    TextMap<std::uint32_t> special;         // by piece: control tokens, which no text is ever encoded to
    std::vector<std::string> text;          // by id: the bytes a token adds to a text; empty for control tokens
    std::array<std::int64_t, 256> bytes{};  // by byte: its fallback token, or -1
    std::int64_t unknown = -1;
    MergeRules rules;
    bool prefix_space = true;                   // kMetaspace: a text starts with a space that was not there
    bool trim_spaces = false;                   // kMetaspace: runs of spaces become one, none at the ends
    bool whole_words = false;                   // kByteLevel: a word that is a piece is not merged from parts
    std::shared_ptr<const SplitPattern> split;  // kByteLevel; shared by copies of the tokenizer, never changed
};

// A byte-pair tokenizer. Copies are deep but for the compiled pattern. Never fails but for texts it must refuse.
class Tokenizer {
  public:
    explicit Tokenizer(TokenizerTables tables) : tables_{std::move(tables)} {}

    // Tokens of a text; control tokens are never among them, whatever the text says. kInvalid for bytes that are not
    // UTF-8, a text over kEncodedTextMax, or a character that the vocabulary cannot express.
    Result<std::vector<std::uint32_t>> encode(std::string_view text) const;
    // The bytes that a token adds to a text, which may end inside a character. Nothing for ids out of range.
    std::string_view token_bytes(std::uint32_t id) const;
    std::optional<std::uint32_t> special(std::string_view name) const;
    std::uint32_t vocabulary() const { return static_cast<std::uint32_t>(tables_.text.size()); }
    // Whether the first space of a decoded text was put there by encode().
    bool drops_first_space() const { return tables_.form == TextForm::kMetaspace && tables_.prefix_space; }

  private:
    Result<void> encode_metaspace(std::string_view text, std::vector<std::uint32_t>* out) const;
    Result<void> encode_words(std::string_view text, std::vector<std::uint32_t>* out) const;
    Result<void> append_piece(std::string_view piece, std::vector<std::uint32_t>* out) const;

    TokenizerTables tables_;
};

// Untrusted bytes of a sentencepiece tokenizer.model (BPE only, without a normalisation table). kInvalid otherwise.
Result<Tokenizer> parse_sentencepiece(ByteView model);

// Untrusted text of a Hugging Face tokenizer.json with a BPE model. kInvalid for parts that are not supported.
Result<Tokenizer> parse_tokenizer_json(std::string_view text);

// GPT-2's printable stand-in of a byte, as UTF-8.
std::string_view byte_stand_in(std::uint8_t byte);
// The byte a character stands for, or nothing; `character` is one UTF-8 character.
std::optional<std::uint8_t> byte_of_stand_in(std::string_view character);

}  // namespace vcity::checkpoint
