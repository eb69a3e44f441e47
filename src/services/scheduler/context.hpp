// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "async/channel.hpp"
#include "async/task_group.hpp"
#include "services/common/backoff.hpp"
#include "services/scheduler/metrics.hpp"
#include "services/scheduler/options.hpp"

namespace vcity::scheduler {

// How long a write may take before the scheduler gives up on its store. A scheduler that cannot write must not go on:
// everything it announces rests on what it wrote before.
inline constexpr std::chrono::seconds kStorePatience{60};

// What the parts of one scheduler share. Owned by Scheduler.
struct Context {
    Context(SchedulerDeps the_deps, SchedulerOptions the_options)
        : deps{std::move(the_deps)},
          options{std::move(the_options)},
          metrics{deps.metrics},
          log{deps.log},
          tasks{deps.runtime},
          stopped{deps.runtime} {}

    Runtime* runtime() const { return deps.runtime; }
    TimePoint now() const { return deps.runtime->now(); }
    Address self() const { return deps.signer->address(); }

    // Durable, or the scheduler stops.
    Task<Result<void>> commit(ports::StoreChange change);
    // A change whose last put is of a key that must be new: false when somebody else's is there already.
    Task<Result<bool>> commit_new(ports::StoreChange change);
    Task<Result<std::optional<Bytes>>> get(std::string key);
    // The scheduler's own registration on chain; read, and written when it is missing.
    Task<Result<void>> register_identity();
    void stop();
    void stop_because(std::string reason);

    SchedulerDeps deps;
    SchedulerOptions options;
    SchedulerMetrics metrics;
    Log log;
    TaskGroup tasks;
    Notifier stopped;
    bool stopping = false;
    std::string failure;  // why it stopped on its own; empty otherwise
};

}  // namespace vcity::scheduler
