// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "services/gateway/api/answers.hpp"

// POST /v1/responses without memory: a request is turned into a chat, its answer into a response.
namespace vcity::gateway {

// A field that this endpoint does not know, or that needs memory, is refused by name. Errors about messages name the
// chat's fields.
ApiResult<GenerationRequest> parse_response_request(const codec::Json& body, const RequestLimits& limits);

codec::Json whole_response(const AnswerIdentity& identity,
                           const AnswerForm& form,
                           const AnswerContent& content,
                           const AnswerBill& bill);

// Typed events, each with its number. There is no [DONE]: response.completed or response.incomplete is the last one.
class ResponseStream final : public AnswerEvents {
  public:
    ResponseStream(AnswerIdentity identity, AnswerForm form) : identity_{std::move(identity)}, form_{std::move(form)} {}

    std::string opening() override;
    std::string content(std::string_view text, std::span<const TokenLogprobs> logprobs) override;
    std::string finish(FinishReason reason, const AnswerBill* bill) override;
    std::string usage(const AnswerBill& bill) override;
    std::string failure(const codec::Json& error) override;
    std::string end() override { return {}; }

  private:
    std::string event(std::string_view type, codec::Json fields);
    std::string begin_text();
    std::string delta(std::string_view text);
    std::string end_text();
    std::string whole_call(const codec::Json& item);

    AnswerIdentity identity_;
    AnswerForm form_;
    std::uint64_t next_ = 0;  // sequence_number
    std::string text_;        // of the message, what is held back among it
    bool has_begun_ = false;  // the message's events
    FinishReason reason_ = FinishReason::kStop;
    std::vector<TokenLogprobs> logprobs_;
};

}  // namespace vcity::gateway
