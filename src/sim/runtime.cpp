// SPDX-License-Identifier: Apache-2.0
#include "sim/runtime.hpp"

#include <algorithm>
#include <exception>

#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "base/check.hpp"

namespace vcity::sim {

namespace asio = boost::asio;

namespace {

// The world begins at this wall-clock time: 2026-01-01 00:00:00 UTC.
constexpr UnixMillis kGenesis{1'767'225'600'000};
constexpr std::int64_t kMillion = 1'000'000;

}  // namespace

template <class Function>
struct SimRuntime::OperationOf final : Operation {
    explicit OperationOf(Function function) : function_{std::move(function)} {}
    void run() override { function_(); }
    Function function_;
};

template <class Function>
std::unique_ptr<SimRuntime::Operation> SimRuntime::make_operation(const SimProcess* owner, Function&& function) {
    auto operation = std::make_unique<OperationOf<std::decay_t<Function>>>(std::forward<Function>(function));
    operation->owner = owner;
    return operation;
}

class SimRuntime::Executor {
  public:
    Executor(SimRuntime* runtime, const SimProcess* owner) : runtime_{runtime}, owner_{owner} {}

    asio::execution_context& query(asio::execution::context_t) const noexcept { return *runtime_; }
    static constexpr asio::execution::blocking_t query(asio::execution::blocking_t) noexcept {
        return asio::execution::blocking.never;
    }
    Executor require(asio::execution::blocking_t::never_t) const { return *this; }

    template <class Function>
    void execute(Function&& function) const {
        runtime_->ready_.push_back(make_operation(owner_, std::forward<Function>(function)));
    }

    friend bool operator==(const Executor&, const Executor&) noexcept = default;

  private:
    SimRuntime* runtime_;
    const SimProcess* owner_;
};

// A wait is known to the world by its id only: when the process died in between, cancel() finds nothing to end.
class SimTimer final : public Timer {
  public:
    SimTimer(SimRuntime* world, const SimProcess* owner) : world_{world}, owner_{owner} {}

    Task<bool> wait_until(TimePoint deadline) override {
        auto start = [this, deadline]<class Handler>(Handler handler) {
            const TimePoint when = owner_ == nullptr ? deadline : owner_->world_time(deadline);
            waiting_ = {when, world_->timers_made_++};
            cancelled_ = std::make_shared<bool>(false);
            auto wake = [handler = std::move(handler), cancelled = cancelled_]() mutable {
                std::move(handler)(!*cancelled);
            };
            world_->timers_.emplace(waiting_, SimRuntime::make_operation(owner_, std::move(wake)));
        };
        return asio::async_initiate<const asio::use_awaitable_t<>, void(bool)>(start, asio::use_awaitable);
    }

    void cancel() override {
        const auto timer = world_->timers_.find(waiting_);
        if (timer == world_->timers_.end()) return;
        *cancelled_ = true;
        world_->ready_.push_back(std::move(timer->second));
        world_->timers_.erase(timer);
    }

  private:
    SimRuntime* world_;
    const SimProcess* owner_;
    SimRuntime::TimerId waiting_;
    std::shared_ptr<bool> cancelled_;  // shared with the wait, which may outlive this timer
};

SimRuntime::~SimRuntime() {
    while (!ready_.empty() || !timers_.empty()) {
        Operations doomed;
        std::swap(doomed, ready_);
        std::map<TimerId, std::unique_ptr<Operation>> doomed_timers;
        std::swap(doomed_timers, timers_);
    }
    shutdown();
    destroy();
}

UnixMillis SimRuntime::unix_now() const {
    const auto elapsed = std::chrono::duration_cast<std::chrono::milliseconds>(now_ - TimePoint{});
    return kGenesis + UnixMillis{static_cast<std::uint64_t>(elapsed.count())};
}

void SimRuntime::spawn_as(const SimProcess* owner, Task<void> task) {
    asio::co_spawn(asio::any_io_executor{Executor{this, owner}}, std::move(task), [](const std::exception_ptr& error) {
        if (error) std::rethrow_exception(error);
    });
}

void SimRuntime::spawn(Task<void> task) {
    spawn_as(nullptr, std::move(task));
}

Task<void> SimRuntime::sleep_as(const SimProcess* owner, TimePoint deadline) {
    auto start = [this, owner, deadline]<class Handler>(Handler handler) {
        struct Sleep {
            Handler wake;
            bool cancelled = false;
        };
        auto slot = asio::get_associated_cancellation_slot(handler);
        auto sleep = std::make_shared<Sleep>(Sleep{std::move(handler)});
        const TimerId timer_id{deadline, timers_made_++};
        timers_.emplace(timer_id, make_operation(owner, [sleep] {
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

Task<void> SimRuntime::sleep_until(TimePoint deadline) {
    return sleep_as(nullptr, deadline);
}

std::unique_ptr<Timer> SimRuntime::make_timer() {
    return std::make_unique<SimTimer>(this, nullptr);
}

void SimRuntime::random_bytes(std::span<std::uint8_t> out) {
    for (std::uint8_t& byte : out) byte = static_cast<std::uint8_t>(random_() >> 56U);
}

Task<void> SimRuntime::compute(std::function<void()> work) {
    co_await sleep_as(nullptr, now_);
    work();
}

void SimRuntime::call_at(TimePoint when, std::function<void()> event) {
    const TimerId timer_id{std::max(when, now_), timers_made_++};
    timers_.emplace(timer_id, make_operation(nullptr, std::move(event)));
}

Duration SimRuntime::draw_between(Duration low, Duration high) {
    CHECK(low <= high);
    const auto span = static_cast<std::uint64_t>((high - low).count()) + 1;
    return low + Duration{static_cast<std::int64_t>(draw(span))};
}

SimRuntime::Operations SimRuntime::take(const SimProcess* owner) {
    Operations taken;
    for (auto& operation : ready_) {
        if (operation->owner == owner) taken.push_back(std::move(operation));
    }
    std::erase(ready_, nullptr);
    for (auto timer = timers_.begin(); timer != timers_.end();) {
        if (timer->second->owner == owner) {
            taken.push_back(std::move(timer->second));
            timer = timers_.erase(timer);
        } else {
            ++timer;
        }
    }
    return taken;
}

void SimRuntime::drop(const SimProcess* owner) {
    CHECK(running_ != owner);
    // Asio unwinds a destroyed coroutine through its executor, so that the frames die in a later round.
    Operations doomed = take(owner);
    while (!doomed.empty()) {
        doomed.clear();
        doomed = take(owner);
    }
}

void SimRuntime::fire_next_timers() {
    now_ = std::max(now_, timers_.begin()->first.first);
    while (!timers_.empty() && timers_.begin()->first.first <= now_) {
        ready_.push_back(std::move(timers_.begin()->second));
        timers_.erase(timers_.begin());
    }
}

void SimRuntime::step() {
    if (ready_.empty()) fire_next_timers();
    auto& chosen = ready_[random_() % ready_.size()];
    auto operation = std::exchange(chosen, nullptr);
    std::swap(chosen, ready_.back());
    ready_.pop_back();
    if (operation->owner != nullptr && operation->owner->is_paused()) {
        const TimerId later{operation->owner->paused_until_, timers_made_++};
        timers_.emplace(later, std::move(operation));
        return;
    }
    running_ = operation->owner;
    operation->run();
    operation.reset();
    running_ = nullptr;
    if (after_step_) after_step_();
}

std::uint64_t SimRuntime::run(std::uint64_t steps_max) {
    for (std::uint64_t taken = 0; taken < steps_max; ++taken) {
        if (ready_.empty() && timers_.empty()) return taken;
        step();
    }
    return steps_max;
}

std::uint64_t SimRuntime::run_until(TimePoint deadline, std::uint64_t steps_max) {
    for (std::uint64_t taken = 0; taken < steps_max; ++taken) {
        const bool idle = ready_.empty() && (timers_.empty() || timers_.begin()->first.first > deadline);
        if (idle) {
            now_ = std::max(now_, deadline);
            return taken;
        }
        step();
    }
    return steps_max;
}

TimePoint SimProcess::now() const {
    if (drift_ == 0 && drift_since_ == drift_from_) return world_->now();
    const Duration elapsed = world_->now() - drift_since_;
    return drift_from_ + elapsed + elapsed * drift_ / kMillion;
}

// Rounded up, so that a deadline has passed by this clock when its timer fires.
TimePoint SimProcess::world_time(TimePoint mine) const {
    if (drift_ == 0 && drift_since_ == drift_from_) return mine;
    const Duration ahead = std::clamp(mine - drift_from_, Duration{}, Duration{std::chrono::hours{10'000}});
    const std::int64_t rate = kMillion + drift_;
    return drift_since_ + ahead / rate * kMillion + ahead % rate * kMillion / rate + Duration{2};
}

void SimProcess::set_drift(std::int64_t millionths) {
    CHECK(millionths >= -kMillion / 2 && millionths <= kMillion / 2);
    drift_from_ = now();
    drift_since_ = world_->now();
    drift_ = millionths;
}

UnixMillis SimProcess::unix_now() const {
    const auto skewed = static_cast<std::int64_t>(world_->unix_now().count()) + skew_.count();
    return UnixMillis{static_cast<std::uint64_t>(skewed)};
}

std::unique_ptr<Timer> SimProcess::make_timer() {
    return std::make_unique<SimTimer>(world_, this);
}

Task<void> SimProcess::compute(std::function<void()> work) {
    co_await sleep_until(now());
    work();
}

void SimProcess::crash() {
    paused_until_ = {};
    world_->drop(this);
}

}  // namespace vcity::sim
