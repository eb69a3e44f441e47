// SPDX-License-Identifier: Apache-2.0
#include "services/scheduler/shards/shard_lease.hpp"

#include <algorithm>

#include "base/check.hpp"
#include "services/common/backoff.hpp"
#include "services/common/record.hpp"

namespace vcity::scheduler {
namespace {

constexpr std::uint64_t kVersion = 1;
constexpr std::size_t kOwnerBytesMax = 128;
constexpr std::size_t kKeysMax = 8;

}  // namespace

Bytes encode(const ShardEpoch& record) {
    services::RecordWriter writer{kVersion};
    writer.put(record.epoch).put(record.owner).put(record.nonce);
    return writer.take();
}

Result<ShardEpoch> parse_shard_epoch(ByteView bytes) {
    services::RecordReader reader{bytes};
    if (reader.integer() != kVersion) return make_error(Errc::kCorrupt, "shard epoch: unknown version");
    ShardEpoch record;
    record.epoch = reader.integer();
    record.owner = reader.text();
    record.nonce = reader.fixed<ShardNonce>();
    if (record.owner.size() > kOwnerBytesMax) reader.fail();
    TRY_OK(reader.finish("shard epoch"));
    return record;
}

ShardLease::ShardLease(Runtime* runtime, ports::Store* store, ShardLeaseOptions options, Log log)
    : runtime_{runtime},
      store_{store},
      options_{std::move(options)},
      log_{std::move(log)},
      tasks_{runtime},
      changed_{runtime} {
    CHECK(!options_.owner.empty() && options_.owner.size() <= kOwnerBytesMax);
}

bool ShardLease::is_held() const {
    return held_ && (options_.is_alone || runtime_->now() < expiry());
}

// Both keys in one read, so that they belong together.
Task<Result<ShardLease::Sight>> ShardLease::look() {
    std::string prefix{kShardPrefix};
    std::string after;
    CO_TRY(const std::vector<ports::StoreEntry> entries,
           co_await store_->scan(std::move(prefix), std::move(after), kKeysMax));
    Sight sight;
    for (const ports::StoreEntry& entry : entries) {
        if (entry.key == kShardEpochKey) sight.epoch = entry.value;
        if (entry.key == kShardBeatKey) sight.beat = entry.value;
    }
    co_return sight;
}

Result<bool> ShardLease::may_take(const Sight& sight) {
    const bool is_first = !sight.epoch;
    seen_ = ShardEpoch{};
    if (!is_first) {
        TRY(seen_, parse_shard_epoch(*sight.epoch));
    }
    if (watched_ != sight) {
        watched_ = sight;
        watched_since_ = runtime_->now();
    }
    const bool is_free = !is_first && seen_.owner.empty();
    // A takeover of ours of which the store never told us, or one whose tenure has ended here.
    const bool is_stray = seen_ == attempt_ && seen_.epoch > 0;
    const bool is_silent = runtime_->now() - watched_since_ >= options_.ttl;
    return options_.is_alone || is_free || is_stray || is_silent || (is_first && options_.is_home);
}

Task<Result<bool>> ShardLease::try_take(Sight sight) {
    attempt_.epoch = seen_.epoch + 1;
    attempt_.owner = options_.owner;
    runtime_->random_bytes(attempt_.nonce.bytes);
    const ShardEpoch wanted = attempt_;
    ports::StoreChange change;
    change.expectations.push_back({std::string{kShardEpochKey}, std::move(sight.epoch)});
    change.expectations.push_back({std::string{kShardBeatKey}, std::move(sight.beat)});
    beats_ = 0;
    change.puts.push_back({std::string{kShardEpochKey}, encode(wanted)});
    change.puts.push_back({std::string{kShardBeatKey}, next_beat()});
    const TimePoint sent = runtime_->now();
    Result<void> taken = co_await store_->commit(std::move(change));
    if (!taken) {
        const bool is_final = taken.error().code != Errc::kConflict && !services::is_transient(taken.error().code);
        if (is_final) co_return std::move(taken).error();
        co_return false;
    }
    has_taken_over_ = !seen_.owner.empty() && seen_.owner != options_.owner;
    record_ = wanted;
    seen_ = wanted;
    encoded_ = encode(record_);
    confirmed_ = sent;
    next_beat_ = sent + options_.ttl / 3;
    ended_.clear();
    held_ = true;
    co_return is_held();
}

Task<Result<void>> ShardLease::acquire() {
    CHECK(!held_);
    watched_.reset();
    while (!stopping_) {
        Result<Sight> sight = co_await look();
        if (!sight && !services::is_transient(sight.error().code)) co_return std::move(sight).error();
        if (sight && !stopping_) {
            CO_TRY(const bool may, may_take(*sight));
            bool taken = false;
            if (may) {
                CO_TRY(taken, co_await try_take(*std::move(sight)));
            }
            if (taken) {
                log_.info("shard_taken", {{"epoch", record_.epoch}});
                co_return Result<void>{};
            }
            held_ = false;
        }
        if (!stopping_) {
            co_await changed_.wait_until(runtime_->now() + options_.poll);
        }
    }
    co_return make_error(Errc::kUnavailable, "stopped before the shard was had");
}

// Numbers are never used twice in one epoch, so that a beat that arrives late cannot look like one seen before.
Bytes ShardLease::next_beat() {
    services::RecordWriter writer{++beats_};
    return writer.take();
}

Task<void> ShardLease::beat() {
    const TimePoint sent = runtime_->now();
    ports::StoreChange change;
    change.expectations.push_back({std::string{kShardEpochKey}, encoded_});
    change.puts.push_back({std::string{kShardBeatKey}, next_beat()});
    Result<void> done = co_await store_->commit(std::move(change));
    is_beating_ = false;
    if (done) {
        confirmed_ = sent;
        next_beat_ = sent + options_.ttl / 3;
    } else if (done.error().code == Errc::kConflict) {
        lose("another process has taken over");
    } else {
        next_beat_ = runtime_->now() + options_.poll;
    }
    changed_.notify();
}

Task<Error> ShardLease::keep() {
    constexpr std::chrono::seconds kIdle{60};
    while (held_ && !stopping_) {
        const TimePoint now = runtime_->now();
        if (!is_held()) {
            lose("the store has not confirmed a beat in time");
            break;
        }
        TimePoint wake = now + kIdle;
        if (!options_.is_alone) {
            if (!is_beating_ && now >= next_beat_) {
                is_beating_ = true;
                tasks_.spawn(beat());
            }
            wake = is_beating_ ? expiry() : std::min(next_beat_, expiry());
        }
        co_await changed_.wait_until(wake);
    }
    if (held_) lose("stopped");
    while (tasks_.running() > 0) {
        Result<void> joined = co_await tasks_.join(runtime_->now() + kIdle);
        if (!joined) log_.warn("tasks_linger", {{"running", tasks_.running()}});
    }
    co_return make_error(Errc::kDenied, ended_);
}

Task<void> ShardLease::release() {
    if (!is_held()) co_return;
    held_ = false;
    ended_ = "given up";
    changed_.notify();
    ports::StoreChange change;
    change.expectations.push_back({std::string{kShardEpochKey}, encoded_});
    ShardEpoch free;
    free.epoch = record_.epoch;
    change.puts.push_back({std::string{kShardEpochKey}, encode(free)});
    const TimePoint deadline = runtime_->now() + options_.ttl;
    // Whatever comes of it: others take the shard when it has been silent for long enough.
    Result<void> given = co_await services::commit_until(runtime_, store_, std::move(change), deadline);
    log_.info("shard_given_up", {{"epoch", record_.epoch}, {"confirmed", given.has_value()}});
}

void ShardLease::stop() {
    stopping_ = true;
    changed_.notify();
}

void ShardLease::lose(std::string reason) {
    if (!held_) return;
    held_ = false;
    ended_ = std::move(reason);
    log_.warn("shard_lost", {{"epoch", record_.epoch}, {"reason", ended_}});
    changed_.notify();
    if (on_lost_) on_lost_(ended_);
}

}  // namespace vcity::scheduler
