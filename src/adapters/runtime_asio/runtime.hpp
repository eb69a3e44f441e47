// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <span>

#include <boost/asio/any_io_executor.hpp>

#include "async/runtime.hpp"

namespace vcity::adapters {

struct AsioRuntimeOptions {
    // Threads for Runtime::compute(); everything else runs on the one thread that calls run().
    unsigned compute_threads = 2;
};

// The real machine: one thread of Boost.Asio, its clocks, the kernel's random numbers and a few threads for CPU work.
//
// A process has one, made first and destroyed last. Tasks that never ended are destroyed with the runtime, where they
// stand, so what their frames point to must still be alive then or the owner must have joined them before. A task that
// ends in an exception is a bug: one line to standard error, then abort().
class AsioRuntime final : public Runtime {
  public:
    explicit AsioRuntime(AsioRuntimeOptions options = {});
    ~AsioRuntime() override;
    AsioRuntime(const AsioRuntime&) = delete;
    AsioRuntime& operator=(const AsioRuntime&) = delete;

    TimePoint now() const override;
    UnixMillis unix_now() const override;
    Task<void> sleep_until(TimePoint deadline) override;
    std::unique_ptr<Timer> make_timer() override;
    void random_bytes(std::span<std::uint8_t> out) override;
    void spawn(Task<void> task) override;
    // An exception of the work is thrown again to whoever awaits.
    Task<void> compute(std::function<void()> work) override;

    // Runs tasks on the calling thread until stop().
    void run();
    // Ends run() as soon as the present step is over. May be called from any thread.
    void stop();
    // Runs until this task ended and gives its result; 1 when stop() came first. Other tasks are left where they are.
    int run_to_completion(Task<int> task);

    // Calls back, as a task step, on the first SIGINT or SIGTERM. The second one ends the process at once with status
    // 128 + signal, for a shutdown that hangs. At most once per runtime.
    void on_shutdown_signal(std::function<void()> callback);

    // For adapters that own sockets or processes; services have no use for it.
    boost::asio::any_io_executor executor();

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace vcity::adapters
