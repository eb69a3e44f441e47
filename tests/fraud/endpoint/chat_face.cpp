// SPDX-License-Identifier: Apache-2.0
#include "endpoint/chat_face.hpp"

#include <algorithm>

#include "codec/json.hpp"

namespace vcity::blackbox {
namespace {

using codec::Json;
using codec::JsonArray;
using codec::JsonObject;

Json token_json(const std::string& bytes, double logprob) {
    JsonArray numbers;
    for (const char byte : bytes) numbers.push_back(Json{static_cast<unsigned>(static_cast<unsigned char>(byte))});
    Json json{JsonObject{}};
    json.set("token", bytes);
    json.set("logprob", logprob);
    json.set("bytes", std::move(numbers));
    return json;
}

std::string chat_answer(const ScoredText& text) {
    JsonArray content;
    std::string whole;
    for (const ScoredToken& token : text) {
        Json json = token_json(token.bytes, token.logprob);
        JsonArray top{token_json(token.bytes, token.logprob)};
        for (const auto& [bytes, logprob] : token.others) top.push_back(token_json(bytes, logprob));
        json.set("top_logprobs", std::move(top));
        content.push_back(std::move(json));
        whole += token.bytes;
    }
    Json logprobs{JsonObject{}};
    logprobs.set("content", std::move(content));
    Json message{JsonObject{}};
    message.set("role", "assistant");
    message.set("content", whole);
    Json choice{JsonObject{}};
    choice.set("index", 0);
    choice.set("message", std::move(message));
    choice.set("logprobs", std::move(logprobs));
    Json body{JsonObject{}};
    body.set("object", "chat.completion");
    body.set("choices", JsonArray{std::move(choice)});
    return codec::dump_json(body);
}

}  // namespace

Task<void> ChatFace::handle(ports::HttpRequest request, ports::HttpResponder* responder) {
    ports::HttpResponse response;
    response.headers.set("Content-Type", "application/json");
    Result<std::string> body = answer(request.body);
    response.status = body ? 200 : 400;
    response.body = body ? *std::move(body) : "{}";
    (void)co_await responder->respond(std::move(response));
}

Result<std::string> ChatFace::answer(const std::string& body) {
    constexpr std::uint64_t kTokensMost = 128;
    TRY(const Json json, codec::parse_json(body));
    const Json* messages = json.find("messages");
    std::uint64_t tokens = kTokensMost;
    if (const Json* asked = json.find("max_tokens")) asked->get_u64(&tokens);
    if (messages == nullptr || messages->get_array() == nullptr || messages->get_array()->size() != 1) {
        return make_error(Errc::kInvalid, "one message");
    }
    const Json* content = messages->get_array()->front().find("content");
    if (content == nullptr || content->get_string() == nullptr) return make_error(Errc::kInvalid, "no content");
    TRY(const auto texts, endpoint_->answer({*content->get_string()}, std::min(tokens, kTokensMost)));
    return chat_answer(texts.front());
}

}  // namespace vcity::blackbox
