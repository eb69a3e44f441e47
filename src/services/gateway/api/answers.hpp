// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/amount.hpp"
#include "base/bytes.hpp"
#include "codec/json.hpp"
#include "services/gateway/api/request.hpp"

namespace vcity::gateway {

// What every object of one answer repeats.
struct AnswerIdentity {
    Endpoint endpoint = Endpoint::kChat;
    std::string id;  // "chatcmpl-" or "cmpl-", then the job id in hex
    std::uint64_t created_unix_seconds = 0;
    std::string model;
};
std::string make_generation_id(Endpoint endpoint, const JobId& job_id);
// The job behind a generation id, of either prefix.
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
// The answer to a request without "stream".
codec::Json whole_answer(const AnswerIdentity& identity,
                         std::string_view text,
                         FinishReason reason,
                         const AnswerBill& bill);

// The events of one streamed answer. With obfuscation, content events are padded to multiples of 64 bytes, so that an
// observer of an encrypted stream does not learn the lengths of tokens.
class AnswerStream {
  public:
    AnswerStream(AnswerIdentity identity, bool include_usage, std::string padding)
        : identity_{std::move(identity)}, include_usage_{include_usage}, padding_{std::move(padding)} {}

    // Chat only: names the role before any text. Empty for completions.
    std::string opening() const;
    std::string content(std::string_view text) const;
    // With a bill when the client asked for usage by header instead of by stream_options.
    std::string finish(FinishReason reason, const AnswerBill* bill) const;
    // The extra event of stream_options.include_usage; empty without it.
    std::string usage(const AnswerBill& bill) const;

  private:
    codec::Json chunk(codec::JsonArray choices) const;
    codec::Json content_choice(std::string_view text) const;

    AnswerIdentity identity_;
    bool include_usage_;
    std::string padding_;  // random characters; empty: no obfuscation
};

// "0.41": milliseconds with two decimals, for headers.
std::string to_ms_text(double milliseconds);

}  // namespace vcity::gateway
