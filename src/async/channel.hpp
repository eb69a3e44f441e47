// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <deque>
#include <memory>
#include <utility>

#include "async/runtime.hpp"
#include "base/result.hpp"

namespace vcity {

// Wakes tasks that wait for a condition. Many waiters; every notify() wakes all that wait at that moment, and each must
// check its condition again.
class Notifier {
  public:
    explicit Notifier(Runtime* runtime) : runtime_{runtime} {}

    // True when notified, false when the deadline passed.
    Task<bool> wait_until(TimePoint deadline);
    void notify();

  private:
    Runtime* runtime_;
    std::deque<std::shared_ptr<Timer>> waiting_;
};

// A bounded queue between tasks of one runtime. After close(), what is queued can still be received; then receive()
// gives kUnavailable.
template <class T>
class Channel {
  public:
    Channel(Runtime* runtime, std::size_t capacity) : notifier_{runtime}, capacity_{capacity} {}

    // False when the channel is full or closed: the caller says what to do with the overflow.
    bool try_send(T value) {
        if (closed_ || queue_.size() >= capacity_) return false;
        queue_.push_back(std::move(value));
        notifier_.notify();
        return true;
    }

    // kTimeout at the deadline, kUnavailable when closed.
    Task<Result<void>> send(T value, TimePoint deadline) {
        while (!closed_ && queue_.size() >= capacity_) {
            const bool notified = co_await notifier_.wait_until(deadline);
            if (!notified && queue_.size() >= capacity_) co_return make_error(Errc::kTimeout, "channel is full");
        }
        if (closed_) co_return make_error(Errc::kUnavailable, "channel is closed");
        queue_.push_back(std::move(value));
        notifier_.notify();
        co_return Result<void>{};
    }

    Task<Result<T>> receive(TimePoint deadline) {
        while (queue_.empty()) {
            if (closed_) co_return make_error(Errc::kUnavailable, "channel is closed");
            const bool notified = co_await notifier_.wait_until(deadline);
            if (!notified && queue_.empty()) co_return make_error(Errc::kTimeout, "nothing received in time");
        }
        T value = std::move(queue_.front());
        queue_.pop_front();
        notifier_.notify();
        co_return value;
    }

    void close() {
        closed_ = true;
        notifier_.notify();
    }
    bool is_closed() const { return closed_; }
    std::size_t size() const { return queue_.size(); }

  private:
    Notifier notifier_;
    std::size_t capacity_;
    std::deque<T> queue_;
    bool closed_ = false;
};

}  // namespace vcity
