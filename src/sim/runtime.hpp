// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <random>
#include <utility>
#include <vector>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/execution_context.hpp>

#include "async/runtime.hpp"

namespace vcity::sim {

// Runs tasks on one thread in an order drawn from a seed, over a clock that jumps to the next deadline.
class SimRuntime final : public Runtime, public boost::asio::execution_context {
  public:
    class Executor;

    explicit SimRuntime(std::uint64_t seed) : random_{seed} {}
    ~SimRuntime() override;

    TimePoint now() const override { return now_; }
    Task<void> sleep_until(TimePoint deadline) override;
    void spawn(Task<void> task) override;

    // Runs until nothing is left to run or the step limit is hit; returns the steps taken.
    std::uint64_t run(std::uint64_t steps_max);

  private:
    struct Operation {
        virtual ~Operation() = default;
        virtual void run() = 0;
    };
    template <class Function>
    struct OperationOf;
    using TimerId = std::pair<TimePoint, std::uint64_t>;

    template <class Function>
    static std::unique_ptr<Operation> make_operation(Function&& function);

    void fire_next_timers();

    std::mt19937_64 random_;
    TimePoint now_;
    std::uint64_t timers_made_ = 0;
    std::vector<std::unique_ptr<Operation>> ready_;
    std::map<TimerId, std::unique_ptr<Operation>> timers_;
};

}  // namespace vcity::sim
