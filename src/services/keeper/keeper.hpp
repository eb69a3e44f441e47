// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <vector>

#include "async/channel.hpp"
#include "async/runtime.hpp"
#include "async/task_group.hpp"
#include "ports/upkeep.hpp"
#include "services/common/backoff.hpp"
#include "telemetry/log.hpp"
#include "telemetry/metrics.hpp"

namespace vcity::keeper {

struct KeeperOptions {
    // Between two looks at one kind; sooner when the chain says that something falls due before.
    Duration poll = std::chrono::seconds{15};
    Duration poll_min = std::chrono::seconds{1};
    // Keepers that see the same duty wait a random time up to this and look again, so that most of the time only one
    // pays for gas.
    Duration stagger_max = std::chrono::seconds{3};
    services::BackoffRange retry{std::chrono::seconds{2}, std::chrono::minutes{5}};
    // Without a successful look for so long, the keeper is not ready.
    Duration stale_after = std::chrono::minutes{10};
    Duration join_max = std::chrono::minutes{5};
    std::vector<DutyKind> kinds{kAllDuties.begin(), kAllDuties.end()};
};

struct KeeperDeps {
    Runtime* runtime = nullptr;
    ports::Upkeep* upkeep = nullptr;
    MetricRegistry* metrics = nullptr;
    Log log;
};

// Does what falls due on chain. It keeps no state: what is due is read from the chain each time, each duty is refused
// by the contracts when it is not due, so any number of keepers may run, be killed and be started again. Each kind has
// a loop of its own: one that fails or hangs does not hold up the others.
class Keeper {
  public:
    Keeper(KeeperDeps deps, KeeperOptions options);
    Keeper(const Keeper&) = delete;
    Keeper& operator=(const Keeper&) = delete;

    // Until stop(); what is being sent then is waited for.
    Task<Result<void>> run();
    void stop();
    // Whether every kind was looked at successfully not long ago.
    bool is_ready() const;

  private:
    struct Watch {
        explicit Watch(Runtime* runtime, services::BackoffRange range) : backoff{runtime, range} {}

        TimePoint looked_at{};
        services::Backoff backoff;
        Counter* done = nullptr;
        Counter* beaten = nullptr;
        Counter* failed = nullptr;
        Gauge* due = nullptr;
    };

    Task<void> keep(DutyKind kind);
    // What to do until the next look.
    Task<Result<Duration>> round(DutyKind kind, Watch* watch);
    Task<Result<DutyList>> look(DutyKind kind, Watch* watch);
    Task<Result<void>> perform(Duty duty, Watch* watch);
    // False when stop() came first.
    Task<bool> pause(Duration duration);
    Duration until_next(const DutyList& list) const;

    KeeperDeps deps_;
    KeeperOptions options_;
    std::map<DutyKind, Watch> watches_;
    TaskGroup loops_;
    Notifier stopped_;
    bool stopping_ = false;
};

}  // namespace vcity::keeper
