// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <unordered_map>
#include <variant>

#include "async/channel.hpp"
#include "model/messages.hpp"

namespace vcity::gateway {

// What a gateway asks a scheduler about work on units, and what comes back. JobFailed refuses an order or a quote.
using WorkQuestion =
    std::variant<WorkQuoteRequest, WorkSubmit, WorkCancel, WorkStatusRequest, WorkOutputRequest, UnitsRequest>;
using WorkAnswer = std::variant<WorkQuote, WorkAccepted, WorkStatusReply, WorkOutputReply, UnitsReply, JobFailed>;

// Questions that wait for their answers, at most waits_max at a time. An answer goes to every question that it fits.
class WorkCalls {
  public:
    WorkCalls(Runtime* runtime, std::size_t waits_max) : runtime_{runtime}, waits_max_{waits_max} {}

    // send: hands a message to the scheduler; false when there is none, or when it takes nothing. kUnavailable without
    // a connection or when it breaks, kExhausted at the bound, kTimeout at the deadline.
    Task<Result<WorkAnswer>> ask(WorkQuestion question, std::function<bool(Message)> send, TimePoint deadline);
    // False when nobody waits for it.
    bool deliver(const WorkAnswer& answer);
    // The connection broke: nothing that was asked will be answered.
    void lose_all();
    std::size_t waiting() const { return waits_.size(); }

  private:
    struct Wait {
        Wait(Runtime* runtime, WorkQuestion asked) : question{std::move(asked)}, answers{runtime, 1} {}
        WorkQuestion question;
        Channel<WorkAnswer> answers;
    };

    Runtime* runtime_;
    std::size_t waits_max_;
    std::unordered_multimap<JobId, std::shared_ptr<Wait>> waits_;  // offers: under the zero id
};

}  // namespace vcity::gateway
