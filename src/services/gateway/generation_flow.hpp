// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>

#include "services/gateway/answer_writer.hpp"
#include "services/gateway/api/answers.hpp"
#include "services/gateway/exchange.hpp"
#include "services/gateway/job_progress.hpp"

namespace vcity::gateway {

class DeliveryLog;

// One generation from an accepted request to the last byte of its answer. Lives on the frame of the request's task.
//   admit    model, price ceiling, quote, budget: all that can be refused before anything runs
//   follow   the job's events, turned into stream events as they come; watches the client and the deadline
//   settle   checks the receipt, releases what was reserved, writes the record
//   answer   the rest of the answer, or the error
class GenerationFlow {
  public:
    GenerationFlow(const Shared* shared, Exchange* exchange, KeyRecord key, GenerationRequest request);
    GenerationFlow(const GenerationFlow&) = delete;
    GenerationFlow& operator=(const GenerationFlow&) = delete;

    // Where to note what was delivered; null: nowhere.
    void set_deliveries(DeliveryLog* deliveries) { deliveries_ = deliveries; }
    Task<void> run();

  private:
    void choose_model();
    Refusal admit();
    Refusal check_tokens();
    Refusal check_context(const ModelListing& listing);
    Refusal make_order(const ModelListing& listing);
    Task<bool> begin_idempotent();
    Task<void> finish_idempotent(ports::HttpResponse answered);
    Task<void> run_job();
    Task<void> follow(UpstreamJob* job);
    void note_event();
    void watch();
    Task<void> emit();
    Task<void> start_stream();
    void settle();
    void check_receipt();
    void note_outcome();
    void note_usage();
    Task<void> answer();
    Task<void> answer_stream();
    Task<void> refuse(ApiError error);

    AnswerForm answer_form() const;
    std::span<const TokenLogprobs> take_logprobs();
    ports::HttpHeaders placed_headers() const;
    ports::HttpHeaders bill_headers() const;
    double ms_since_start(TimePoint when) const;

    const Shared* shared_;
    Exchange* exchange_;
    KeyRecord key_;
    GenerationRequest request_;
    SchedulerLink* link_ = nullptr;  // to the scheduler of the cap, once admitted
    AnswerWriter writer_;
    AnswerIdentity identity_;
    std::unique_ptr<AnswerEvents> stream_;  // once the head of a stream is sent
    JobOrder order_;
    JobProgress progress_;
    std::size_t logprobs_taken_ = 0;
    AnswerBill bill_;
    DeliveryLog* deliveries_ = nullptr;
    std::optional<Hash> idempotency_name_;
    TimePoint deadline_;
    TimePoint submitted_at_;
    TimePoint ended_at_;
    TimePoint last_write_;
    std::optional<TimePoint> first_token_at_;
    std::optional<TimePoint> cancelled_at_;
};

}  // namespace vcity::gateway
