// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "services/gateway/deployments/fleet.hpp"

namespace vcity::gateway {

struct FleetTuning {
    std::uint32_t misses_max = 3;           // probes in a row before a ready replica is unwell
    std::chrono::seconds unwell_max{30};    // then another takes its place
    std::chrono::seconds drain_max{300};    // for what a replica has when it is to go
    std::chrono::seconds proven_after{60};  // a replica that is lost sooner counts as a failure of its version
    std::chrono::seconds retry_first{2};
    std::chrono::seconds retry_most{300};
    std::uint32_t rollout_failures = 2;  // then the version before comes back
    std::uint32_t term_least = 120;      // seconds: a shorter one is not worth starting
};

// What is heard of a replica's job.
struct ReplicaReport {
    bool has_ended = false;
    Usd charged;
    Address node;
    UnixMillis started_at{0};  // 0: not yet
    std::string reason;        // why it ended
};

// A deployment's rules, pure. Every function changes the fleet and adds to its news; whoever owns it stores both and
// then does what follows: orders the job of each replica without one, cancels those of stopping ones, probes the rest.
//
//   starting ──good probe──▶ ready ◀──probes──▶ unwell        any ──job ended──▶ gone, its charge is booked
//      └────too late────▶ stopping ◀──idle or late── draining ◀── not wanted any more
//
// Holds always: spent + reserved <= budget (a replica is reserved for before it is ordered, and its job never costs
// more); at most one replica more than wanted is started; a ready replica is let go only when as many as wanted are
// ready without it. A new version is started one replica at a time; when two of its replicas in a row do not become
// ready the version before comes back.
class FleetMachine {
  public:
    explicit FleetMachine(const FleetTuning& tuning = {}) : tuning_{tuning} {}

    // What follows from how things stand now; call it after every change and now and then.
    void reconcile(Fleet* fleet, UnixMillis now) const;

    // --- from its owner. version: its number is given here.
    void deploy(Fleet* fleet, FleetVersion version, UnixMillis now) const;
    void set_paused(Fleet* fleet, bool is_paused, UnixMillis now) const;
    void remove(Fleet* fleet, UnixMillis now) const;
    void set_terms(Fleet* fleet, const FleetTerms& terms, UnixMillis now) const;
    // By the demand; reason is one sentence.
    void set_wanted(Fleet* fleet, std::uint32_t wanted, std::string_view reason, UnixMillis now) const;

    // --- of its replicas; unknown numbers are ignored
    void on_ordered(Fleet* fleet, std::uint64_t number, const JobId& job_id) const;
    void on_refused(Fleet* fleet, std::uint64_t number, std::string_view reason, UnixMillis now) const;
    void on_report(Fleet* fleet, std::uint64_t number, const ReplicaReport& report, UnixMillis now) const;
    void on_probe(Fleet* fleet, std::uint64_t number, bool is_good, UnixMillis now) const;
    // A request did not reach it: it gets nothing until a probe is good.
    void on_broken(Fleet* fleet, std::uint64_t number, UnixMillis now) const;

    // Whether its term is so near its end that another is to take its place.
    static bool is_expiring(const Fleet& fleet, const Replica& replica, UnixMillis now);

  private:
    struct Census;

    void stop_hopeless(Fleet* fleet, UnixMillis now) const;
    void roll_back(Fleet* fleet, UnixMillis now) const;
    void start_missing(Fleet* fleet, std::uint32_t wanted, UnixMillis now) const;
    void let_go(Fleet* fleet, std::uint32_t wanted, UnixMillis now) const;
    void let_extras_go(Fleet* fleet, std::uint32_t wanted, UnixMillis now) const;
    void finish_rollout(Fleet* fleet, std::uint32_t wanted, UnixMillis now) const;
    bool start(Fleet* fleet, std::uint32_t version, UnixMillis now) const;
    void fail(Fleet* fleet, const Replica& replica, std::string_view reason, UnixMillis now) const;

    FleetTuning tuning_;
};

}  // namespace vcity::gateway
