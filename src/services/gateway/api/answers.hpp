// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/amount.hpp"
#include "base/bytes.hpp"
#include "codec/json.hpp"
#include "model/request.hpp"
#include "services/gateway/api/request.hpp"

namespace vcity::gateway {

// What every object of one answer repeats.
struct AnswerIdentity {
    Endpoint endpoint = Endpoint::kChat;
    std::string id;  // "chatcmpl-", "cmpl-", "embd-" or "resp_", then the job id in hex
    std::uint64_t created_unix_seconds = 0;
    std::string model;
};
std::string make_generation_id(Endpoint endpoint, const JobId& job_id);
// The job behind a generation id, of any prefix.
std::optional<JobId> job_of_generation(std::string_view id);

// What an answer cost and who gave it.
struct AnswerBill {
    TokenUsage units;
    Usd cost;
    Usd quote;
    Address node;
    Hash receipt_hash;
    std::uint32_t attempts = 0;
    double overhead_ms = 0;  // spent in the gateway, not in the network
};

codec::Json usage_json(const AnswerBill& bill);
// How the network made the answer: what OpenAI has no field for.
codec::Json network_json(const AnswerBill& bill);
// Each token with its bytes and logarithm, and the most probable ones.
codec::Json token_list_json(std::span<const TokenLogprobs> tokens);
// How an answer is to be written.
struct AnswerForm {
    bool include_usage = false;
    std::string padding{};  // random characters; empty: no obfuscation
    bool may_call = false;  // a function call when it has the form of one
    bool must_call = false;
    bool has_logprobs = false;
    codec::Json echo{};  // of /v1/responses: fields of the request that the answer repeats
};

// What was answered.
struct AnswerContent {
    std::string_view text;
    FinishReason reason = FinishReason::kStop;
    std::span<const TokenLogprobs> logprobs{};
};

// The answer to a request without "stream".
codec::Json whole_answer(const AnswerIdentity& identity,
                         const AnswerForm& form,
                         const AnswerContent& content,
                         const AnswerBill& bill);

// The events of one streamed answer, in the order of the calls.
class AnswerEvents {
  public:
    virtual ~AnswerEvents() = default;
    virtual std::string opening() = 0;
    virtual std::string content(std::string_view text, std::span<const TokenLogprobs> logprobs) = 0;
    virtual std::string finish(FinishReason reason, const AnswerBill* bill) = 0;
    virtual std::string usage(const AnswerBill& bill) = 0;
    // Instead of the three before: after it there is nothing.
    virtual std::string failure(const codec::Json& error) = 0;
    virtual std::string end() = 0;
};

// As the chat and completion endpoints have them. With obfuscation, content events are padded to multiples of 64 bytes,
// so that an observer of an encrypted stream does not learn the lengths of tokens. What may become a function call is
// held back until that is known, and then given as one.
class AnswerStream final : public AnswerEvents {
  public:
    AnswerStream(AnswerIdentity identity, AnswerForm form) : identity_{std::move(identity)}, form_{std::move(form)} {}

    // Chat only: names the role before any text. Empty for completions.
    std::string opening() override;
    // Empty while the text is held back.
    std::string content(std::string_view text, std::span<const TokenLogprobs> logprobs) override;
    // With a bill when the client asked for usage by header instead of by stream_options.
    std::string finish(FinishReason reason, const AnswerBill* bill) override;
    // The extra event of stream_options.include_usage; empty without it.
    std::string usage(const AnswerBill& bill) override;
    std::string failure(const codec::Json& error) override;
    std::string end() override;

  private:
    codec::Json chunk(codec::JsonArray choices) const;
    codec::Json choice(codec::Json delta, codec::Json finish_reason) const;
    std::string text_event(std::string_view text, std::span<const TokenLogprobs> logprobs) const;
    std::string padded(codec::Json json) const;
    bool may_become_call() const;

    AnswerIdentity identity_;
    AnswerForm form_;
    std::string held_;
    std::vector<TokenLogprobs> held_logprobs_;
};

// "0.41": milliseconds with two decimals, for headers.
std::string to_ms_text(double milliseconds);

}  // namespace vcity::gateway
