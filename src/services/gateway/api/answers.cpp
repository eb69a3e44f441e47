// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/api/answers.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <utility>

#include "codec/hex.hpp"
#include "codec/utf8.hpp"
#include "services/gateway/api/sse.hpp"
#include "services/gateway/api/tool_use.hpp"

namespace vcity::gateway {
namespace {

constexpr std::string_view kChatPrefix = "chatcmpl-";
constexpr std::string_view kCompletionPrefix = "cmpl-";
constexpr std::string_view kEmbeddingPrefix = "embd-";
constexpr std::string_view kResponsePrefix = "resp_";
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

codec::Json option_json(const TokenOption& option) {
    codec::JsonArray bytes;
    for (const char byte : option.bytes) bytes.push_back(static_cast<std::uint8_t>(byte) + 0U);
    return codec::JsonObject{
        {"token", codec::repair_utf8(option.bytes)}, {"logprob", option.logprob}, {"bytes", std::move(bytes)}};
}

// The older endpoint's four lists. Offsets count characters of what the tokens add to the text.
codec::Json completion_logprobs(std::span<const TokenLogprobs> tokens) {
    codec::JsonArray names;
    codec::JsonArray chances;
    codec::JsonArray tops;
    codec::JsonArray offsets;
    std::uint64_t offset = 0;
    for (const TokenLogprobs& token : tokens) {
        const std::string text = codec::repair_utf8(token.chosen.bytes);
        codec::Json top = codec::JsonObject{};
        for (const TokenOption& option : token.top) top.set(codec::repair_utf8(option.bytes), option.logprob);
        names.push_back(text);
        chances.push_back(token.chosen.logprob);
        tops.push_back(std::move(top));
        offsets.push_back(offset);
        offset += static_cast<std::uint64_t>(
            std::ranges::count_if(text, [](char byte) { return (static_cast<std::uint8_t>(byte) & 0xc0U) != 0x80U; }));
    }
    return codec::JsonObject{{"tokens", std::move(names)},
                             {"token_logprobs", std::move(chances)},
                             {"top_logprobs", std::move(tops)},
                             {"text_offset", std::move(offsets)}};
}

codec::Json logprobs_json(Endpoint endpoint, std::span<const TokenLogprobs> tokens) {
    if (endpoint == Endpoint::kCompletions) return completion_logprobs(tokens);
    return codec::JsonObject{{"content", token_list_json(tokens)}, {"refusal", nullptr}};
}

// One call an answer, so the answer's id names it.
codec::Json call_json(const AnswerIdentity& identity, const ToolCall& call) {
    constexpr std::size_t kIdDigits = 24;
    return codec::JsonObject{
        {"id", "call_" + identity.id.substr(identity.id.find('-') + 1, kIdDigits)},
        {"type", "function"},
        {"function", codec::JsonObject{{"name", call.name}, {"arguments", call.arguments}}},
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

codec::Json network_json(const AnswerBill& bill) {
    return codec::JsonObject{
        {"provider", codec::to_hex(bill.node)},
        {"receipt", codec::to_hex(bill.receipt_hash)},
        {"quote_usd", to_string(bill.quote)},
        {"attempts", bill.attempts},
        {"gateway_overhead_ms", std::round(bill.overhead_ms * 100) / 100},
    };
}

codec::Json token_list_json(std::span<const TokenLogprobs> tokens) {
    codec::JsonArray list;
    for (const TokenLogprobs& token : tokens) {
        codec::Json entry = option_json(token.chosen);
        codec::JsonArray top;
        for (const TokenOption& option : token.top) top.push_back(option_json(option));
        entry.set("top_logprobs", std::move(top));
        list.push_back(std::move(entry));
    }
    return list;
}

std::string make_generation_id(Endpoint endpoint, const JobId& job_id) {
    std::string_view prefix = endpoint == Endpoint::kChat ? kChatPrefix : kCompletionPrefix;
    if (endpoint == Endpoint::kEmbeddings) prefix = kEmbeddingPrefix;
    if (endpoint == Endpoint::kResponses) prefix = kResponsePrefix;
    return std::string{prefix} + codec::to_hex(job_id).substr(2);
}

std::optional<JobId> job_of_generation(std::string_view id) {
    constexpr std::array kPrefixes = {kChatPrefix, kCompletionPrefix, kEmbeddingPrefix, kResponsePrefix};
    const auto prefix = std::ranges::find_if(kPrefixes, [id](std::string_view one) { return id.starts_with(one); });
    if (prefix == kPrefixes.end()) return std::nullopt;
    id.remove_prefix(prefix->size());
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
                         const AnswerForm& form,
                         const AnswerContent& content,
                         const AnswerBill& bill) {
    const bool is_chat = identity.endpoint == Endpoint::kChat;
    if (identity.endpoint == Endpoint::kEmbeddings) {
        return codec::JsonObject{
            {"embedding", content.text}, {"usage", usage_json(bill)}, {"vcity", network_json(bill)}};
    }
    codec::Json answer = head(identity, is_chat ? "chat.completion" : "text_completion");
    codec::Json choice = codec::JsonObject{{"index", 0}};
    const std::optional<ToolCall> call = form.may_call ? parse_call(content.text, form.must_call) : std::nullopt;
    if (call) {
        choice.set("message", codec::JsonObject{{"role", "assistant"},
                                                {"content", nullptr},
                                                {"refusal", nullptr},
                                                {"tool_calls", codec::JsonArray{call_json(identity, *call)}}});
    } else if (is_chat) {
        choice.set("message",
                   codec::JsonObject{{"role", "assistant"}, {"content", content.text}, {"refusal", nullptr}});
    } else {
        choice.set("text", content.text);
    }
    choice.set("logprobs", form.has_logprobs ? logprobs_json(identity.endpoint, content.logprobs) : codec::Json{});
    choice.set("finish_reason", call ? "tool_calls" : finish_text(content.reason));
    answer.set("choices", codec::JsonArray{std::move(choice)});
    answer.set("usage", usage_json(bill));
    answer.set("vcity", network_json(bill));
    return answer;
}

codec::Json AnswerStream::chunk(codec::JsonArray choices) const {
    const bool is_chat = identity_.endpoint == Endpoint::kChat;
    codec::Json json = head(identity_, is_chat ? "chat.completion.chunk" : "text_completion");
    json.set("choices", std::move(choices));
    if (form_.include_usage) json.set("usage", nullptr);
    return json;
}

// The delta of a chat, or the text of a completion.
codec::Json AnswerStream::choice(codec::Json delta, codec::Json finish_reason) const {
    codec::Json choice = codec::JsonObject{{"index", 0}};
    choice.set(identity_.endpoint == Endpoint::kChat ? "delta" : "text", std::move(delta));
    choice.set("logprobs", nullptr);
    choice.set("finish_reason", std::move(finish_reason));
    return choice;
}

std::string AnswerStream::opening() {
    if (identity_.endpoint != Endpoint::kChat) return {};
    codec::Json delta = codec::JsonObject{{"role", "assistant"}, {"content", ""}};
    return sse_event(chunk(codec::JsonArray{choice(std::move(delta), nullptr)}));
}

std::string AnswerStream::padded(codec::Json json) const {
    const std::string& padding = form_.padding;
    if (padding.size() < kPaddedTo) return sse_event(json);
    json.set("obfuscation", "");
    const std::string bare = sse_event(json);
    const std::size_t missing = (kPaddedTo - bare.size() % kPaddedTo) % kPaddedTo;
    json.set("obfuscation", std::string_view{padding}.substr(bare.size() % (padding.size() - missing + 1), missing));
    return sse_event(json);
}

std::string AnswerStream::text_event(std::string_view text, std::span<const TokenLogprobs> logprobs) const {
    const bool is_chat = identity_.endpoint == Endpoint::kChat;
    codec::Json one = choice(is_chat ? codec::Json{codec::JsonObject{{"content", text}}} : codec::Json{text}, nullptr);
    if (form_.has_logprobs) one.set("logprobs", logprobs_json(identity_.endpoint, logprobs));
    return padded(chunk(codec::JsonArray{std::move(one)}));
}

bool AnswerStream::may_become_call() const {
    if (!form_.may_call) return false;
    return form_.must_call || kCallBegin.starts_with(held_) || held_.starts_with(kCallBegin);
}

std::string AnswerStream::content(std::string_view text, std::span<const TokenLogprobs> logprobs) {
    if (!form_.may_call) return text_event(text, logprobs);
    held_ += text;
    held_logprobs_.insert(held_logprobs_.end(), logprobs.begin(), logprobs.end());
    if (may_become_call()) return {};
    form_.may_call = false;
    const std::string all = std::exchange(held_, {});
    return text_event(all, std::exchange(held_logprobs_, {}));
}

std::string AnswerStream::finish(FinishReason reason, const AnswerBill* bill) {
    const bool is_chat = identity_.endpoint == Endpoint::kChat;
    std::string events;
    const std::optional<ToolCall> call = held_.empty() ? std::nullopt : parse_call(held_, form_.must_call);
    if (call) {
        codec::Json begun = call_json(identity_, {.name = call->name, .arguments = ""});
        codec::Json filled = codec::JsonObject{{"function", codec::JsonObject{{"arguments", call->arguments}}}};
        for (codec::Json* part : {&begun, &filled}) {
            part->set("index", 0);
            codec::Json delta = codec::JsonObject{{"tool_calls", codec::JsonArray{std::move(*part)}}};
            events += padded(chunk(codec::JsonArray{choice(std::move(delta), nullptr)}));
        }
    } else if (!held_.empty()) {
        events = text_event(held_, held_logprobs_);
    }
    codec::Json last = is_chat ? codec::Json{codec::JsonObject{}} : codec::Json{""};
    codec::Json json = chunk(codec::JsonArray{choice(std::move(last), call ? "tool_calls" : finish_text(reason))});
    if (bill != nullptr) {
        json.set("usage", usage_json(*bill));
        json.set("vcity", network_json(*bill));
    }
    return events + sse_event(json);
}

std::string AnswerStream::failure(const codec::Json& error) {
    return sse_event(error);
}

std::string AnswerStream::end() {
    return std::string{kSseDone};
}

std::string AnswerStream::usage(const AnswerBill& bill) {
    if (!form_.include_usage) return {};
    codec::Json json = chunk({});
    json.set("usage", usage_json(bill));
    json.set("vcity", network_json(bill));
    return sse_event(json);
}

}  // namespace vcity::gateway
