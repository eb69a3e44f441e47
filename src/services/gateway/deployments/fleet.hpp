// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/amount.hpp"
#include "base/bytes.hpp"
#include "base/time.hpp"
#include "codec/json.hpp"
#include "model/job.hpp"

// What is known of a deployment: a set of equal services behind one endpoint (docs/serve.md). Plain values; what
// follows from them is FleetMachine's.
namespace vcity::gateway {

// As Hugging Face's endpoints call them.
enum class FleetState : std::uint8_t {
    kInitializing = 0,
    kRunning = 1,  // at least one replica is ready
    kPaused = 2,
    kScaledToZero = 3,
    kFailed = 4,  // nothing is ready, and what was tried lately failed, or the budget is spent
};
std::string_view to_string(FleetState state);

enum class ReplicaState : std::uint8_t {
    kStarting = 0,
    kReady = 1,
    kUnwell = 2,    // was ready, and does not answer now
    kDraining = 3,  // gets nothing new, ends what it has
    kStopping = 4,  // its job is being cancelled
};
std::string_view to_string(ReplicaState state);

// One job with one step on one unit.
struct Replica {
    std::uint64_t number = 0;  // of its fleet, never used again
    std::uint32_t version = 0;
    ReplicaState state = ReplicaState::kStarting;
    std::uint32_t seconds = 0;  // its term: then its job ends by itself
    Usd reserved;               // its job's budget
    Usd charged;                // so far
    JobId job_id;               // zero: it is not known yet whether it is ordered
    Address node;               // zero: none yet
    UnixMillis created_at{0};
    UnixMillis started_at{0};  // on its node; 0: not yet
    UnixMillis ready_at{0};    // for the first time; 0: never
    UnixMillis changed_at{0};  // when `state` began
    std::uint32_t misses = 0;  // probes without a good answer, since the last good one
    std::uint32_t active = 0;  // requests now; not kept

    bool is_live() const { return state <= ReplicaState::kUnwell; }
    bool operator==(const Replica&) const = default;
};

// What runs, and how one knows that it does.
struct FleetVersion {
    std::uint32_t number = 0;
    codec::Json job;    // body of POST /v1/jobs with one step, without what differs from replica to replica
    std::string group;  // of its step
    std::uint16_t port = 0;
    std::string readiness_path;  // empty: any answer will do
    std::uint32_t ready_seconds = 600;
    std::uint32_t replica_seconds = 86'400;
    Usd hourly_max;            // of one replica
    std::string openai_model;  // the name under which its server knows the model; empty: it has no such server

    // --- what became of it
    std::uint32_t failures = 0;  // since a replica of it was ready
    UnixMillis retry_at{0};
    std::string problem;  // of the last failure

    bool operator==(const FleetVersion&) const = default;
};

// May change without a new version.
struct FleetTerms {
    std::uint32_t replicas_min = 1;
    std::uint32_t replicas_max = 1;
    std::uint32_t requests_per_replica = 4;  // at a time, that one serves well
    bool is_by_delay = false;                // slow first bytes count as more demand
    std::uint32_t idle_seconds = 3600;       // without a request before the last replica goes, where the minimum is 0
    Usd budget;

    bool operator==(const FleetTerms&) const = default;
};

struct FleetEvent {
    UnixMillis at{0};
    std::string kind;  // stable: "created", "replica_started", "rolled_back", ...
    std::string text;

    bool operator==(const FleetEvent&) const = default;
};

struct Fleet {
    std::string id;    // "dep_" and 24 hex digits
    std::string name;  // [a-z0-9-]{1,48}, unique among its client's
    Hash owner;        // digest of the key that pays
    Address client;
    codec::Json request;  // as it was asked for, so that a part of it can be replaced
    FleetTerms terms;
    std::vector<FleetVersion> versions;  // the target, the stable one, and those that still have replicas
    std::uint32_t target = 0;
    std::uint32_t stable = 0;  // the last that worked; another than the target while that is rolled out
    bool is_enterprise = false;
    std::uint32_t availability_bp = 0;  // promised, of 10,000; 0: nothing is
    bool is_paused = false;
    bool is_removed = false;     // goes when its last replica has
    bool is_budget_out = false;  // nothing more can be started
    std::uint32_t wanted = 0;    // replicas, by the demand
    Usd spent;                   // for replicas that have ended
    std::uint64_t next_replica = 1;
    std::uint32_t next_version = 1;
    UnixMillis created_at{0};
    std::vector<Replica> replicas;
    std::uint64_t next_event = 1;
    std::vector<FleetEvent> news;  // not kept in the record: the store has them one by one

    const FleetVersion* version(std::uint32_t number) const;
    FleetVersion* version(std::uint32_t number);
    const Replica* replica(std::uint64_t number) const;
    Replica* replica(std::uint64_t number);
    // What its replicas may still cost, and what they have.
    Usd reserved() const;
    Usd charged() const;
    std::size_t count(ReplicaState state) const;
    bool is_rolling() const { return target != stable; }
    // How many replicas there should be.
    std::uint32_t desired() const;
    FleetState state() const;
};

// As the store has it; kCorrupt for anything else. News and active requests are left out.
std::string dump(const Fleet& fleet);
Result<Fleet> parse_fleet(std::string_view text);
std::string dump(const FleetEvent& event);
Result<FleetEvent> parse_fleet_event(std::string_view text);

}  // namespace vcity::gateway
