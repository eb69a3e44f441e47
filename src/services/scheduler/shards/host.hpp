// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "async/task_group.hpp"
#include "services/scheduler/scheduler.hpp"
#include "services/scheduler/shards/fenced_store.hpp"
#include "services/scheduler/shards/shard_lease.hpp"
#include "services/scheduler/shards/shard_listener.hpp"

namespace vcity::scheduler {

// One shard that a process may act for: a scheduler's identity with everything that is its own. The pointers are
// borrowed and must outlive the host.
struct HostedShard {
    ports::Store* store = nullptr;  // the shard's space; nothing else is in it
    ports::Signer* signer = nullptr;
    ports::ChainWriter* chain_writer = nullptr;  // signs as the shard's identity
    SchedulerOptions options;
    bool is_home = true;
};

// The pointers are borrowed and must outlive the host.
struct HostDeps {
    Runtime* runtime = nullptr;
    ports::LinkListener* listener = nullptr;
    ports::ChainReader* chain_reader = nullptr;
    MetricRegistry* metrics = &null_metrics();
    Deployment deployment;
    Log log{nullptr, "scheduler"};
};

struct HostOptions {
    // Of every shard; is_home is the shard's own.
    ShardLeaseOptions lease;
    Duration hand_over = std::chrono::milliseconds{300};  // for tasks to end in good order before a shard is given up
};

// What `vcity scheduler status` shows of a shard.
struct ShardStatus {
    Address address;
    std::uint64_t epoch = 0;
    std::string owner;     // of the present process, as far as is known here; empty: nobody
    bool is_ours = false;  // this process acts for it
    bool is_home = false;
    bool is_ready = false;         // and is registered, recovered and listening
    std::chrono::seconds since{};  // how long this process has acted for it
    std::size_t nodes = 0;
    std::size_t units = 0;      // that they offer for work
    std::size_t live_jobs = 0;  // calls of models and work on units
    std::size_t unsettled_jobs = 0;
    std::string failure;  // why this process has given up on it; empty otherwise
};

// A scheduler process: any number of shards, each hosted by one process at a time. For each it watches until it gets
// the lease, runs a Scheduler under it, and watches again when it has lost it. Links are handed to the shard that their
// path names, "/shards/<address>"; any other path means the first shard. A peer whose shard is elsewhere is turned
// away.
//
// Destroyed after run() has returned, or when its tasks are gone.
class SchedulerHost {
  public:
    SchedulerHost(HostDeps deps, HostOptions options, std::vector<HostedShard> shards);
    ~SchedulerHost();
    SchedulerHost(const SchedulerHost&) = delete;
    SchedulerHost& operator=(const SchedulerHost&) = delete;

    // Until stop(), which gives the shards up at once, or until all shards have failed for good; then the first reason.
    Task<Result<void>> run();
    void stop();

    // Every shard is acted for, here or by another process that has been seen.
    bool is_ready() const;
    std::size_t shards_owned() const;
    std::vector<ShardStatus> status() const;
    // Whether the process may act for its shard number `index` at this moment.
    bool holds(std::size_t index) const;

  private:
    struct Tenure;
    struct Shard;

    Task<void> run_shard(Shard* shard);
    Task<void> serve(Shard* shard);
    Task<void> keep_lease(Shard* shard);
    Task<void> hand_over(Shard* shard);
    void fail(Shard* shard, Error reason);
    Task<void> accept_links();
    Task<void> turn_away(std::unique_ptr<ports::Connection> connection);
    Shard* find(const std::string& path);
    void show_owned();

    HostDeps deps_;
    HostOptions options_;
    TaskGroup tasks_;
    TaskGroup links_;
    Notifier changed_;
    Gauge* owned_ = nullptr;
    Counter* takeovers_ = nullptr;
    std::vector<std::unique_ptr<Shard>> shards_;
    std::optional<Error> failure_;  // the first one
    bool stopping_ = false;
};

}  // namespace vcity::scheduler
