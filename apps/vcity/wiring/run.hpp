// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <utility>

#include "adapters/runtime_asio/runtime.hpp"
#include "base/result.hpp"

namespace vcity::wiring {

template <class T>
Task<int> store_result(Task<Result<T>> task, std::optional<Result<T>>* out) {
    Result<T> result = co_await std::move(task);
    out->emplace(std::move(result));
    co_return 0;
}

// Runs one task for a command that has nothing else to do. kInternal when the runtime was stopped before it ended.
template <class T>
Result<T> run_task(adapters::AsioRuntime* runtime, Task<Result<T>> task) {
    std::optional<Result<T>> result;
    runtime->run_to_completion(store_result(std::move(task), &result));
    if (!result) return make_error(Errc::kInternal, "stopped before the work was done");
    return *std::move(result);
}

}  // namespace vcity::wiring
