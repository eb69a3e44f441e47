// SPDX-License-Identifier: Apache-2.0
#include "train_data.hpp"

#include <fstream>
#include <numeric>

#include "checkpoint/mapped_file.hpp"
#include "checkpoint/prompt.hpp"
#include "codec/json.hpp"

namespace vcity::worker {
namespace {

constexpr std::size_t kTokenizerBytesMax = 64U << 20U;

std::string text_of(const codec::Json& json, std::string_view name) {
    const codec::Json* field = json.find(name);
    return field == nullptr || field->get_string() == nullptr ? std::string{} : *field->get_string();
}

// Writes documents the way encode_prompt() writes prompts in the form kTurnTokens.
class Encoder {
  public:
    static Result<Encoder> make(const checkpoint::Tokenizer* tokenizer) {
        Encoder encoder{tokenizer};
        const auto find = [&](std::string_view name) { return tokenizer->special(name).value_or(kNoToken); };
        encoder.begin_ = find("<s>");
        encoder.end_ = find("</s>");
        encoder.user_ = find("<|user|>");
        encoder.assistant_ = find("<|assistant|>");
        for (const std::uint32_t id : {encoder.begin_, encoder.end_, encoder.user_, encoder.assistant_}) {
            if (id == kNoToken)
                return make_error(Errc::kInvalid, "the tokenizer lacks <s>, </s>, <|user|> or <|assistant|>");
        }
        return encoder;
    }

    Result<Document> encode(const codec::Json& row) const {
        Document document;
        append(&document, {begin_}, false);
        const codec::Json* messages = row.find("messages");
        if (messages == nullptr || messages->get_array() == nullptr) {
            TRY(const auto ids, tokenizer_->encode(text_of(row, "text")));
            append(&document, ids, true);
            append(&document, {end_}, true);
            return document;
        }
        for (const codec::Json& message : *messages->get_array()) {
            const bool user = text_of(message, "role") == "user";
            append(&document, {user ? user_ : assistant_}, false);
            TRY(const auto ids, tokenizer_->encode(text_of(message, "content")));
            append(&document, ids, !user);
            if (!user) append(&document, {end_}, true);
        }
        return document;
    }

  private:
    static constexpr std::uint32_t kNoToken = 0xffffffff;

    explicit Encoder(const checkpoint::Tokenizer* tokenizer) : tokenizer_{tokenizer} {}

    static void append(Document* document, const std::vector<std::uint32_t>& tokens, bool learned) {
        document->tokens.insert(document->tokens.end(), tokens.begin(), tokens.end());
        document->learned.insert(document->learned.end(), tokens.size(), learned);
    }

    const checkpoint::Tokenizer* tokenizer_;
    std::uint32_t begin_ = 0, end_ = 0, user_ = 0, assistant_ = 0;
};

}  // namespace

Result<std::vector<Document>> read_documents(const std::filesystem::path& data,
                                             const std::filesystem::path& tokenizer) {
    TRY(const std::string model, checkpoint::read_text_file(tokenizer, kTokenizerBytesMax));
    TRY(const auto pieces, checkpoint::parse_sentencepiece(as_bytes(model)));
    TRY(const auto encoder, Encoder::make(&pieces));
    std::ifstream file(data);
    if (!file) return make_error(Errc::kNotFound, "cannot read " + data.string());
    std::vector<Document> out;
    for (std::string line; std::getline(file, line);) {
        TRY(const auto row, codec::parse_json(line));
        TRY(auto document, encoder.encode(row));
        out.push_back(std::move(document));
    }
    return out;
}

std::vector<Sequence> pack(std::span<const Document> documents, std::size_t length, std::mt19937_64& random) {
    std::vector<std::size_t> order(documents.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    // Fisher-Yates by hand: std::shuffle may differ between standard libraries, and runs must be repeatable.
    for (std::size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[random() % i]);
    std::vector<Sequence> out;
    Sequence current;
    std::int64_t previous = 0;
    bool first = true;
    for (const std::size_t index : order) {
        const Document& document = documents[index];
        for (std::size_t i = 0; i < document.tokens.size(); ++i) {
            if (!first) {
                current.inputs.push_back(previous);
                current.targets.push_back(document.learned[i] ? document.tokens[i] : kNoTarget);
            }
            previous = document.tokens[i];
            first = false;
            if (current.inputs.size() == length) out.push_back(std::exchange(current, {}));
        }
    }
    return out;
}

}  // namespace vcity::worker
