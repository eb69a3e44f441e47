// SPDX-License-Identifier: Apache-2.0
#include "services/verifier/blackbox/endpoint_reply.hpp"

#include <cmath>

#include "codec/json.hpp"

namespace vcity::verifier {
namespace {

using codec::Json;
using codec::JsonArray;
using codec::JsonObject;

Error bad_reply(std::string what) {
    return make_error(Errc::kCorrupt, "the endpoint's reply: " + std::move(what));
}

Result<double> logprob_of(const Json* json) {
    double value = 0;
    if (json == nullptr || !json->get_double(&value) || !std::isfinite(value) || value > 1e-3) {
        return bad_reply("no log probability where one should be");
    }
    return value;
}

Result<std::string> checked_bytes(std::string bytes) {
    if (bytes.size() > kReplyTokenBytesMax) return bad_reply("a token of too many bytes");
    return bytes;
}

// "bytes" where the endpoint gives them: a token may be a part of a character, which its text cannot show.
Result<std::string> bytes_of(const Json& token) {
    const Json* bytes = token.find("bytes");
    if (bytes != nullptr && bytes->get_array() != nullptr) {
        const JsonArray& values = *bytes->get_array();
        if (values.size() > kReplyTokenBytesMax) return bad_reply("a token of too many bytes");
        std::string result;
        for (const Json& value : values) {
            std::uint64_t byte = 0;
            if (!value.get_u64(&byte) || byte > 0xff) return bad_reply("a byte that is none");
            result.push_back(static_cast<char>(byte));
        }
        return result;
    }
    const Json* text = token.find("token");
    if (text == nullptr || text->get_string() == nullptr) return bad_reply("a token without text");
    return checked_bytes(*text->get_string());
}

void add_alternative(ClaimedToken* token, std::string bytes, double logprob) {
    const bool is_known = bytes == token->bytes || token->alternatives.size() == kReplyAlternativesMax;
    if (!is_known) token->alternatives.push_back({std::move(bytes), logprob});
}

Result<ClaimedToken> parse_chat_token(const Json& json) {
    ClaimedToken token;
    TRY(token.bytes, bytes_of(json));
    TRY(token.logprob, logprob_of(json.find("logprob")));
    const Json* top = json.find("top_logprobs");
    if (top == nullptr || top->is_null()) return token;
    if (top->get_array() == nullptr) return bad_reply("top_logprobs are no list");
    for (const Json& alternative : *top->get_array()) {
        TRY(std::string bytes, bytes_of(alternative));
        TRY(const double logprob, logprob_of(alternative.find("logprob")));
        add_alternative(&token, std::move(bytes), logprob);
    }
    return token;
}

Result<std::vector<ClaimedToken>> parse_chat(const Json& logprobs) {
    const Json* content = logprobs.find("content");
    if (content == nullptr || content->is_null()) {
        return make_error(Errc::kNotFound, "the endpoint gives no log probabilities");
    }
    if (content->get_array() == nullptr) return bad_reply("logprobs.content is no list");
    if (content->get_array()->size() > kReplyTokensMax) return bad_reply("too many tokens");
    std::vector<ClaimedToken> tokens;
    for (const Json& json : *content->get_array()) {
        TRY(ClaimedToken token, parse_chat_token(json));
        tokens.push_back(std::move(token));
    }
    return tokens;
}

Result<void> add_top(ClaimedToken* token, const Json& top) {
    if (top.is_null()) return {};
    if (top.get_object() == nullptr) return bad_reply("top_logprobs of a token are no object");
    for (const auto& [text, value] : *top.get_object()) {
        TRY(std::string bytes, checked_bytes(text));
        TRY(const double logprob, logprob_of(&value));
        add_alternative(token, std::move(bytes), logprob);
    }
    return {};
}

Result<std::vector<ClaimedToken>> parse_completion(const Json& logprobs) {
    const Json* texts = logprobs.find("tokens");
    const Json* values = logprobs.find("token_logprobs");
    const Json* tops = logprobs.find("top_logprobs");
    if (texts == nullptr || texts->get_array() == nullptr || values == nullptr || values->get_array() == nullptr) {
        return bad_reply("no lists tokens and token_logprobs");
    }
    const std::size_t count = texts->get_array()->size();
    const bool has_tops = tops != nullptr && !tops->is_null();
    if (has_tops && (tops->get_array() == nullptr || tops->get_array()->size() != count)) {
        return bad_reply("top_logprobs are no list as long as tokens");
    }
    if (count > kReplyTokensMax || values->get_array()->size() != count) return bad_reply("lists of other lengths");
    std::vector<ClaimedToken> tokens;
    for (std::size_t i = 0; i < count; ++i) {
        const std::string* text = (*texts->get_array())[i].get_string();
        if (text == nullptr) return bad_reply("a token without text");
        ClaimedToken token;
        TRY(token.bytes, checked_bytes(*text));
        TRY(token.logprob, logprob_of(&(*values->get_array())[i]));
        if (has_tops) {
            TRY_OK(add_top(&token, (*tops->get_array())[i]));
        }
        tokens.push_back(std::move(token));
    }
    return tokens;
}

}  // namespace

std::string_view path_of(EndpointApi api) {
    switch (api) {
        case EndpointApi::kChat: return "/chat/completions";
        case EndpointApi::kCompletions: return "/completions";
    }
    return {};
}

std::string request_body(const EndpointAsk& ask) {
    Json body{JsonObject{}};
    body.set("model", ask.model);
    switch (ask.api) {
        case EndpointApi::kChat: {
            Json message{JsonObject{}};
            message.set("role", "user");
            message.set("content", ask.prompt);
            body.set("messages", JsonArray{std::move(message)});
            body.set("logprobs", true);
            body.set("top_logprobs", ask.alternatives);
            break;
        }
        case EndpointApi::kCompletions:
            body.set("prompt", ask.prompt);
            body.set("logprobs", ask.alternatives);
            break;
    }
    body.set("max_tokens", ask.tokens_max);
    body.set("temperature", 0);
    return codec::dump_json(body);
}

Result<std::vector<ClaimedToken>> parse_endpoint_reply(EndpointApi api, std::string_view body) {
    constexpr std::size_t kDepthMax = 16;
    constexpr std::size_t kValuesMax = 400'000;
    Result<Json> json = codec::parse_json(body, {kReplyBytesMax, kDepthMax, kValuesMax});
    if (!json) return bad_reply(json.error().message);
    const Json* choices = json->find("choices");
    if (choices == nullptr || choices->get_array() == nullptr || choices->get_array()->empty()) {
        return bad_reply("no choices");
    }
    const Json* logprobs = choices->get_array()->front().find("logprobs");
    if (logprobs == nullptr || logprobs->is_null()) {
        return make_error(Errc::kNotFound, "the endpoint gives no log probabilities");
    }
    switch (api) {
        case EndpointApi::kChat: return parse_chat(*logprobs);
        case EndpointApi::kCompletions: return parse_completion(*logprobs);
    }
    return bad_reply("an interface that is not known");
}

}  // namespace vcity::verifier
