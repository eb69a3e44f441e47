// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "work/event.hpp"

// A job on units as its scheduler knows it.
namespace vcity::work {

// A node's fault costs the customer no retry, but a step that breaks every node it meets must end: so many of them, and
// so many times of giving way, per step or gang.
inline constexpr std::uint32_t kNodeFaultsMax = 8;
inline constexpr std::uint32_t kPreemptionsMax = 64;
// A node that failed a step is not asked again for so long: it may be the only one that would do.
inline constexpr UnixMillis kAvoidFor{60'000};
// An attempt is a straggler when so many steps of its group are done and it runs for more than twice their median.
inline constexpr std::size_t kStragglerSample = 3;
inline constexpr std::uint32_t kStragglerRatio = 2;

// A lease that has not ended.
struct Attempt {
    LeaseTerms terms;
    UnixMillis leased_at{0};
    UnixMillis started_at{0};   // 0: the node has not said so
    bool is_copy = false;       // the second of its step
    std::uint64_t away_ms = 0;  // for so long it could not be reached

    bool operator==(const Attempt&) const = default;
};

// What a command brought about. Write `events` in one commit first; then take the units of `ended` back and tell the
// nodes of `stopped` to stop.
struct Effects {
    std::vector<Event> events;
    std::vector<Attempt> ended;    // by this command itself: delivered or failed
    std::vector<Attempt> stopped;  // as a consequence: the other copy, the rest of the gang, everything after a cancel

    void clear();
};

enum class Affordable : std::uint8_t {
    kNow,
    kLater,  // when live attempts have cost less than their quotes
    kNever,
};

// Event-sourced: commands check, change the job and append the events that make the same change in another copy of it.
// A command that is refused changes nothing. Pure, deterministic; one owner. Steps are numbered over all groups; a gang
// is named by its first step wherever one step stands for it.
//
// Invariants: charged() + the quotes of all live attempts <= budget; a step has at most one counted result; a gang is
// leased as a whole or not at all; a terminal job has no live attempt.
class Job {
  public:
    struct Step {
        JobId id;
        std::uint32_t group = 0;
        std::uint32_t index = 0;  // in the group
        StepState state = StepState::kWaiting;
        std::uint32_t attempts = 0;  // leases so far
        std::uint8_t live = 0;       // of these
        std::uint32_t failures = 0;  // the customer's; of a gang: at its first step, as the next two
        std::uint32_t node_faults = 0;
        std::uint32_t preemptions = 0;
        bool is_hopeless = false;         // what it was given is wrong; likewise at the first step of a gang
        std::uint64_t fencing_token = 0;  // of the newest attempt; of the counted result when done
        Address node;                     // likewise, as the next two
        std::uint32_t unit = 0;
        Usd hourly;
        Usd charged;  // all attempts
        UnixMillis started_at{0};
        UnixMillis ended_at{0};
        std::int32_t exit_code = 0;
        std::uint64_t output_bytes = 0;
        Hash receipt_hash;                   // of the newest delivery
        std::vector<StepFile> files;         // likewise
        std::vector<StepFile> checkpoint;    // that the next attempt begins with
        std::uint64_t checkpoint_token = 0;  // of the attempt that made it
        std::uint32_t checkpoint_sequence = 0;
        UnixMillis checkpoint_at{0};
        std::string reason;

        bool operator==(const Step&) const = default;
    };

    // A new job; appends its first event. `hourly_max`: by group, what a quote has promised for one step; may be empty.
    // kInvalid: see check(WorkOrder), or another number of promises than groups.
    static Result<Job> submit(WorkOrder order, UnixMillis now, Effects* effects, std::vector<Usd> hourly_max = {});
    // From all its events. kCorrupt: none, or one that does not fit.
    static Result<Job> replay(std::span<const Event> events);
    // One more of them. kCorrupt, and the job is as before, when it does not follow from what the job is.
    Result<void> apply(const Event& event);

    // --- what may be done now
    // Steps and gangs (by their first step) that wait for a unit: training first, then in the order of the spec. Valid
    // until the next command.
    std::span<const std::uint32_t> runnable() const { return ready_; }
    // Steps that should get a second copy: all of critical, speculative groups once nothing else waits for a unit, and
    // stragglers. Lease them like others.
    std::vector<std::uint32_t> stragglers(UnixMillis now) const;
    // Of one lease, or of a gang's leases together.
    Affordable afford(Usd quote) const;
    // Nodes that failed this step or gang during the last kAvoidFor, the newest first, at most 8; with the nodes of its
    // live attempts.
    std::vector<Address> avoid(std::uint32_t step, UnixMillis now) const;

    // --- commands. `terms.attempt` is set by the job; fencing tokens
    // grow from lease to lease. kConflict: the state is not such that this can happen, e.g. a
    // late message of an attempt that has ended; kExhausted: not affordable before others end; kDenied: never,
    // an hour costs more than hourly_max(), or the steps it takes from left more files than a step can have.
    Result<void> lease(LeaseTerms terms, UnixMillis now, Effects* effects);
    Result<void> lease_gang(std::vector<LeaseTerms> members, UnixMillis now, Effects* effects);
    Result<void> start(std::uint32_t step, std::uint64_t fencing_token, UnixMillis now, Effects* effects);
    // Also kInvalid: the amount is above the attempt's quote.
    Result<void> finish(const Finished& finished, UnixMillis now, Effects* effects);
    Result<void> fail(AttemptFailed failed, UnixMillis now, Effects* effects);
    // A checkpoint of a live attempt. kConflict also when it is not newer than the one there is.
    Result<void> checkpoint(Checkpointed checkpointed, UnixMillis now, Effects* effects);
    // A live attempt's node has been away for so long in all. kConflict also when it was more before.
    Result<void> note_away(Unreachable away, UnixMillis now, Effects* effects);
    // A step or gang that waits: no unit will ever do, or the money is out.
    Result<void> give_up(std::uint32_t step, Errc code, std::string reason, UnixMillis now, Effects* effects);
    Result<void> cancel(std::string reason, UnixMillis now, Effects* effects);
    // Ends as failed, e.g. at its deadline.
    Result<void> expire(std::string reason, UnixMillis now, Effects* effects);

    // --- what it is
    const WorkOrder& order() const { return *order_; }
    const WorkSpec& spec() const { return order_->spec; }
    WorkState state() const { return state_; }
    bool is_terminal() const { return state_ != WorkState::kActive; }
    const std::string& error() const { return error_; }  // why it failed or was cancelled
    Errc error_code() const { return error_code_; }
    UnixMillis submitted_at() const { return submitted_at_; }
    UnixMillis ended_at() const { return ended_at_; }
    // The most that an hour of one step of the group may cost: the spec's maximum and the quote's promise. Nullopt:
    // any.
    std::optional<Usd> hourly_max(std::uint32_t group) const;
    Usd charged() const { return charged_; }
    Usd quoted_live() const { return quoted_live_; }
    std::uint32_t events() const { return events_; }  // applied so far: the next one's number in the store

    std::span<const Step> steps() const { return steps_; }
    std::span<const Attempt> live() const { return live_; }
    // Null when it has ended or never was.
    const Attempt* find_live(std::uint32_t step, std::uint64_t fencing_token) const;
    const StepGroup& group_of(std::uint32_t step) const { return spec().groups[steps_[step].group]; }
    bool is_gang(std::uint32_t step) const { return group_of(step).is_gang; }
    std::uint32_t first_of_group(std::uint32_t step) const { return groups_[steps_[step].group].first; }
    std::string name_of(std::uint32_t step) const;  // "frames[3]", or "frames" when it is alone
    // What an attempt at the step would run now: with the files of the groups it takes from, and the newest checkpoint.
    StepWork work_of(std::uint32_t step) const;
    StepStatus status(std::uint32_t step) const;
    std::vector<StepStatus> statuses() const;  // with the files of its first steps, at most 4,096

    bool operator==(const Job& other) const;

  private:
    struct Group {
        std::uint32_t first = 0;
        std::uint32_t undone = 0;           // steps that are not kDone
        std::uint32_t needs_open = 0;       // groups it still waits for
        bool is_dead = false;               // cannot succeed any more
        std::vector<std::uint64_t> run_ms;  // of its done steps, ascending; only where copies may be asked for

        bool operator==(const Group&) const = default;
    };
    struct Failure {
        std::uint32_t step = 0;  // of a gang its first
        Address node;
        UnixMillis at{0};

        bool operator==(const Failure&) const = default;
    };

    Job() = default;
    Result<void> commit(Event event, Effects* effects);
    Result<void> check(const Change& change) const;
    Result<void> check_step(std::uint32_t step) const;
    Result<void> check_live(std::uint32_t step, std::uint64_t fencing_token) const;
    Result<void> check_terms(const LeaseTerms& terms, std::uint64_t token_before) const;
    Result<void> check_hourly(const LeaseTerms& terms) const;
    Result<void> check_money(Usd quote) const;
    Result<void> check_inputs(std::uint32_t step) const;
    // Calls visit(step) for every step whose files the group takes.
    template <class Visit>
    void for_each_taken(const StepGroup& group, Visit visit) const;
    static Result<void> check_change(const Submitted&) { return {}; }
    Result<void> check_change(const Leased& change) const;
    Result<void> check_change(const GangLeased& change) const;
    Result<void> check_change(const Started& change) const;
    Result<void> check_change(const Finished& change) const;
    Result<void> check_change(const AttemptFailed& change) const;
    Result<void> check_change(const GivenUp& change) const;
    Result<void> check_change(const Checkpointed& change) const;
    Result<void> check_change(const Unreachable& change) const;
    static Result<void> check_change(const Stopped& change);

    void take(const Event& event, Effects* effects);
    void take_change(const Submitted& change, UnixMillis at, Effects* effects);
    void take_change(const Leased& change, UnixMillis at, Effects* effects);
    void take_change(const GangLeased& change, UnixMillis at, Effects* effects);
    void take_change(const Started& change, UnixMillis at, Effects* effects);
    void take_change(const Finished& change, UnixMillis at, Effects* effects);
    void take_change(const AttemptFailed& change, UnixMillis at, Effects* effects);
    void take_change(const GivenUp& change, UnixMillis at, Effects* effects);
    void take_change(const Stopped& change, UnixMillis at, Effects* effects);
    void take_change(const Checkpointed& change, UnixMillis at, Effects* effects);
    void take_change(const Unreachable& change, UnixMillis at, Effects* effects);
    void take_failure(const Finished& change, const Attempt& attempt, UnixMillis at, Effects* effects);

    std::uint32_t leader_of(std::uint32_t step) const { return is_gang(step) ? first_of_group(step) : step; }
    bool is_exhausted(std::uint32_t step) const;
    bool may_copy(std::uint32_t step) const;
    void begin_attempt(const LeaseTerms& terms, UnixMillis at);
    Attempt end_attempt(std::uint32_t step, std::uint64_t fencing_token);
    void stop_step(std::uint32_t step, Effects* effects);
    void show(const Attempt& attempt);
    void after_failure(std::uint32_t step, UnixMillis at, Effects* effects);
    void restart_gang(std::uint32_t step, UnixMillis at, Effects* effects);
    void queue(std::uint32_t step);
    void unqueue(std::uint32_t step);
    void open_group(std::uint32_t number);
    void complete_group(std::uint32_t number);
    void close_step(Step* step, StepState state, const std::string& reason, UnixMillis at);
    void fail_step(std::uint32_t step, const std::string& reason, UnixMillis at);
    void kill_dependants(std::uint32_t number, UnixMillis at);
    void end_if_over(UnixMillis at);

    std::shared_ptr<const WorkOrder> order_;
    std::vector<Usd> promised_;  // by group; empty: nothing
    std::vector<Group> groups_;
    std::vector<Step> steps_;
    std::vector<std::uint32_t> ready_;
    std::vector<Attempt> live_;      // by age
    std::vector<Failure> failures_;  // by age
    WorkState state_ = WorkState::kActive;
    Errc error_code_ = Errc::kInternal;
    Errc last_code_ = Errc::kInvalid;  // of the newest attempt that failed
    std::string error_;
    UnixMillis submitted_at_{0};
    UnixMillis ended_at_{0};
    Usd charged_;
    Usd quoted_live_;
    std::uint64_t last_token_ = 0;
    std::uint32_t events_ = 0;
    std::uint32_t open_steps_ = 0;  // that may still change
};

// For people: what happened, with the step's name. `job` has taken the event.
WorkEventLine line_of(const Event& event, const Job& job);

}  // namespace vcity::work
