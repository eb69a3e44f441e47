// SPDX-License-Identifier: Apache-2.0
#include "async/task_group.hpp"

#include "base/check.hpp"

namespace vcity {

void TaskGroup::spawn(Task<void> task) {
    ++running_;
    runtime_->spawn(run(std::move(task)));
}

Task<void> TaskGroup::run(Task<void> task) {
    co_await std::move(task);
    CHECK(running_ > 0);
    --running_;
    ended_.notify();
}

Task<Result<void>> TaskGroup::join(TimePoint deadline) {
    while (running_ > 0) {
        const bool notified = co_await ended_.wait_until(deadline);
        if (!notified && running_ > 0) co_return make_error(Errc::kTimeout, "tasks are still running");
    }
    co_return Result<void>{};
}

}  // namespace vcity
