// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/work/termination.hpp"

#include <gtest/gtest.h>

#include "model/work_messages.hpp"
#include "work/plan.hpp"

namespace vcity::gateway {
namespace {

StepStatus ended(StepState state, std::int32_t exit_code, std::uint32_t attempt = 1, Usd charged = Usd{1}) {
    StepStatus step;
    step.state = state;
    step.exit_code = exit_code;
    step.attempt = attempt;
    step.charged = charged;
    return step;
}

TEST(Termination, NamesWhyAStepIsOver) {
    const auto reason = [](const StepStatus& step, WorkState job = WorkState::kFailed, std::string_view error = "") {
        return std::string{termination_reason(step, job, error)};
    };
    EXPECT_EQ(reason(ended(StepState::kDone, 0), WorkState::kSucceeded), "completed");
    EXPECT_EQ(reason(ended(StepState::kDone, kTimeLimitExit), WorkState::kSucceeded), "time_limit");
    EXPECT_EQ(reason(ended(StepState::kFailed, kTimeLimitExit)), "time_limit");
    EXPECT_EQ(reason(ended(StepState::kFailed, kOutputLimitExit)), "output_limit");
    EXPECT_EQ(reason(ended(StepState::kFailed, kFilesExit)), "files");
    EXPECT_EQ(reason(ended(StepState::kFailed, 3)), "exit_code");
    EXPECT_EQ(reason(ended(StepState::kFailed, 0)), "exit_code");
    EXPECT_EQ(reason(ended(StepState::kFailed, 0, 8, Usd{})), "node_fault");
    EXPECT_EQ(reason(ended(StepState::kFailed, 0, 0, Usd{})), "not_placed");
    EXPECT_EQ(reason(ended(StepState::kFailed, work::kGaveWayExit)), "preempted");
    StepStatus step = ended(StepState::kFailed, 0, 1, Usd{});
    step.reason = "input file a.txt: the file's server cannot be reached or breaks off";
    EXPECT_EQ(reason(step), "inputs");
    EXPECT_EQ(reason(ended(StepState::kCancelled, 0), WorkState::kCancelled), "cancelled");
    EXPECT_EQ(reason(ended(StepState::kCancelled, 0)), "job_failed");
    EXPECT_EQ(reason(ended(StepState::kCancelled, 0), WorkState::kFailed, "its deadline has passed"), "deadline");
}

TEST(Termination, IsNothingBeforeTheEnd) {
    EXPECT_TRUE(termination_json(ended(StepState::kRunning, 0), WorkState::kActive, "").is_null());
    EXPECT_EQ(codec::dump_json(termination_json(ended(StepState::kFailed, 3), WorkState::kFailed, "")),
              R"({"reason":"exit_code","exit_code":3,"at":null})");
}

}  // namespace
}  // namespace vcity::gateway
