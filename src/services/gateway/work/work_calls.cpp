// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/work/work_calls.hpp"

#include <type_traits>
#include <utility>

namespace vcity::gateway {
namespace {

JobId job_of(const WorkQuestion& question) {
    return std::visit(
        [](const auto& asked) -> JobId {
            using Asked = std::decay_t<decltype(asked)>;
            if constexpr (std::is_same_v<Asked, UnitsRequest>)
                return {};
            else if constexpr (requires { asked.order; })
                return asked.order.job_id;
            else
                return asked.job_id;
        },
        question);
}

JobId job_of(const WorkAnswer& answer) {
    return std::visit(
        [](const auto& given) -> JobId {
            if constexpr (requires { given.job_id; })
                return given.job_id;
            else
                return {};
        },
        answer);
}

// Two gateways' clients may ask different things about one job at the same time.
struct Fits {
    const WorkAnswer& answer;

    bool operator()(const WorkQuoteRequest& /*asked*/) const {
        return std::holds_alternative<WorkQuote>(answer) || std::holds_alternative<JobFailed>(answer);
    }
    bool operator()(const WorkSubmit& /*asked*/) const {
        return std::holds_alternative<WorkAccepted>(answer) || std::holds_alternative<JobFailed>(answer);
    }
    bool operator()(const WorkCancel& /*asked*/) const { return std::holds_alternative<WorkStatusReply>(answer); }
    bool operator()(const WorkStatusRequest& asked) const {
        const auto* reply = std::get_if<WorkStatusReply>(&answer);
        // Every job that is known has a history.
        return reply != nullptr && (!asked.with_history || !reply->known || !reply->history.empty());
    }
    bool operator()(const WorkOutputRequest& asked) const {
        const auto* reply = std::get_if<WorkOutputReply>(&answer);
        return reply != nullptr && reply->step_id == asked.step_id && reply->offset == asked.offset;
    }
    bool operator()(const UnitsRequest& /*asked*/) const { return std::holds_alternative<UnitsReply>(answer); }
};

// An order is large, and only its job id is needed for the answer.
WorkQuestion without_order(const WorkQuestion& question) {
    WorkOrder named;
    named.job_id = job_of(question);
    if (std::holds_alternative<WorkSubmit>(question)) return WorkSubmit{std::move(named)};
    if (std::holds_alternative<WorkQuoteRequest>(question)) return WorkQuoteRequest{std::move(named)};
    return question;
}

}  // namespace

Task<Result<WorkAnswer>> WorkCalls::ask(WorkQuestion question, std::function<bool(Message)> send, TimePoint deadline) {
    if (waits_.size() >= waits_max_) co_return make_error(Errc::kExhausted, "too many questions about work");
    const JobId job_id = job_of(question);
    const auto wait = std::make_shared<Wait>(runtime_, without_order(question));
    // The list of units is the same for everybody who waits for it.
    const bool is_asked = std::holds_alternative<UnitsRequest>(question) && waits_.contains(job_id);
    Message message =
        std::visit([](auto&& asked) { return Message{std::forward<decltype(asked)>(asked)}; }, std::move(question));
    if (!is_asked && !send(std::move(message))) {
        co_return make_error(Errc::kUnavailable, "no connection to the scheduler");
    }
    waits_.emplace(job_id, wait);
    Result<WorkAnswer> answer = co_await wait->answers.receive(deadline);
    std::erase_if(waits_, [&](const auto& entry) { return entry.second == wait; });
    if (!answer && answer.error().code == Errc::kUnavailable) {
        co_return make_error(Errc::kUnavailable, "the connection to the scheduler broke");
    }
    if (!answer) co_return make_error(Errc::kTimeout, "the scheduler did not answer in time");
    co_return answer;
}

bool WorkCalls::deliver(const WorkAnswer& answer) {
    bool is_waited_for = false;
    const auto [begin, end] = waits_.equal_range(job_of(answer));
    for (auto waiting = begin; waiting != end; ++waiting) {
        if (!std::visit(Fits{answer}, waiting->second->question)) continue;
        is_waited_for = true;
        waiting->second->answers.try_send(answer);
    }
    return is_waited_for;
}

void WorkCalls::lose_all() {
    for (const auto& [job_id, wait] : waits_) wait->answers.close();
}

}  // namespace vcity::gateway
