// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <deque>
#include <string>
#include <vector>

#include "async/task_group.hpp"
#include "services/gateway/exchange.hpp"

namespace vcity::gateway {

class DeliveryLog;

// What the branches of one request have made so far, for the task that writes to the client.
struct BranchBox {
    explicit BranchBox(Runtime* runtime) : wake{runtime} {}

    Notifier wake;
    std::optional<ports::HttpResponse> head;  // of a stream
    std::string events;                       // to be written
    std::string id;                           // that all events get: the first one's
    codec::Json usage;                        // summed
    codec::JsonArray networks;                // how each was made: "vcity" of each answer
    bool has_failed = false;
};

// The answer of one branch: kept whole, or its events passed on under the branch's index.
class BranchAnswer final : public ports::HttpResponder {
  public:
    BranchAnswer(BranchBox* box, const ports::HttpResponder* client, std::size_t index)
        : box_{box}, client_{client}, index_{index} {}

    Task<Result<void>> respond(ports::HttpResponse response) override;
    Task<Result<void>> start(ports::HttpResponse head) override;
    Task<Result<void>> write(std::string chunk) override;
    Task<Result<void>> finish() override { co_return Result<void>{}; }
    bool is_connected() const override { return client_->is_connected(); }

    // None when it was streamed.
    const std::optional<ports::HttpResponse>& response() const { return response_; }

  private:
    void pass_on(std::string_view event);

    BranchBox* box_;
    const ports::HttpResponder* client_;
    std::size_t index_;
    std::optional<ports::HttpResponse> response_;
};

// Several generations for one request, at the same time, each a job with a receipt of its own.
class Branches {
  public:
    Branches(const Shared* shared, Exchange* exchange, KeyRecord key, std::vector<GenerationRequest> requests);
    Branches(const Branches&) = delete;
    Branches& operator=(const Branches&) = delete;

    // Where to note what was delivered; null: nowhere.
    void set_deliveries(DeliveryLog* deliveries) { deliveries_ = deliveries; }
    // The choices of `n`: answers the client. When one fails before the answer began, the request fails with it; the
    // others are paid for what they delivered.
    Task<void> answer_choices();
    // Whole answers in the order of the requests, all of status 200; else the first that failed.
    Task<std::vector<ports::HttpResponse>> collect();

  private:
    Task<void> run_one(std::size_t index);
    Task<void> run_all();
    Task<void> flush();
    Task<void> end_stream();
    Task<void> merge();
    const ports::HttpResponse* first_failure() const;

    const Shared* shared_;
    Exchange* exchange_;
    KeyRecord key_;
    std::vector<GenerationRequest> requests_;
    DeliveryLog* deliveries_ = nullptr;
    BranchBox box_;
    std::deque<BranchAnswer> answers_;
    std::deque<Exchange> exchanges_;
    std::size_t next_ = 0;
    bool has_started_ = false;
};

// Both usage objects added up, field by field; null counts as nothing.
codec::Json add_usage(const codec::Json& a, const codec::Json& b);

}  // namespace vcity::gateway
