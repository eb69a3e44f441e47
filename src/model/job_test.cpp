// SPDX-License-Identifier: Apache-2.0
#include "model/job.hpp"

#include <array>

#include <gtest/gtest.h>

namespace vcity {
namespace {

constexpr std::array kStates{JobState::kQueued,  JobState::kLeased,  JobState::kStreaming, JobState::kDelivered,
                             JobState::kBatched, JobState::kSettled, JobState::kFailed,    JobState::kRejected};

TEST(JobState, NothingFollowsATerminalState) {
    for (const JobState from : kStates) {
        for (const JobState to : kStates) {
            if (is_terminal(from)) EXPECT_FALSE(may_follow(from, to)) << to_string(from) << " -> " << to_string(to);
        }
    }
}

TEST(JobState, EveryOpenStateCanEnd) {
    for (const JobState from : kStates) {
        if (is_terminal(from)) continue;
        bool has_next = false;
        for (const JobState to : kStates) has_next = has_next || may_follow(from, to);
        EXPECT_TRUE(has_next) << to_string(from);
    }
}

TEST(JobState, NoRetryAfterTheFirstToken) {
    EXPECT_TRUE(may_follow(JobState::kLeased, JobState::kLeased));
    EXPECT_FALSE(may_follow(JobState::kStreaming, JobState::kLeased));
}

TEST(JobState, ADeliveredJobIsNeverFailed) {
    EXPECT_FALSE(may_follow(JobState::kDelivered, JobState::kFailed));
    EXPECT_FALSE(may_follow(JobState::kBatched, JobState::kRejected));
}

}  // namespace
}  // namespace vcity
