// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/work/termination.hpp"

#include "model/work_messages.hpp"
#include "work/plan.hpp"

namespace vcity::gateway {
namespace {

bool is_over(StepState state) {
    return state == StepState::kDone || state == StepState::kFailed || state == StepState::kCancelled;
}

bool is_past_deadline(WorkState job_state, std::string_view job_error) {
    return job_state == WorkState::kFailed && job_error.find("deadline") != std::string_view::npos;
}

std::string_view reason_of_exit(std::int32_t exit_code) {
    switch (exit_code) {
        case kTimeLimitExit: return "time_limit";
        case kOutputLimitExit: return "output_limit";
        case kFilesExit: return "files";
        case work::kGaveWayExit: return "preempted";
        default: return "exit_code";
    }
}

}  // namespace

std::string_view termination_reason(const StepStatus& step, WorkState job_state, std::string_view job_error) {
    const bool is_late = is_past_deadline(job_state, job_error);
    if (step.state == StepState::kDone) return step.exit_code == 0 ? "completed" : reason_of_exit(step.exit_code);
    if (step.state == StepState::kCancelled) {
        if (job_state == WorkState::kCancelled) return "cancelled";
        return is_late ? "deadline" : "job_failed";
    }
    if (step.exit_code != 0) return reason_of_exit(step.exit_code);
    if (step.reason.starts_with("input file ")) return "inputs";
    if (is_late) return "deadline";
    if (step.attempt == 0) return "not_placed";
    // A service that ended by itself has failed with status 0.
    return step.charged > Usd{} ? "exit_code" : "node_fault";
}

codec::Json termination_json(const StepStatus& step, WorkState job_state, std::string_view job_error) {
    if (!is_over(step.state)) return {};
    const std::uint64_t at = step.ended_at.count();
    return codec::JsonObject{{"reason", std::string{termination_reason(step, job_state, job_error)}},
                             {"exit_code", static_cast<std::int64_t>(step.exit_code)},
                             {"at", at == 0 ? codec::Json{} : codec::Json{static_cast<double>(at) / 1000}}};
}

}  // namespace vcity::gateway
