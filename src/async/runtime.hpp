// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <span>

#include "async/task.hpp"
#include "base/bytes.hpp"
#include "base/time.hpp"

namespace vcity {

// A wait that another task of the same runtime can end early. At most one waiter at a time.
class Timer {
  public:
    virtual ~Timer() = default;
    // True when the deadline passed, false when cancel() came first. A cancel() with nobody waiting has no effect.
    virtual Task<bool> wait_until(TimePoint deadline) = 0;
    virtual void cancel() = 0;
};

// The world a service runs in: time, chance, and a place to run tasks. Services reach all three only through this, so
// that the simulator can stand in for the machine. All tasks of one runtime run on one logical thread: a service needs
// no mutex, but what was true before an await must be checked again after it.
class Runtime {
  public:
    virtual ~Runtime() = default;

    virtual TimePoint now() const = 0;
    virtual UnixMillis unix_now() const = 0;
    virtual Task<void> sleep_until(TimePoint deadline) = 0;
    virtual std::unique_ptr<Timer> make_timer() = 0;
    // Cryptographically strong on a real machine, drawn from the seed in the simulator.
    virtual void random_bytes(std::span<std::uint8_t> out) = 0;
    // Starts a task that nobody awaits. Prefer TaskGroup, whose owner joins it.
    virtual void spawn(Task<void> task) = 0;
    // Runs CPU work of more than a millisecond off the service's thread; the function must not touch shared state.
    virtual Task<void> compute(std::function<void()> work) = 0;

    std::uint64_t random_u64();
};

}  // namespace vcity
