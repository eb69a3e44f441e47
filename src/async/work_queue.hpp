// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <mutex>
#include <utility>
#include <vector>

namespace vcity {

// Hands work to one thread, bounded by count and by bytes. Whoever takes gets all that waits, so work that arrives
// while the thread is busy forms one group.
template <class Item>
class WorkQueue {
  public:
    WorkQueue(std::size_t count_max, std::size_t bytes_max) : count_max_{count_max}, bytes_max_{bytes_max} {}

    // False when full; the item is untouched then. One item always fits an empty queue.
    bool try_push(Item&& item, std::size_t bytes) {
        {
            const std::lock_guard lock{mutex_};
            const bool full = items_.size() >= count_max_ || bytes_ + bytes > bytes_max_;
            if (closed_ || (full && !items_.empty())) return false;
            items_.push_back(std::move(item));
            bytes_ += bytes;
        }
        available_.notify_one();
        return true;
    }

    // Waits for work. Empty: closed and drained.
    std::deque<Item> take_all() {
        std::unique_lock lock{mutex_};
        available_.wait(lock, [this] { return closed_ || !items_.empty(); });
        bytes_ = 0;
        return std::exchange(items_, {});
    }

    void close() {
        {
            const std::lock_guard lock{mutex_};
            closed_ = true;
        }
        available_.notify_one();
    }

  private:
    const std::size_t count_max_;
    const std::size_t bytes_max_;
    std::mutex mutex_;
    std::condition_variable available_;
    std::deque<Item> items_;
    std::size_t bytes_ = 0;
    bool closed_ = false;
};

}  // namespace vcity
