// SPDX-License-Identifier: Apache-2.0
#include "sim/runtime.hpp"

#include <exception>

#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace vcity::sim {

namespace asio = boost::asio;

template <class Function>
struct SimRuntime::OperationOf final : Operation {
    explicit OperationOf(Function function) : function_{std::move(function)} {}
    void run() override { function_(); }
    Function function_;
};

template <class Function>
std::unique_ptr<SimRuntime::Operation> SimRuntime::make_operation(Function&& function) {
    return std::make_unique<OperationOf<std::decay_t<Function>>>(std::forward<Function>(function));
}

class SimRuntime::Executor {
  public:
    explicit Executor(SimRuntime* runtime) : runtime_{runtime} {}

    asio::execution_context& query(asio::execution::context_t) const noexcept { return *runtime_; }
    static constexpr asio::execution::blocking_t query(asio::execution::blocking_t) noexcept {
        return asio::execution::blocking.never;
    }
    Executor require(asio::execution::blocking_t::never_t) const { return *this; }

    template <class Function>
    void execute(Function&& function) const {
        runtime_->ready_.push_back(make_operation(std::forward<Function>(function)));
    }

    friend bool operator==(const Executor&, const Executor&) noexcept = default;

  private:
    SimRuntime* runtime_;
};

SimRuntime::~SimRuntime() {
    ready_.clear();
    timers_.clear();
    shutdown();
    destroy();
}

void SimRuntime::spawn(Task<void> task) {
    asio::co_spawn(asio::any_io_executor{Executor{this}}, std::move(task), [](const std::exception_ptr& error) {
        if (error) std::rethrow_exception(error);
    });
}

Task<void> SimRuntime::sleep_until(TimePoint deadline) {
    auto start = [this, deadline]<class Handler>(Handler handler) {
        struct Sleep {
            Handler wake;
            bool cancelled = false;
        };
        auto slot = asio::get_associated_cancellation_slot(handler);
        auto sleep = std::make_shared<Sleep>(Sleep{std::move(handler)});
        const TimerId timer_id{deadline, timers_made_++};
        timers_.emplace(timer_id, make_operation([sleep] {
                            boost::system::error_code error;
                            if (sleep->cancelled) error = asio::error::operation_aborted;
                            std::move(sleep->wake)(error);
                        }));
        if (!slot.is_connected()) return;
        slot.assign([this, timer_id, weak = std::weak_ptr{sleep}](asio::cancellation_type) {
            const auto timer = timers_.find(timer_id);
            if (timer == timers_.end()) return;
            weak.lock()->cancelled = true;
            ready_.push_back(std::move(timer->second));
            timers_.erase(timer);
        });
    };
    return asio::async_initiate<const asio::use_awaitable_t<>, void(boost::system::error_code)>(start,
                                                                                                asio::use_awaitable);
}

void SimRuntime::fire_next_timers() {
    now_ = timers_.begin()->first.first;
    while (!timers_.empty() && timers_.begin()->first.first == now_) {
        ready_.push_back(std::move(timers_.begin()->second));
        timers_.erase(timers_.begin());
    }
}

std::uint64_t SimRuntime::run(std::uint64_t steps_max) {
    for (std::uint64_t step = 0; step < steps_max; ++step) {
        if (ready_.empty() && timers_.empty()) return step;
        if (ready_.empty()) fire_next_timers();
        auto& chosen = ready_[random_() % ready_.size()];
        auto operation = std::exchange(chosen, nullptr);
        std::swap(chosen, ready_.back());
        ready_.pop_back();
        operation->run();
    }
    return steps_max;
}

}  // namespace vcity::sim
