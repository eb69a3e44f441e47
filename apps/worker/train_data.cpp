// SPDX-License-Identifier: Apache-2.0
#include "train_data.hpp"

#include <fstream>
#include <numeric>

#include <nlohmann/json.hpp>
#include <sentencepiece_processor.h>

namespace vcity::worker {
namespace {

using Json = nlohmann::json;

Result<std::vector<Json>> read_lines(const std::filesystem::path& path) {
    std::ifstream file(path);
    if (!file) return make_error(Errc::kNotFound, "cannot read " + path.string());
    std::vector<Json> out;
    for (std::string line; std::getline(file, line);) {
        Json row = Json::parse(line, nullptr, false);
        if (!row.is_object() || (!row.contains("text") && !row.contains("messages"))) {
            return make_error(Errc::kInvalid, path.string() + ": line " + std::to_string(out.size() + 1) + " is no document");
        }
        out.push_back(std::move(row));
    }
    return out;
}

class Encoder {
  public:
    explicit Encoder(const sentencepiece::SentencePieceProcessor& pieces) : pieces_(&pieces) {}

    Document encode(const Json& row) const {
        Document document;
        append(document, {pieces_->bos_id()}, false);
        if (row.contains("text")) {
            append(document, ids(row["text"].get<std::string>()), true);
            append(document, {pieces_->eos_id()}, true);
            return document;
        }
        for (const Json& message : row["messages"]) {
            const bool user = message.at("role") == "user";
            append(document, {pieces_->PieceToId(user ? "<|user|>" : "<|assistant|>")}, false);
            append(document, ids(message.at("content").get<std::string>()), !user);
            if (!user) append(document, {pieces_->eos_id()}, true);
        }
        return document;
    }

  private:
    std::vector<int> ids(const std::string& text) const {
        std::vector<int> out;
        pieces_->Encode(text, &out).IgnoreError();
        return out;
    }

    static void append(Document& document, const std::vector<int>& tokens, bool learned) {
        document.tokens.insert(document.tokens.end(), tokens.begin(), tokens.end());
        document.learned.insert(document.learned.end(), tokens.size(), learned);
    }

    const sentencepiece::SentencePieceProcessor* pieces_;
};

}  // namespace

Result<std::vector<Document>> read_documents(const std::filesystem::path& data, const std::filesystem::path& tokenizer) {
    sentencepiece::SentencePieceProcessor pieces;
    if (const auto status = pieces.Load(tokenizer.string()); !status.ok()) {
        return make_error(Errc::kCorrupt, tokenizer.string() + ": " + status.ToString());
    }
    TRY(const auto rows, read_lines(data));
    std::vector<Document> out;
    out.reserve(rows.size());
    const Encoder encoder(pieces);
    for (const Json& row : rows) out.push_back(encoder.encode(row));
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
