// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "checkpoint/tokenizer.hpp"
#include "codec/json.hpp"

namespace vcity::checkpoint {
namespace {

using codec::Json;
using codec::JsonArray;
using codec::JsonObject;

constexpr std::string_view kSpaceMark = "\xe2\x96\x81";
constexpr codec::JsonLimits kLimits{.bytes_max = 64U << 20U, .depth_max = 32, .values_max = 4'000'000};
constexpr std::size_t kAddedMax = 10'000;

Error broken(std::string_view what) {
    return make_error(Errc::kInvalid, "tokenizer.json: " + std::string{what});
}

std::string text_of(const Json* json, std::string_view name) {
    const Json* field = json == nullptr ? nullptr : json->find(name);
    return field == nullptr || field->get_string() == nullptr ? std::string{} : *field->get_string();
}

bool flag_of(const Json* json, std::string_view name, bool fallback) {
    const Json* field = json == nullptr ? nullptr : json->find(name);
    return field == nullptr || field->get_bool() == nullptr ? fallback : *field->get_bool();
}

const Json* member(const Json& json, std::string_view name) {
    const Json* field = json.find(name);
    return field == nullptr || field->is_null() ? nullptr : field;
}

// The steps of a normalizer or pre-tokenizer: itself, or the parts of a Sequence.
std::vector<const Json*> steps_of(const Json* json, std::string_view list) {
    std::vector<const Json*> out;
    if (json == nullptr) return out;
    const Json* parts = text_of(json, "type") == "Sequence" ? json->find(list) : nullptr;
    if (parts == nullptr || parts->get_array() == nullptr) return {json};
    for (const Json& part : *parts->get_array()) out.push_back(&part);
    return out;
}

Result<void> read_normalizer(const Json& root, TokenizerTables* tables) {
    tables->prefix_space = false;
    for (const Json* step : steps_of(member(root, "normalizer"), "normalizers")) {
        const std::string type = text_of(step, "type");
        const Json* pattern = step->find("pattern");
        if (type == "Prepend" && text_of(step, "prepend") == kSpaceMark) {
            tables->form = TextForm::kMetaspace;
            tables->prefix_space = true;
        } else if (type == "Replace" && text_of(pattern, "String") == " " && text_of(step, "content") == kSpaceMark) {
            tables->form = TextForm::kMetaspace;
        } else {
            return broken("normalizer " + type.substr(0, 40) + " is not supported");
        }
    }
    return {};
}

Result<void> read_split(const Json& step, TokenizerTables* tables) {
    const std::string pattern = text_of(step.find("pattern"), "Regex");
    if (pattern.empty() || text_of(&step, "behavior") != "Isolated" || flag_of(&step, "invert", false)) {
        return broken("only Split with a Regex and behavior Isolated is supported");
    }
    TRY(tables->split, SplitPattern::compile(pattern));
    return {};
}

Result<void> read_byte_level(const Json& step, TokenizerTables* tables) {
    tables->form = TextForm::kByteLevel;
    if (flag_of(&step, "add_prefix_space", false)) return broken("ByteLevel with add_prefix_space is not supported");
    if (flag_of(&step, "use_regex", true)) {
        if (tables->split != nullptr) return broken("two patterns that split are not supported");
        TRY(tables->split, SplitPattern::compile(kGpt2Pattern));
    }
    return {};
}

Result<void> read_pre_tokenizer(const Json& root, TokenizerTables* tables) {
    for (const Json* step : steps_of(member(root, "pre_tokenizer"), "pretokenizers")) {
        const std::string type = text_of(step, "type");
        if (type == "Split") {
            TRY_OK(read_split(*step, tables));
        } else if (type == "ByteLevel") {
            TRY_OK(read_byte_level(*step, tables));
        } else if (type == "Metaspace" && text_of(step, "replacement") == kSpaceMark && !flag_of(step, "split", true)) {
            tables->form = TextForm::kMetaspace;
            tables->prefix_space = text_of(step, "prepend_scheme") != "never";
        } else {
            return broken("pre-tokenizer " + type.substr(0, 40) + " is not supported");
        }
    }
    if (tables->form == TextForm::kMetaspace && tables->split != nullptr) return broken("Split needs ByteLevel");
    if (tables->form == TextForm::kByteLevel && tables->split == nullptr) return broken("ByteLevel needs a pattern");
    return {};
}

Result<std::uint32_t> id_of(const Json& json) {
    std::uint64_t id = 0;
    if (!json.get_u64(&id) || id >= kTokenizerVocabularyMax) return broken("a token id is out of range");
    return static_cast<std::uint32_t>(id);
}

// What a piece adds to a text: byte-level characters stand for bytes, "<0x0A>" for one byte, U+2581 for a space.
Result<std::string> plain_text(const std::string& piece, const TokenizerTables& tables) {
    std::string out;
    for (std::size_t at = 0; at < piece.size();) {
        if (tables.form == TextForm::kByteLevel) {
            const std::size_t size = (static_cast<unsigned char>(piece[at]) & 0x80U) == 0 ? 1 : 2;
            const auto byte = byte_of_stand_in(std::string_view{piece}.substr(at, size));
            if (!byte) return broken("a piece has a character that stands for no byte");
            out.push_back(static_cast<char>(*byte));
            at += size;
        } else {
            const bool mark = std::string_view{piece}.substr(at).starts_with(kSpaceMark);
            out.push_back(mark ? ' ' : piece[at]);
            at += mark ? kSpaceMark.size() : 1;
        }
    }
    return out;
}

std::optional<std::uint8_t> fallback_byte(std::string_view piece) {
    const auto digit = [](char c) { return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1; };
    if (piece.size() != 6 || !piece.starts_with("<0x") || piece[5] != '>') return std::nullopt;
    if (digit(piece[3]) < 0 || digit(piece[4]) < 0) return std::nullopt;
    return static_cast<std::uint8_t>(digit(piece[3]) * 16 + digit(piece[4]));
}

void place(TokenizerTables* tables, std::uint32_t id, std::string text) {
    if (id >= tables->text.size()) tables->text.resize(id + std::size_t{1});
    tables->text[id] = std::move(text);
}

Result<void> read_vocabulary(const Json& model, TokenizerTables* tables) {
    const Json* vocab = model.find("vocab");
    const JsonObject* pieces = vocab == nullptr ? nullptr : vocab->get_object();
    if (pieces == nullptr || pieces->empty() || pieces->size() > kTokenizerVocabularyMax)
        return broken("vocab is missing");
    const bool fallback = flag_of(&model, "byte_fallback", false);
    const std::string unknown = text_of(&model, "unk_token");
    for (const auto& [piece, number] : *pieces) {
        TRY(const std::uint32_t id, id_of(number));
        if (!unknown.empty() && piece == unknown) tables->unknown = id;
        if (const auto byte = fallback_byte(piece); fallback && byte) {
            tables->bytes[*byte] = id;
            place(tables, id, {static_cast<char>(*byte)});
            continue;
        }
        if (tables->special.contains(piece)) continue;
        TRY(std::string text, plain_text(piece, *tables));
        place(tables, id, std::move(text));
        tables->ids.emplace(piece, id);
    }
    return {};
}

// A merge is "left right" or ["left", "right"].
Result<void> read_merges(const Json& model, TokenizerTables* tables) {
    const Json* merges = model.find("merges");
    if (merges == nullptr || merges->get_array() == nullptr) return broken("merges are missing");
    std::uint32_t rank = 0;
    for (const Json& item : *merges->get_array()) {
        std::string left;
        std::string right;
        if (const JsonArray* two = item.get_array(); two != nullptr && two->size() == 2) {
            if ((*two)[0].get_string() != nullptr) left = *(*two)[0].get_string();
            if ((*two)[1].get_string() != nullptr) right = *(*two)[1].get_string();
        } else if (const std::string* line = item.get_string(); line != nullptr) {
            const std::size_t space = line->find(' ');
            left = line->substr(0, space);
            right = space == std::string::npos ? std::string{} : line->substr(space + 1);
        }
        if (left.empty() || right.empty()) return broken("a merge is no pair");
        tables->rules.ranks.emplace(MergeRules::pair_key(left, right), rank++);
    }
    if (tables->rules.ranks.empty()) return broken("merges are missing");
    return {};
}

Result<void> read_added(const Json& root, TokenizerTables* tables) {
    const Json* added = root.find("added_tokens");
    if (added == nullptr || added->get_array() == nullptr) return {};
    if (added->get_array()->size() > kAddedMax) return broken("too many added tokens");
    for (const Json& item : *added->get_array()) {
        const Json* number = item.find("id");
        const std::string content = text_of(&item, "content");
        if (number == nullptr || content.empty()) return broken("an added token has no id or content");
        TRY(const std::uint32_t id, id_of(*number));
        tables->special.emplace(content, id);
        place(tables, id, {});
    }
    return {};
}

}  // namespace

Result<Tokenizer> parse_tokenizer_json(std::string_view text) {
    TRY(const Json root, codec::parse_json(text, kLimits));
    const Json* model = root.find("model");
    const std::string type = text_of(model, "type");
    if (model == nullptr || (!type.empty() && type != "BPE")) return broken("only a BPE model is supported");
    TokenizerTables tables;
    tables.bytes.fill(-1);
    TRY_OK(read_normalizer(root, &tables));
    TRY_OK(read_pre_tokenizer(root, &tables));
    tables.whole_words = flag_of(model, "ignore_merges", false);
    TRY_OK(read_added(root, &tables));
    TRY_OK(read_vocabulary(*model, &tables));
    TRY_OK(read_merges(*model, &tables));
    return Tokenizer{std::move(tables)};
}

}  // namespace vcity::checkpoint
