// SPDX-License-Identifier: Apache-2.0
#include "logprobs.hpp"

#include <istream>
#include <map>
#include <ostream>

#include "checkpoint/model_directory.hpp"
#include "codec/hex.hpp"
#include "codec/json.hpp"
#include "weights.hpp"

namespace vcity::worker {
namespace {

using codec::Json;

Error bad_question(std::string what) {
    return make_error(Errc::kInvalid, std::move(what));
}

Result<std::string> text_member(const Json& json, std::string_view name) {
    const Json* found = json.find(name);
    if (found == nullptr || found->get_string() == nullptr) {
        return bad_question("member " + std::string{name} + " is not a text");
    }
    return *found->get_string();
}

Result<ModelRequest> parse_request(const Json& question) {
    ModelRequest request;
    if (question.find("prompt") != nullptr) {
        TRY(request.prompt, text_member(question, "prompt"));
        return request;
    }
    const Json* messages = question.find("messages");
    if (messages == nullptr || messages->get_array() == nullptr || messages->get_array()->empty()) {
        return bad_question("neither prompt nor messages");
    }
    for (const Json& message : *messages->get_array()) {
        TRY(std::string role, text_member(message, "role"));
        TRY(std::string content, text_member(message, "content"));
        request.messages.push_back({.role = std::move(role), .content = std::move(content)});
    }
    return request;
}

struct AskedToken {
    std::string bytes;
    std::vector<std::string> alternatives;
};

Result<std::string> parse_bytes(const std::string* hex) {
    if (hex == nullptr) return bad_question("bytes of a token are not a text");
    TRY(const Bytes bytes, codec::parse_hex(*hex));
    return std::string{bytes.begin(), bytes.end()};
}

Result<AskedToken> parse_token(const Json& json) {
    AskedToken token;
    const Json* bytes = json.find("bytes");
    TRY(token.bytes, parse_bytes(bytes == nullptr ? nullptr : bytes->get_string()));
    const Json* alternatives = json.find("alternatives");
    if (alternatives == nullptr) return token;
    if (alternatives->get_array() == nullptr || alternatives->get_array()->size() > kLogprobAlternativesMax) {
        return bad_question("alternatives are no list, or too many");
    }
    for (const Json& alternative : *alternatives->get_array()) {
        TRY(std::string named, parse_bytes(alternative.get_string()));
        token.alternatives.push_back(std::move(named));
    }
    return token;
}

Result<std::vector<AskedToken>> parse_tokens(const Json& question) {
    const Json* tokens = question.find("tokens");
    if (tokens == nullptr || tokens->get_array() == nullptr) return bad_question("no list of tokens");
    if (tokens->get_array()->size() > kLogprobTokensMax) return bad_question("too many tokens");
    std::vector<AskedToken> parsed;
    for (const Json& token : *tokens->get_array()) {
        TRY(AskedToken asked, parse_token(token));
        parsed.push_back(std::move(asked));
    }
    return parsed;
}

// Finds tokens by their bytes.
class TokenNames {
  public:
    explicit TokenNames(const checkpoint::Tokenizer& tokenizer) : tokenizer_{&tokenizer} {
        // Of two tokens with the same bytes the later one is the ordinary piece: byte tokens come first.
        for (std::uint32_t id = 0; id < tokenizer.vocabulary(); ++id) {
            if (!tokenizer.token_bytes(id).empty()) by_bytes_[std::string{tokenizer.token_bytes(id)}] = id;
        }
    }

    std::optional<std::uint32_t> find(const std::string& bytes) const {
        const auto found = by_bytes_.find(bytes);
        return found != by_bytes_.end() ? std::optional{found->second} : tokenizer_->special(bytes);
    }
    // At the start of a text some endpoints leave out the space that the tokenizer puts there, and some do not.
    std::optional<std::uint32_t> find_with_space(const std::string& bytes) const {
        return tokenizer_->drops_first_space() ? find(" " + bytes) : std::nullopt;
    }

  private:
    const checkpoint::Tokenizer* tokenizer_;
    std::map<std::string, std::uint32_t> by_bytes_;
};

class TorchReference final : public LogprobReference {
  public:
    explicit TorchReference(checkpoint::ModelDirectory model)
        : model_{std::move(model)},
          dims_{model_.config()},
          weights_{load_weights(model_, dims_, torch::kCPU, torch::kFloat32)},
          table_{rotary_table(model_.config(), static_cast<std::int64_t>(model_.config().max_positions))},
          names_{model_.tokenizer()} {}

    Result<std::string> answer(const std::string& question) override {
        TRY(const Json json, codec::parse_json(question, {.bytes_max = kLogprobQuestionBytesMax}));
        TRY(const ModelRequest request, parse_request(json));
        TRY(const std::vector<AskedToken> asked, parse_tokens(json));
        TRY(const auto prompt, encode_prompt(request, model_.tokenizer(), model_.prompt_rules()));
        std::vector<std::int64_t> ids(prompt.begin(), prompt.end());
        std::size_t matched = 0;
        for (; matched < asked.size(); ++matched) {
            const auto id = names_.find(asked[matched].bytes);
            const auto other = matched == 0 ? names_.find_with_space(asked[matched].bytes) : std::nullopt;
            if (!id && !other) break;
            ids.push_back(id ? *id : *other);
        }
        if (ids.size() > model_.config().max_positions) return bad_question("the text is longer than the context");
        try {
            return read(std::move(ids), prompt.size(), std::span{asked}.first(matched));
        } catch (const std::exception& error) {
            return make_error(Errc::kExhausted, std::string{"libtorch: "} + error.what());
        }
    }

  private:
    // Log probabilities of all tokens at the last `count` positions but one: what the ids there were chosen from.
    torch::Tensor run(const std::vector<std::int64_t>& ids, std::size_t count) const {
        const torch::NoGradGuard no_grad;
        const auto length = static_cast<std::int64_t>(ids.size()) - 1;
        const auto input = torch::tensor(ids, torch::kInt64).narrow(0, 0, length);
        const auto logits = forward_sequences(weights_, dims_, table_, input.unsqueeze(0)).squeeze(0);
        const auto rows = static_cast<std::int64_t>(count);
        return torch::log_softmax(logits.narrow(0, length - rows, rows).to(torch::kFloat64), -1);
    }

    std::string read(std::vector<std::int64_t> ids, std::size_t prompt, std::span<const AskedToken> asked) const {
        codec::JsonArray tokens;
        if (!asked.empty()) {
            torch::Tensor logs = run(ids, asked.size());
            // Of two tokens that the first one may be, the likelier.
            const auto spaced = names_.find_with_space(asked.front().bytes);
            if (spaced && logs[0][*spaced].item<double>() > logs[0][ids[prompt]].item<double>()) {
                ids[prompt] = *spaced;
                logs = run(ids, asked.size());
            }
            for (std::size_t i = 0; i < asked.size(); ++i) {
                tokens.push_back(reading_of(logs[static_cast<std::int64_t>(i)], ids[prompt + i], asked[i], i == 0));
            }
        }
        Json answer{codec::JsonObject{}};
        answer.set("tokens", std::move(tokens));
        return codec::dump_json(answer);
    }

    Json reading_of(const torch::Tensor& logs, std::int64_t id, const AskedToken& asked, bool is_first) const {
        const double logprob = logs[id].item<double>();
        codec::JsonArray alternatives;
        for (const std::string& bytes : asked.alternatives) {
            const auto known = names_.find(bytes);
            const bool is_certain = known && !(is_first && names_.find_with_space(bytes));
            alternatives.push_back(is_certain ? Json{logs[static_cast<std::int64_t>(*known)].item<double>()} : Json{});
        }
        Json token{codec::JsonObject{}};
        token.set("logprob", logprob);
        token.set("margin", logs.max().item<double>() - logprob);
        token.set("alternatives", std::move(alternatives));
        return token;
    }

    checkpoint::ModelDirectory model_;
    Dims dims_;
    LlamaWeights weights_;
    RotaryTable table_;
    TokenNames names_;
};

std::string error_line(const Error& error) {
    Json json{codec::JsonObject{}};
    json.set("error", error.message);
    return codec::dump_json(json);
}

}  // namespace

Result<std::unique_ptr<LogprobReference>> LogprobReference::load(const std::filesystem::path& folder, int threads) {
    TRY(checkpoint::ModelDirectory model, checkpoint::ModelDirectory::open(folder));
    try {
        at::set_num_threads(threads);
        return std::make_unique<TorchReference>(std::move(model));
    } catch (const std::exception& error) {
        return make_error(Errc::kExhausted, std::string{"loading the model: "} + error.what());
    }
}

Result<void> serve_logprobs(LogprobReference& reference, std::istream& input, std::ostream& output) {
    output << R"({"ready":true})" << std::endl;
    std::string line;
    for (int byte = input.get(); byte != std::istream::traits_type::eof(); byte = input.get()) {
        if (byte != '\n') {
            if (line.size() == kLogprobQuestionBytesMax) return make_error(Errc::kCorrupt, "a question is too long");
            line.push_back(static_cast<char>(byte));
            continue;
        }
        const Result<std::string> answer = reference.answer(line);
        output << (answer ? *answer : error_line(answer.error())) << std::endl;
        line.clear();
    }
    return {};
}

}  // namespace vcity::worker
