// SPDX-License-Identifier: Apache-2.0
// Reads sentencepiece's tokenizer.model without its library, which brings its own copy of protobuf into the process.
// The file is one protobuf message (sentencepiece_model.proto); only the fields named below matter here.
#include <bit>
#include <cmath>
#include <cstring>

#include "checkpoint/tokenizer.hpp"
#include "codec/json.hpp"

namespace vcity::checkpoint {
namespace {

constexpr std::string_view kSpaceMark = "\xe2\x96\x81";
constexpr std::size_t kPieceBytesMax = 512;

Error broken(std::string_view what) {
    return make_error(Errc::kInvalid, "tokenizer.model: " + std::string{what});
}

struct Field {
    std::uint32_t number = 0;
    std::uint64_t integer = 0;  // varints and 32-bit values
    ByteView bytes{};           // length-delimited fields
};

// Walks the fields of one protobuf message.
class Reader {
  public:
    explicit Reader(ByteView bytes) : rest_{bytes} {}

    bool done() const { return rest_.empty(); }

    Result<Field> next() {
        TRY(const std::uint64_t key, varint());
        Field field{.number = static_cast<std::uint32_t>(key >> 3U)};
        switch (key & 7U) {
            case 0: {
                TRY(field.integer, varint());
                return field;
            }
            case 1: {
                TRY_OK(take(8));
                return field;
            }
            case 2: {
                TRY(const std::uint64_t size, varint());
                TRY(field.bytes, take(size));
                return field;
            }
            case 5: {
                TRY(const ByteView four, take(4));
                std::uint32_t value = 0;
                std::memcpy(&value, four.data(), 4);
                field.integer = value;
                return field;
            }
            default: return broken("an unknown wire type");
        }
    }

  private:
    Result<std::uint64_t> varint() {
        std::uint64_t value = 0;
        for (unsigned shift = 0; shift < 64; shift += 7) {
            TRY(const ByteView one, take(1));
            value |= static_cast<std::uint64_t>(one[0] & 0x7fU) << shift;
            if ((one[0] & 0x80U) == 0) return value;
        }
        return broken("a number is too long");
    }

    Result<ByteView> take(std::uint64_t size) {
        if (size > rest_.size()) return broken("truncated");
        const ByteView out = rest_.first(size);
        rest_ = rest_.subspan(size);
        return out;
    }

    ByteView rest_;
};

enum PieceType : std::uint64_t { kNormal = 1, kUnknown = 2, kControl = 3, kUserDefined = 4, kUnused = 5, kByte = 6 };

struct Piece {
    std::string text;
    float score = 0;
    std::uint64_t type = kNormal;
};

Result<Piece> parse_piece(ByteView bytes) {
    Piece piece;
    for (Reader reader{bytes}; !reader.done();) {
        TRY(const Field field, reader.next());
        if (field.number == 1) piece.text = as_text(field.bytes);
        if (field.number == 2) piece.score = std::bit_cast<float>(static_cast<std::uint32_t>(field.integer));
        if (field.number == 3) piece.type = field.integer;
    }
    if (piece.text.empty() || piece.text.size() > kPieceBytesMax || !codec::is_utf8(piece.text)) {
        return broken("a piece is empty, too long or not UTF-8");
    }
    if (!std::isfinite(piece.score)) return broken("a score is not finite");
    return piece;
}

Result<void> parse_trainer(ByteView bytes) {
    constexpr std::uint64_t kBpe = 2;
    std::uint64_t type = 1;
    for (Reader reader{bytes}; !reader.done();) {
        TRY(const Field field, reader.next());
        if (field.number == 3) type = field.integer;
        if (field.number == 24 && field.integer != 0) return broken("treat_whitespace_as_suffix is not supported");
    }
    if (type != kBpe) return broken("only BPE models are supported");
    return {};
}

Result<void> parse_normalizer(ByteView bytes, TokenizerTables* tables) {
    tables->trim_spaces = true;
    for (Reader reader{bytes}; !reader.done();) {
        TRY(const Field field, reader.next());
        if (field.number == 2 && !field.bytes.empty()) return broken("a normalisation table is not supported");
        if (field.number == 3) tables->prefix_space = field.integer != 0;
        if (field.number == 4) tables->trim_spaces = field.integer != 0;
        if (field.number == 5 && field.integer == 0) return broken("escape_whitespaces must be on");
    }
    return {};
}

std::string with_spaces(std::string_view piece) {
    std::string out;
    for (std::size_t at = 0; at < piece.size();) {
        const bool mark = piece.substr(at).starts_with(kSpaceMark);
        out.push_back(mark ? ' ' : piece[at]);
        at += mark ? kSpaceMark.size() : 1;
    }
    return out;
}

// "<0x0A>" names the byte 10.
Result<std::uint8_t> byte_of_piece(std::string_view text) {
    const auto digit = [](char c) { return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1; };
    if (text.size() != 6 || !text.starts_with("<0x") || text[5] != '>' || digit(text[3]) < 0 || digit(text[4]) < 0) {
        return broken("a byte piece has a wrong name");
    }
    return static_cast<std::uint8_t>(digit(text[3]) * 16 + digit(text[4]));
}

Result<void> add_piece(const Piece& piece, TokenizerTables* tables) {
    const auto id = static_cast<std::uint32_t>(tables->text.size());
    std::string text;
    bool fresh = true;
    switch (piece.type) {
        case kUserDefined: return broken("user-defined pieces are not supported");
        case kNormal:
        case kUnused:
            fresh = tables->ids.emplace(piece.text, id).second;
            tables->rules.scores.emplace(piece.text, piece.score);
            text = with_spaces(piece.text);
            break;
        case kByte: {
            TRY(const std::uint8_t byte, byte_of_piece(piece.text));
            tables->bytes[byte] = id;
            text = {static_cast<char>(byte)};
            break;
        }
        case kUnknown: tables->unknown = id; [[fallthrough]];
        case kControl: fresh = tables->special.emplace(piece.text, id).second; break;
        default: return broken("an unknown type of piece");
    }
    if (!fresh) return broken("a piece appears twice");
    tables->text.push_back(std::move(text));
    return {};
}

}  // namespace

Result<Tokenizer> parse_sentencepiece(ByteView model) {
    TokenizerTables tables;
    tables.bytes.fill(-1);
    bool has_trainer = false;
    for (Reader reader{model}; !reader.done();) {
        TRY(const Field field, reader.next());
        if (field.number == 1) {
            if (tables.text.size() >= kTokenizerVocabularyMax) return broken("too many pieces");
            TRY(const Piece piece, parse_piece(field.bytes));
            TRY_OK(add_piece(piece, &tables));
        }
        if (field.number == 2) {
            TRY_OK(parse_trainer(field.bytes));
            has_trainer = true;
        }
        if (field.number == 3) {
            TRY_OK(parse_normalizer(field.bytes, &tables));
        }
    }
    if (!has_trainer || tables.ids.empty()) return broken("no pieces or no trainer specification");
    return Tokenizer{std::move(tables)};
}

}  // namespace vcity::checkpoint
