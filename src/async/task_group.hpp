// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

#include "async/channel.hpp"

namespace vcity {

// Tasks that belong to one owner. The owner tells them to stop in its own way (closing channels and connections) and
// then joins; the group must outlive its tasks.
class TaskGroup {
  public:
    explicit TaskGroup(Runtime* runtime) : runtime_{runtime}, ended_{runtime} {}
    TaskGroup(const TaskGroup&) = delete;
    TaskGroup& operator=(const TaskGroup&) = delete;

    void spawn(Task<void> task);
    // kTimeout when tasks are still running at the deadline.
    Task<Result<void>> join(TimePoint deadline);
    std::size_t running() const { return running_; }

  private:
    Task<void> run(Task<void> task);

    Runtime* runtime_;
    Notifier ended_;
    std::size_t running_ = 0;
};

}  // namespace vcity
