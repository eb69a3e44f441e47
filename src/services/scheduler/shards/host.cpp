// SPDX-License-Identifier: Apache-2.0
#include "services/scheduler/shards/host.hpp"

#include <algorithm>

#include "base/check.hpp"
#include "codec/hex.hpp"
#include "services/scheduler/shards/shard_metrics.hpp"

namespace vcity::scheduler {
namespace {

constexpr std::string_view kShardPath = "/shards/";
constexpr std::size_t kTurnedAwayMax = 256;
constexpr std::chrono::seconds kHeartbeat{1};
constexpr std::chrono::seconds kJoinStep{30};

}  // namespace

std::optional<Address> shard_of_path(std::string_view path) {
    if (!path.starts_with(kShardPath)) return std::nullopt;
    const Result<Address> address = codec::parse_fixed<Address>(std::string{path.substr(kShardPath.size())});
    return address ? std::optional{*address} : std::nullopt;
}

std::string path_of_shard(const Address& shard) {
    return std::string{kShardPath} + codec::to_hex(shard);
}

// A time in which this process acts for a shard: what was made for it and ends with it.
struct SchedulerHost::Tenure {
    Tenure(Runtime* runtime, ports::Store* store, ShardLease* lease)
        : fenced{runtime, store, lease}, listener{runtime}, tasks{runtime}, since{runtime->now()} {}

    FencedStore fenced;
    ShardListener listener;
    std::unique_ptr<Scheduler> scheduler;
    TaskGroup tasks;
    TimePoint since;
};

struct SchedulerHost::Shard {
    Shard(const HostDeps& deps, ShardLeaseOptions lease_options, HostedShard the_parts, bool is_one_of_many)
        : parts{std::move(the_parts)},
          address{parts.signer->address()},
          metrics{deps.metrics, is_one_of_many ? codec::to_hex(address) : std::string{}},
          log{is_one_of_many ? deps.log.named("scheduler." + codec::to_hex(address).substr(0, 10)) : deps.log},
          lease{deps.runtime, parts.store, std::move(lease_options), log},
          epoch{metrics.gauge("vcity_scheduler_epoch", "Of the process that acts for the shard, here", {})} {}

    HostedShard parts;
    Address address;
    ShardMetrics metrics;
    Log log;
    ShardLease lease;
    Gauge* epoch;
    std::unique_ptr<Tenure> tenure;
    bool has_ended = false;  // the tenure's scheduler, although perhaps not all that belongs to it
    std::string failure;
};

SchedulerHost::SchedulerHost(HostDeps deps, HostOptions options, std::vector<HostedShard> shards)
    : deps_{std::move(deps)},
      options_{std::move(options)},
      tasks_{deps_.runtime},
      links_{deps_.runtime},
      changed_{deps_.runtime},
      owned_{deps_.metrics->gauge("vcity_scheduler_shards_owned", "Shards that this process acts for")},
      takeovers_{deps_.metrics->counter("vcity_scheduler_takeovers_total", "Shards taken over from another process")} {
    CHECK(!shards.empty());
    const bool are_many = shards.size() > 1;
    for (HostedShard& shard : shards) {
        ShardLeaseOptions lease = options_.lease;
        lease.is_home = shard.is_home;
        // Peers with several endpoints leave a process that is silent for a few seconds.
        Duration& heartbeat = shard.options.session.heartbeat_every;
        if (!lease.is_alone) heartbeat = std::min<Duration>(heartbeat, kHeartbeat);
        shards_.push_back(std::make_unique<Shard>(deps_, std::move(lease), std::move(shard), are_many));
    }
}

SchedulerHost::~SchedulerHost() = default;

Task<Result<void>> SchedulerHost::run() {
    for (const auto& shard : shards_) tasks_.spawn(run_shard(shard.get()));
    links_.spawn(accept_links());
    while (tasks_.running() > 0) {
        const Result<void> joined = co_await tasks_.join(deps_.runtime->now() + kJoinStep);
        if (!joined && stopping_) deps_.log.warn("shards_linger", {{"running", tasks_.running()}});
    }
    deps_.listener->close();
    while (links_.running() > 0) {
        const Result<void> joined = co_await links_.join(deps_.runtime->now() + kJoinStep);
        if (!joined) deps_.log.warn("links_linger", {{"running", links_.running()}});
    }
    if (failure_) co_return *failure_;
    co_return Result<void>{};
}

void SchedulerHost::stop() {
    if (stopping_) return;
    stopping_ = true;
    deps_.listener->close();
    changed_.notify();
    for (const auto& shard : shards_) {
        if (shard->tenure) {
            tasks_.spawn(hand_over(shard.get()));
        } else {
            shard->lease.stop();
        }
    }
}

Task<void> SchedulerHost::run_shard(Shard* shard) {
    while (!stopping_ && shard->failure.empty()) {
        const Result<void> taken = co_await shard->lease.acquire();
        if (!taken) {
            if (!stopping_) fail(shard, taken.error());
            break;
        }
        if (stopping_) {
            co_await shard->lease.release();
            break;
        }
        co_await serve(shard);
    }
}

Task<void> SchedulerHost::serve(Shard* shard) {
    ShardLease& lease = shard->lease;
    shard->tenure = std::make_unique<Tenure>(deps_.runtime, shard->parts.store, &lease);
    Tenure* tenure = shard->tenure.get();
    SchedulerDeps deps{.runtime = deps_.runtime,
                       .store = &tenure->fenced,
                       .signer = shard->parts.signer,
                       .listener = &tenure->listener,
                       .chain_reader = deps_.chain_reader,
                       .chain_writer = shard->parts.chain_writer,
                       .metrics = &shard->metrics,
                       .epoch = lease.epoch(),
                       .deployment = deps_.deployment,
                       .log = shard->log};
    tenure->scheduler = std::make_unique<Scheduler>(std::move(deps), shard->parts.options);
    shard->has_ended = false;
    lease.on_lost([tenure](const std::string& /*reason*/) { tenure->scheduler->stop(); });
    tenure->tasks.spawn(keep_lease(shard));
    if (lease.has_taken_over()) takeovers_->increment();
    shard->epoch->set(static_cast<double>(lease.epoch()));
    show_owned();
    const Result<void> ended = co_await tenure->scheduler->run();
    shard->has_ended = true;
    changed_.notify();
    // A scheduler that ends although nobody told it to has a reason that another process may not have.
    const bool is_own_end = lease.is_held() && !stopping_;
    co_await lease.release();
    while (tenure->tasks.running() > 0) {
        const Result<void> joined = co_await tenure->tasks.join(deps_.runtime->now() + kJoinStep);
        if (!joined) shard->log.warn("lease_lingers");
    }
    lease.on_lost({});
    if (is_own_end) fail(shard, ended ? make_error(Errc::kInternal, "the scheduler ended") : ended.error());
    shard->tenure.reset();
    shard->epoch->set(0);
    show_owned();
}

Task<void> SchedulerHost::keep_lease(Shard* shard) {
    const Error ended = co_await shard->lease.keep();
    shard->log.info("tenure_ends", {{"epoch", shard->lease.epoch()}, {"reason", ended.message}});
}

// In good order where that is quick; whatever is left finds the store closed.
Task<void> SchedulerHost::hand_over(Shard* shard) {
    // It may have ended since stop() asked for this.
    if (shard->tenure) shard->tenure->scheduler->stop();
    const TimePoint deadline = deps_.runtime->now() + options_.hand_over;
    bool in_time = true;
    while (in_time && shard->tenure && !shard->has_ended) {
        in_time = co_await changed_.wait_until(deadline);
    }
    co_await shard->lease.release();
    shard->lease.stop();
}

void SchedulerHost::fail(Shard* shard, Error reason) {
    shard->failure = reason.message;
    shard->log.error("shard_failed", {{"reason", reason.message}});
    if (!failure_) failure_ = std::move(reason);
}

Task<void> SchedulerHost::accept_links() {
    while (!stopping_) {
        Result<std::unique_ptr<ports::Connection>> connection = co_await deps_.listener->accept();
        if (!connection) break;
        Shard* shard = find((*connection)->path());
        if (shard != nullptr && shard->tenure && shard->lease.is_held()) {
            shard->tenure->listener.offer(*std::move(connection));
        } else if (links_.running() < kTurnedAwayMax) {
            links_.spawn(turn_away(*std::move(connection)));
        } else {
            (*connection)->close();
        }
    }
}

Task<void> SchedulerHost::turn_away(std::unique_ptr<ports::Connection> connection) {
    co_await services::turn_away(connection.get(), "this process does not act for the shard now");
}

SchedulerHost::Shard* SchedulerHost::find(const std::string& path) {
    const std::optional<Address> wanted = shard_of_path(path);
    if (!wanted) return shards_.front().get();
    const auto found = std::ranges::find_if(shards_, [&](const auto& shard) { return shard->address == *wanted; });
    return found == shards_.end() ? nullptr : found->get();
}

void SchedulerHost::show_owned() {
    owned_->set(static_cast<double>(shards_owned()));
}

bool SchedulerHost::is_ready() const {
    return std::ranges::all_of(shards_, [](const auto& shard) {
        if (shard->tenure) return shard->lease.is_held() && shard->tenure->scheduler->is_ready();
        return !shard->lease.seen().owner.empty() && shard->failure.empty();
    });
}

std::size_t SchedulerHost::shards_owned() const {
    return static_cast<std::size_t>(
        std::ranges::count_if(shards_, [](const auto& shard) { return shard->tenure && shard->lease.is_held(); }));
}

bool SchedulerHost::holds(std::size_t index) const {
    return shards_[index]->lease.is_held();
}

std::vector<ShardStatus> SchedulerHost::status() const {
    std::vector<ShardStatus> all;
    for (const auto& shard : shards_) {
        ShardStatus status;
        status.address = shard->address;
        status.epoch = shard->lease.seen().epoch;
        status.owner = shard->lease.seen().owner;
        status.is_home = shard->parts.is_home;
        status.failure = shard->failure;
        status.is_ours = shard->tenure && shard->lease.is_held();
        if (status.is_ours) {
            const Scheduler& scheduler = *shard->tenure->scheduler;
            status.is_ready = scheduler.is_ready();
            status.since =
                std::chrono::duration_cast<std::chrono::seconds>(deps_.runtime->now() - shard->tenure->since);
            status.nodes = scheduler.directory().connected();
            status.units = scheduler.work().unit_count();
            status.live_jobs = scheduler.live_jobs() + scheduler.work().live_jobs();
            status.unsettled_jobs = scheduler.unsettled_jobs();
        }
        all.push_back(std::move(status));
    }
    return all;
}

}  // namespace vcity::scheduler
