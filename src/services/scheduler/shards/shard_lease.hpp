// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "async/channel.hpp"
#include "async/task_group.hpp"
#include "base/bytes.hpp"
#include "ports/store.hpp"
#include "telemetry/log.hpp"

namespace vcity::scheduler {

// In the shard's own store. The epoch changes only when the shard changes hands; the beat is a counter that its owner
// raises all the time.
inline constexpr std::string_view kShardPrefix = "shard/";
inline constexpr std::string_view kShardEpochKey = "shard/epoch";
inline constexpr std::string_view kShardBeatKey = "shard/beat";

using ShardNonce = FixedBytes<struct ShardNonceTag, 16>;

// Who acts for a shard. No two takeovers write the same record: each has a nonce of its own.
struct ShardEpoch {
    std::uint64_t epoch = 0;
    std::string owner;  // for people: "host:pid" of the process; empty: given up, free for anybody
    ShardNonce nonce;

    bool operator==(const ShardEpoch&) const = default;
};
Bytes encode(const ShardEpoch& record);
Result<ShardEpoch> parse_shard_epoch(ByteView bytes);

struct ShardLeaseOptions {
    std::string owner;  // at most 128 bytes
    Duration ttl = std::chrono::milliseconds{2'500};
    // The owner gives up so long before others may take over: clocks may run at rates that differ by margin / ttl.
    Duration margin = std::chrono::milliseconds{250};
    Duration poll = std::chrono::milliseconds{200};
    bool is_home = true;    // takes at once what nobody ever had
    bool is_alone = false;  // the store admits one process only: takes at once, never beats, never expires
};

// The right of one process to act for a shard, for as long as it shows that it lives. Takeover and loss rest on clocks
// only for speed: what makes a second owner harmless is that every commit expects the epoch record (FencedStore).
//
// A candidate takes over when the beat stood still for ttl by its own monotonic clock, in one change that expects the
// epoch and the beat that it saw. An owner ends by itself when its last beat that the store confirmed was sent longer
// than ttl - margin ago. No wall clock is read, and what has an unknown effect counts for nobody: a takeover is had
// only when the store said so or shows its nonce, a beat only when the store said so.
class ShardLease {
  public:
    ShardLease(Runtime* runtime, ports::Store* store, ShardLeaseOptions options, Log log);
    ShardLease(const ShardLease&) = delete;
    ShardLease& operator=(const ShardLease&) = delete;

    // Waits until the shard is ours, under an epoch that no process had before. What acted under an earlier tenure of
    // this object must have ended. kUnavailable after stop(), kCorrupt when the record is damaged, other codes when the
    // store refuses for good.
    Task<Result<void>> acquire();
    // Beats until the lease has ended; the error says how. Nothing of this lease runs any more when it returns.
    Task<Error> keep();
    // Gives the shard up, so that others need not wait. Refuses commits from this moment on.
    Task<void> release();
    // Ends acquire() and keep(); a lease that is held ends without being given up.
    void stop();
    // Ends the lease. Called by whoever learns that it is lost.
    void lose(std::string reason);

    // Whether this process may act for the shard at this moment.
    bool is_held() const;
    std::uint64_t epoch() const { return record_.epoch; }
    // Whether the last tenure began with the silence of another process.
    bool has_taken_over() const { return has_taken_over_; }
    // What the store must hold for our commits to count.
    const Bytes& epoch_record() const { return encoded_; }
    // Who has the shard, as far as the last look tells; ours while it is held.
    const ShardEpoch& seen() const { return seen_; }
    // Called once for each lease that ends otherwise than by release(), when that is known.
    void on_lost(std::function<void(const std::string& reason)> callback) { on_lost_ = std::move(callback); }

  private:
    // What the store held at one moment.
    struct Sight {
        std::optional<Bytes> epoch;
        std::optional<Bytes> beat;

        bool operator==(const Sight&) const = default;
    };

    Task<Result<Sight>> look();
    Result<bool> may_take(const Sight& sight);
    Task<Result<bool>> try_take(Sight sight);
    Task<void> beat();
    Bytes next_beat();
    TimePoint expiry() const { return confirmed_ + options_.ttl - options_.margin; }

    Runtime* runtime_;
    ports::Store* store_;
    ShardLeaseOptions options_;
    Log log_;
    TaskGroup tasks_;
    Notifier changed_;
    std::function<void(const std::string&)> on_lost_;
    bool stopping_ = false;

    // --- while watching
    std::optional<Sight> watched_;
    TimePoint watched_since_;
    ShardEpoch seen_;
    ShardEpoch attempt_;  // the last one of ours

    // --- while holding
    bool held_ = false;
    ShardEpoch record_;
    Bytes encoded_;
    bool has_taken_over_ = false;
    std::uint64_t beats_ = 0;
    bool is_beating_ = false;
    TimePoint confirmed_;  // when the last beat was sent that the store has confirmed
    TimePoint next_beat_;
    std::string ended_;  // why the lease ended
};

}  // namespace vcity::scheduler
