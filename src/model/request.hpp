// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/bytes.hpp"
#include "base/time.hpp"
#include "model/audit.hpp"

namespace vcity {

struct ChatMessage {
    std::string role;  // "system", "user" or "assistant"
    std::string content;

    bool operator==(const ChatMessage&) const = default;
};

struct Sampling {
    double temperature = 1.0;  // 0: greedy; at most 2
    double top_p = 1.0;        // in (0, 1]
    std::uint64_t seed = 0;

    bool operator==(const Sampling&) const = default;
};

// How much checking a client asks for: provider.verification of the API.
enum class Verification : std::uint8_t {
    kNone = 0,     // only what the network checks in its own interest
    kSampled = 1,  // the lottery of audits
    kFull = 2,     // every result is audited before it is paid
    kTee = 3,      // the same, and only nodes with an attested monitor
};
std::string_view to_string(Verification verification);

// The tier that a request has to be served in. It follows from the request alone, so that node and verifier agree.
constexpr AuditTier tier_of(Verification verification) {
    return verification == Verification::kNone ? AuditTier::kSketch : AuditTier::kServed;
}

// The epoch of the network that a time lies in: hours since 1970-01-01 UTC.
constexpr std::uint64_t epoch_of(UnixMillis time) {
    constexpr std::uint64_t kEpochMillis = 3'600'000;
    return time.count() / kEpochMillis;
}

// What a model call gives back.
enum class AnswerKind : std::uint8_t {
    kText = 0,
    kEmbedding = 1,  // base64 of little-endian fp32: the mean of the final states, of length one; nothing is sampled
};
std::string_view to_string(AnswerKind kind);

// A normalised model call. Exactly one of messages (chat) and prompt (completion) is used: a chat has messages.
struct ModelRequest {
    std::string model;
    std::vector<ChatMessage> messages;
    std::string prompt;
    std::uint32_t output_tokens_max = 0;
    Sampling sampling;
    std::vector<std::string> stop;  // at most 4
    Hash client_nonce;              // 32 bytes of the client's choice: nobody can have the answer before they exist
    Verification verification = Verification::kSampled;
    std::string form{};          // what the output must look like (grammar/form.hpp), as JSON; empty: any text
    std::uint32_t logprobs = 0;  // 0: none; n: of each output token and of the n - 1 most probable ones, at most 21
    AnswerKind answer = AnswerKind::kText;

    bool operator==(const ModelRequest&) const = default;
};

// A token and the natural logarithm of its probability under the model: temperature one, nothing ruled out. The node's
// word: neither receipt nor audit covers it.
struct TokenOption {
    std::string bytes;  // that it adds to the text; not always whole characters
    double logprob = 0;

    bool operator==(const TokenOption&) const = default;
};
struct TokenLogprobs {
    TokenOption chosen;
    std::vector<TokenOption> top;  // the most probable first

    bool operator==(const TokenLogprobs&) const = default;
};
inline constexpr std::uint32_t kLogprobsMax = 21;

enum class FinishReason : std::uint8_t { kStop = 0, kLength = 1, kCancelled = 2 };
std::string_view to_string(FinishReason reason);

struct TokenUsage {
    std::uint64_t input = 0;
    std::uint64_t output = 0;

    bool operator==(const TokenUsage&) const = default;
};

}  // namespace vcity
