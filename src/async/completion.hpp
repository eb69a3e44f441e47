// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <utility>

#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "async/task.hpp"

namespace vcity {

// The end of a wait that another thread brings about: it resumes the waiting task on that task's own executor. Copies
// share one wait; exactly one of them must be called, once.
template <class T>
class Completion {
  public:
    template <class Handler>
    explicit Completion(Handler handler) {
        // Held through a pointer because a std::function must be copyable and a handler is not.
        auto shared = std::make_shared<Handler>(std::move(handler));
        auto work = boost::asio::make_work_guard(*shared);
        finish_ = [shared, work](T value) {
            auto result = std::make_shared<T>(std::move(value));
            boost::asio::post(work.get_executor(), [shared, result] { std::move (*shared)(std::move(*result)); });
        };
    }

    void operator()(T value) { std::exchange(finish_, nullptr)(std::move(value)); }

  private:
    std::function<void(T)> finish_;
};

// Awaits start(Completion<T>), which hands the completion to another thread.
template <class T, class Start>
Task<T> complete_elsewhere(Start start) {
    // By value: the initiation runs when the task is awaited, after this function returned.
    auto initiate = [start = std::move(start)]<class Handler>(Handler handler) mutable {
        start(Completion<T>{std::move(handler)});
    };
    return boost::asio::async_initiate<const boost::asio::use_awaitable_t<>, void(T)>(std::move(initiate),
                                                                                      boost::asio::use_awaitable);
}

}  // namespace vcity
