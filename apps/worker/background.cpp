// SPDX-License-Identifier: Apache-2.0
#include "background.hpp"

#include <condition_variable>
#include <deque>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

#include "base/check.hpp"

namespace vcity::worker {
namespace {

// Works that may wait in a lane. They hold the activations of their step, so this bounds memory.
constexpr std::size_t kWaitingMax = 8;

class Inline final : public Background {
  public:
    std::size_t lanes() const override { return 1; }
    void post(std::size_t, std::function<void()> work) override { work(); }
    void wait(std::size_t) override {}
};

class Lane {
  public:
    Lane() : thread_{[this] { run(); }} {}
    ~Lane() {
        {
            const std::lock_guard lock{mutex_};
            ending_ = true;
        }
        changed_.notify_all();
        thread_.join();
    }
    Lane(const Lane&) = delete;
    Lane& operator=(const Lane&) = delete;

    void post(std::function<void()> work) {
        std::unique_lock lock{mutex_};
        changed_.wait(lock, [this] { return waiting_.size() < kWaitingMax; });
        waiting_.push_back(std::move(work));
        changed_.notify_all();
    }
    void wait() {
        std::unique_lock lock{mutex_};
        changed_.wait(lock, [this] { return waiting_.empty() && !working_; });
    }

  private:
    void run() {
        std::unique_lock lock{mutex_};
        for (;;) {
            changed_.wait(lock, [this] { return ending_ || !waiting_.empty(); });
            if (waiting_.empty()) return;
            {
                const std::function<void()> work = std::move(waiting_.front());
                waiting_.pop_front();
                working_ = true;
                lock.unlock();
                work();
            }
            lock.lock();
            working_ = false;
            changed_.notify_all();
        }
    }

    std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<std::function<void()>> waiting_;
    bool working_ = false;
    bool ending_ = false;
    std::thread thread_;
};

class Threaded final : public Background {
  public:
    explicit Threaded(std::size_t threads) {
        CHECK(threads > 0);
        for (std::size_t i = 0; i < threads; ++i) lanes_.push_back(std::make_unique<Lane>());
    }
    std::size_t lanes() const override { return lanes_.size(); }
    void post(std::size_t lane, std::function<void()> work) override { lanes_.at(lane)->post(std::move(work)); }
    void wait(std::size_t lane) override { lanes_.at(lane)->wait(); }

  private:
    std::vector<std::unique_ptr<Lane>> lanes_;
};

}  // namespace

std::unique_ptr<Background> make_inline_background() {
    return std::make_unique<Inline>();
}

std::unique_ptr<Background> make_threaded_background(std::size_t threads) {
    try {
        return std::make_unique<Threaded>(threads);
    } catch (const std::system_error&) {
        return make_inline_background();
    }
}

}  // namespace vcity::worker
