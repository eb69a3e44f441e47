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

    // At the start of a text, a space that the tokenizer adds may be missing.
    std::optional<std::uint32_t> find(const std::string& bytes, bool is_first) const {
        if (is_first && tokenizer_->drops_first_space()) {
            if (const auto spaced = by_bytes_.find(" " + bytes); spaced != by_bytes_.end()) return spaced->second;
        }
        const auto found = by_bytes_.find(bytes);
        return found != by_bytes_.end() ? std::optional{found->second} : tokenizer_->special(bytes);
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
            const auto id = names_.find(asked[matched].bytes, matched == 0);
            if (!id) break;
            ids.push_back(*id);
        }
        if (ids.size() > model_.config().max_positions) return bad_question("the text is longer than the context");
        try {
            return read(ids, prompt.size(), std::span{asked}.first(matched));
        } catch (const std::exception& error) {
            return make_error(Errc::kExhausted, std::string{"libtorch: "} + error.what());
        }
    }

  private:
    std::string read(const std::vector<std::int64_t>& ids, std::size_t prompt, std::span<const AskedToken> asked) {
        codec::JsonArray tokens;
        if (!asked.empty()) {
            const torch::NoGradGuard no_grad;
            const auto input =
                torch::tensor(ids, torch::kInt64).narrow(0, 0, static_cast<std::int64_t>(ids.size()) - 1);
            const auto logits = forward_sequences(weights_, dims_, table_, input.unsqueeze(0)).squeeze(0);
            const auto count = static_cast<std::int64_t>(asked.size());
            const auto logs = torch::log_softmax(
                logits.narrow(0, static_cast<std::int64_t>(prompt) - 1, count).to(torch::kFloat64), -1);
            const auto best = std::get<0>(logs.max(-1));
            for (std::int64_t i = 0; i < count; ++i) {
                const auto at = static_cast<std::size_t>(i);
                const double logprob = logs[i][ids[prompt + at]].item<double>();
                Json token{codec::JsonObject{}};
                token.set("logprob", logprob);
                token.set("margin", best[i].item<double>() - logprob);
                codec::JsonArray alternatives;
                for (const std::string& bytes : asked[at].alternatives) {
                    const auto id = names_.find(bytes, at == 0);
                    alternatives.push_back(id ? Json{logs[i][static_cast<std::int64_t>(*id)].item<double>()} : Json{});
                }
                token.set("alternatives", std::move(alternatives));
                tokens.push_back(std::move(token));
            }
        }
        Json answer{codec::JsonObject{}};
        answer.set("tokens", std::move(tokens));
        return codec::dump_json(answer);
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
