// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include "async/runtime.hpp"
#include "async/task.hpp"

namespace vcity::ports::testing {

// How a contract suite runs tasks: in simulated time for a fake, on real threads for an adapter.
class TaskRunner {
  public:
    virtual ~TaskRunner() = default;
    virtual Runtime& runtime() = 0;
    // Spawns the task and returns when it ended. The suite keeps nothing running between calls but what it says.
    virtual void run(Task<void> task) = 0;
};

inline Task<int> with_status(Task<void> task) {
    co_await std::move(task);
    co_return 0;
}

// A harness on a runtime that can run one task to its end, such as AsioRuntime.
template <class Harness, class RealRuntime>
class OnRuntime : public Harness {
  public:
    Runtime& runtime() override { return runtime_; }
    void run(Task<void> task) override { runtime_.run_to_completion(with_status(std::move(task))); }

  private:
    RealRuntime runtime_;
};

template <class T>
Task<void> keep_result(Task<T> task, std::optional<T>* out) {
    auto result = co_await std::move(task);
    out->emplace(std::move(result));
}

// Runs one task to its end and gives what it returned, so that tests read as plain calls.
template <class T>
T await(TaskRunner& runner, Task<T> task) {
    std::optional<T> result;
    runner.run(keep_result(std::move(task), &result));
    return std::move(result).value();
}

}  // namespace vcity::ports::testing
