// SPDX-License-Identifier: Apache-2.0
#include "model/job.hpp"

#include "base/check.hpp"

namespace vcity {

bool is_terminal(JobState state) {
    return state == JobState::kSettled || state == JobState::kFailed || state == JobState::kRejected;
}

bool may_follow(JobState from, JobState to) {
    switch (from) {
        case JobState::kQueued: return to == JobState::kLeased || to == JobState::kFailed;
        case JobState::kLeased:
            return to == JobState::kLeased || to == JobState::kQueued || to == JobState::kStreaming ||
                   to == JobState::kDelivered || to == JobState::kFailed;
        case JobState::kStreaming: return to == JobState::kDelivered || to == JobState::kFailed;
        case JobState::kDelivered: return to == JobState::kBatched || to == JobState::kRejected;
        case JobState::kBatched: return to == JobState::kSettled;
        case JobState::kSettled:
        case JobState::kFailed:
        case JobState::kRejected: return false;
    }
    unreachable();
}

}  // namespace vcity
