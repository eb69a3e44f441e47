// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/execution_context.hpp>

#include "async/runtime.hpp"

namespace vcity::sim {

class SimProcess;

// A simulated world on one thread: tasks run in an order drawn from a seed, over a clock that jumps to the next
// deadline. The same seed gives the same run. The world is itself a Runtime (for tests and fault drivers); roles get a
// SimProcess each, so that one can be killed without the others.
class SimRuntime final : public Runtime, public boost::asio::execution_context {
  public:
    class Executor;

    explicit SimRuntime(std::uint64_t seed) : random_{seed} {}
    ~SimRuntime() override;

    TimePoint now() const override { return now_; }
    UnixMillis unix_now() const override;
    Task<void> sleep_until(TimePoint deadline) override;
    std::unique_ptr<Timer> make_timer() override;
    void random_bytes(std::span<std::uint8_t> out) override;
    void spawn(Task<void> task) override;
    Task<void> compute(std::function<void()> work) override;

    // Runs until nothing is left to run or the step limit is hit; returns the steps taken.
    std::uint64_t run(std::uint64_t steps_max);
    // The same, but leaves what is due after the deadline for later and moves the clock there.
    std::uint64_t run_until(TimePoint deadline, std::uint64_t steps_max);

    // An event of the world, outside every process: a message that arrives, a block that is mined, a fault.
    void call_at(TimePoint when, std::function<void()> event);
    // Called after every step; the place for invariants.
    void set_after_step(std::function<void()> check) { after_step_ = std::move(check); }
    // Uniform in [0, bound); bound > 0.
    std::uint64_t draw(std::uint64_t bound) { return random_() % bound; }
    // True in numerator of denominator cases.
    bool chance(std::uint64_t numerator, std::uint64_t denominator) { return draw(denominator) < numerator; }
    Duration draw_between(Duration low, Duration high);

  private:
    friend class SimProcess;
    friend class SimTimer;

    struct Operation {
        virtual ~Operation() = default;
        virtual void run() = 0;

        const SimProcess* owner = nullptr;  // nullptr: the world
    };
    template <class Function>
    struct OperationOf;
    using TimerId = std::pair<TimePoint, std::uint64_t>;
    using Operations = std::vector<std::unique_ptr<Operation>>;

    template <class Function>
    static std::unique_ptr<Operation> make_operation(const SimProcess* owner, Function&& function);

    Task<void> sleep_as(const SimProcess* owner, TimePoint deadline);
    void spawn_as(const SimProcess* owner, Task<void> task);
    // Destroys all pending operations of the owner, and those that their destruction brings forth.
    void drop(const SimProcess* owner);
    Operations take(const SimProcess* owner);

    void fire_next_timers();
    void step();

    std::mt19937_64 random_;
    TimePoint now_;
    std::uint64_t timers_made_ = 0;
    Operations ready_;
    std::map<TimerId, std::unique_ptr<Operation>> timers_;
    std::function<void()> after_step_;
    const SimProcess* running_ = nullptr;
};

// One process of the simulated world: what a role sees as its machine. Crashing it destroys every task it has, at
// whatever await they stand; destroy the role's objects afterwards, then start new ones on the same process.
class SimProcess final : public Runtime {
  public:
    // skew: how far this machine's wall clock is off; the world outlives the process.
    SimProcess(SimRuntime* world, std::string name, std::chrono::milliseconds skew = {})
        : world_{world}, name_{std::move(name)}, skew_{skew} {}
    ~SimProcess() override { crash(); }
    SimProcess(const SimProcess&) = delete;
    SimProcess& operator=(const SimProcess&) = delete;

    TimePoint now() const override;
    UnixMillis unix_now() const override;
    Task<void> sleep_until(TimePoint deadline) override { return world_->sleep_as(this, world_time(deadline)); }
    std::unique_ptr<Timer> make_timer() override;
    void random_bytes(std::span<std::uint8_t> out) override { world_->random_bytes(out); }
    void spawn(Task<void> task) override { world_->spawn_as(this, std::move(task)); }
    Task<void> compute(std::function<void()> work) override;

    // Not from within one of its own tasks.
    void crash();
    // Runs none of its tasks until then: the machine swaps, or somebody sent it a SIGSTOP. The world around it goes on,
    // and its clocks too.
    void pause(TimePoint until) { paused_until_ = until; }
    bool is_paused() const { return world_->now() < paused_until_; }
    // The wall clock jumps; what is measured with now() is not touched.
    void set_skew(std::chrono::milliseconds skew) { skew_ = skew; }
    // From now on its monotonic clock gains so many millionths on the world's; between -500,000 and 500,000.
    void set_drift(std::int64_t millionths);
    const std::string& name() const { return name_; }
    SimRuntime& world() const { return *world_; }

  private:
    friend class SimRuntime;
    friend class SimTimer;

    // The world's time at which this process's clock shows that.
    TimePoint world_time(TimePoint mine) const;

    SimRuntime* world_;
    std::string name_;
    std::chrono::milliseconds skew_;
    TimePoint paused_until_;
    std::int64_t drift_ = 0;
    TimePoint drift_since_;  // the world's time
    TimePoint drift_from_;   // what this clock showed then
};

}  // namespace vcity::sim
