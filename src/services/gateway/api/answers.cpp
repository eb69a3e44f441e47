// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/api/answers.hpp"

#include <array>
#include <cmath>
#include <cstdio>

#include "codec/hex.hpp"
#include "services/gateway/api/sse.hpp"

namespace vcity::gateway {
namespace {

constexpr std::string_view kChatPrefix = "chatcmpl-";
constexpr std::string_view kCompletionPrefix = "cmpl-";
constexpr std::size_t kPaddedTo = 64;

std::string_view finish_text(FinishReason reason) {
    switch (reason) {
        case FinishReason::kStop: return "stop";
        case FinishReason::kLength: return "length";
        // Told to nobody but the generation's record: the client has gone.
        case FinishReason::kCancelled: return "stop";
    }
    return "stop";
}

// How the network made the answer: what OpenAI has no field for.
codec::Json network_json(const AnswerBill& bill) {
    return codec::JsonObject{
        {"provider", codec::to_hex(bill.node)},
        {"receipt", codec::to_hex(bill.receipt_hash)},
        {"quote_usd", to_string(bill.quote)},
        {"attempts", bill.attempts},
        {"gateway_overhead_ms", std::round(bill.overhead_ms * 100) / 100},
    };
}

codec::Json head(const AnswerIdentity& identity, std::string_view object) {
    return codec::JsonObject{
        {"id", identity.id},
        {"object", object},
        {"created", identity.created_unix_seconds},
        {"model", identity.model},
    };
}

}  // namespace

std::string make_generation_id(Endpoint endpoint, const JobId& job_id) {
    const std::string_view prefix = endpoint == Endpoint::kChat ? kChatPrefix : kCompletionPrefix;
    return std::string{prefix} + codec::to_hex(job_id).substr(2);
}

std::optional<JobId> job_of_generation(std::string_view id) {
    if (id.starts_with(kChatPrefix)) {
        id.remove_prefix(kChatPrefix.size());
    } else if (id.starts_with(kCompletionPrefix)) {
        id.remove_prefix(kCompletionPrefix.size());
    } else {
        return std::nullopt;
    }
    const Result<JobId> job_id = codec::parse_fixed<JobId>("0x" + std::string{id.substr(0, 65)});
    if (!job_id) return std::nullopt;
    return *job_id;
}

std::string to_ms_text(double milliseconds) {
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), "%.2f", milliseconds);
    return text.data();
}

codec::Json usage_json(const AnswerBill& bill) {
    return codec::JsonObject{
        {"prompt_tokens", bill.units.input},
        {"completion_tokens", bill.units.output},
        {"total_tokens", bill.units.input + bill.units.output},
        {"cost", static_cast<double>(bill.cost.micro) / 1e6},
        {"cost_usd", to_string(bill.cost)},
        {"prompt_tokens_details", codec::JsonObject{{"cached_tokens", 0}}},
        {"completion_tokens_details", codec::JsonObject{{"reasoning_tokens", 0}}},
    };
}

codec::Json whole_answer(const AnswerIdentity& identity,
                         std::string_view text,
                         FinishReason reason,
                         const AnswerBill& bill) {
    const bool is_chat = identity.endpoint == Endpoint::kChat;
    codec::Json answer = head(identity, is_chat ? "chat.completion" : "text_completion");
    codec::Json choice = codec::JsonObject{{"index", 0}};
    if (is_chat) {
        choice.set("message", codec::JsonObject{{"role", "assistant"}, {"content", text}, {"refusal", nullptr}});
    } else {
        choice.set("text", text);
    }
    choice.set("logprobs", nullptr);
    choice.set("finish_reason", finish_text(reason));
    answer.set("choices", codec::JsonArray{std::move(choice)});
    answer.set("usage", usage_json(bill));
    answer.set("vcity", network_json(bill));
    return answer;
}

codec::Json AnswerStream::chunk(codec::JsonArray choices) const {
    const bool is_chat = identity_.endpoint == Endpoint::kChat;
    codec::Json json = head(identity_, is_chat ? "chat.completion.chunk" : "text_completion");
    json.set("choices", std::move(choices));
    if (include_usage_) json.set("usage", nullptr);
    return json;
}

codec::Json AnswerStream::content_choice(std::string_view text) const {
    codec::Json choice = codec::JsonObject{{"index", 0}};
    if (identity_.endpoint == Endpoint::kChat) {
        choice.set("delta", codec::JsonObject{{"content", text}});
    } else {
        choice.set("text", text);
    }
    choice.set("logprobs", nullptr);
    choice.set("finish_reason", nullptr);
    return choice;
}

std::string AnswerStream::opening() const {
    if (identity_.endpoint != Endpoint::kChat) return {};
    codec::Json choice = codec::JsonObject{
        {"index", 0},
        {"delta", codec::JsonObject{{"role", "assistant"}, {"content", ""}}},
        {"logprobs", nullptr},
        {"finish_reason", nullptr},
    };
    return sse_event(chunk(codec::JsonArray{std::move(choice)}));
}

std::string AnswerStream::content(std::string_view text) const {
    codec::Json json = chunk(codec::JsonArray{content_choice(text)});
    if (padding_.size() < kPaddedTo) return sse_event(json);
    json.set("obfuscation", "");
    const std::string bare = sse_event(json);
    const std::size_t missing = (kPaddedTo - bare.size() % kPaddedTo) % kPaddedTo;
    json.set("obfuscation", std::string_view{padding_}.substr(bare.size() % (padding_.size() - missing + 1), missing));
    return sse_event(json);
}

std::string AnswerStream::finish(FinishReason reason, const AnswerBill* bill) const {
    codec::Json choice = codec::JsonObject{{"index", 0}};
    if (identity_.endpoint == Endpoint::kChat) {
        choice.set("delta", codec::JsonObject{});
    } else {
        choice.set("text", "");
    }
    choice.set("logprobs", nullptr);
    choice.set("finish_reason", finish_text(reason));
    codec::Json json = chunk(codec::JsonArray{std::move(choice)});
    if (bill != nullptr) {
        json.set("usage", usage_json(*bill));
        json.set("vcity", network_json(*bill));
    }
    return sse_event(json);
}

std::string AnswerStream::usage(const AnswerBill& bill) const {
    if (!include_usage_) return {};
    codec::Json json = chunk({});
    json.set("usage", usage_json(bill));
    json.set("vcity", network_json(bill));
    return sse_event(json);
}

}  // namespace vcity::gateway
