// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <unordered_map>
#include <vector>

#include "services/scheduler/caps.hpp"
#include "services/scheduler/directory.hpp"
#include "services/scheduler/job_book.hpp"
#include "services/scheduler/token_source.hpp"
#include "services/scheduler/work/quotes.hpp"
#include "services/scheduler/work/spot.hpp"
#include "services/scheduler/work/unit_directory.hpp"
#include "services/scheduler/work/work_store.hpp"
#include "work/job.hpp"

namespace vcity::scheduler {

// Where a step runs that its customer wants to reach.
struct ReachableStep {
    JobId attempt;
    std::uint64_t fencing_token = 0;
    Address node;
    std::vector<StepPort> ports;  // that it declares
};

// Work on execution units, from the order to the last receipt. A job is what work::Job makes of its events; this desk
// finds units, writes events before it announces what follows from them, follows the attempts on their nodes, checks
// and countersigns their receipts and hands them to the settler.
//
// One write at a time for each job: what happens while it is on its way goes into the next one. A node that goes away
// has a grace; an attempt that it does not know any more, or that outlives its lease, has failed by the node's fault.
class WorkDesk {
  public:
    struct Parts {
        Context* context = nullptr;
        Switchboard* switchboard = nullptr;
        Directory* directory = nullptr;
        CapLedger* caps = nullptr;
        JobBook* book = nullptr;
        TokenSource* tokens = nullptr;
        std::function<void()> on_delivered;  // a receipt waits for its batch
    };

    explicit WorkDesk(Parts parts) : parts_{std::move(parts)}, context_{parts_.context}, woken_{context_->runtime()} {}

    // Reads the live jobs back from the store.
    Task<Result<void>> recover();
    // Timers and waiting steps, until the context stops.
    Task<void> run();
    void wake() { woken_.notify(); }

    // --- from gateways; none of these wait
    void on_submit(SessionId gateway, WorkOrder order);
    void on_quote(SessionId gateway, const WorkOrder& order);
    void on_cancel(SessionId gateway, const WorkCancel& cancel);
    void on_status(SessionId gateway, const WorkStatusRequest& request);
    void on_output(SessionId gateway, const WorkOutputRequest& request);
    void on_units(SessionId gateway) { parts_.switchboard->post(gateway, units_.offers()); }

    // --- from nodes; none of these wait. An attempt's id is that of its lease.
    bool owns(const JobId& attempt) const { return attempts_.contains(attempt) || leaving_.contains(attempt); }
    // Returns the leases that are not of this desk.
    std::vector<Lease> on_node_ready(const Address& node, SessionId session, const std::vector<Lease>& active);
    // heard: when the node was heard last.
    void on_node_gone(const Address& node, SessionId session, TimePoint heard);
    void on_refused(const Address& node, const LeaseRefused& refused);
    void on_failed(const Address& node, const NodeFailedJob& failed);
    void on_started(const Address& node, const StepStarted& started);
    void on_output(const Address& node, StepOutput output);
    void on_checkpoint(const Address& node, StepCheckpoint checkpoint);
    // False: nobody waits for this result.
    bool on_finished(const Address& node, const StepFinished& finished);

    // Of a running step of a live job. kNotFound: this client has no such step; kUnavailable: it does not run now.
    Result<ReachableStep> reach(const JobId& job_id,
                                const Address& client,
                                std::string_view group,
                                std::uint32_t index) const;

    UnitDirectory& units() { return units_; }
    std::size_t live_jobs() const { return jobs_.size(); }
    std::size_t unit_count() const { return units_.size(); }
    std::size_t live_attempts() const { return attempts_.size(); }

  private:
    static constexpr std::size_t kTokensLow = 50'000;

    struct Outgoing {
        SessionId session = kNoSession;
        Message message;
    };
    // Waits for what is known to be written.
    struct Asker {
        SessionId gateway = kNoSession;
        bool is_submitting = false;  // wants to hear that the job is accepted
    };
    struct Stopping {
        WorkState state = WorkState::kCancelled;
        TimePoint until;  // nodes may still say what ran
        std::string reason;
    };
    struct LiveWork {
        LiveWork(work::Job the_job, const CapId& cap) : job{std::move(the_job)}, cap_id{cap} {}

        work::Job job;
        CapId cap_id;
        std::vector<std::optional<Hash>> inputs;  // by group: the hash of its files
        // --- since the last write
        work::Effects effects;
        ports::StoreChange change;
        std::vector<JobId> granted;  // attempts whose leases are in the effects
        std::vector<JobRecord> delivered;
        std::vector<Outgoing> outbox;
        std::vector<Asker> askers;
        // --- of the store
        std::uint32_t written = 0;  // events
        bool is_writing = false;
        bool is_waiting = false;  // in waiting_
        std::optional<Stopping> stopping;
        std::optional<JobId> heir;  // the order that gets what this job holds
    };
    // Why an attempt was told to end before its time, and is paid for what it did.
    enum class Ending : std::uint8_t {
        kGivesWay,   // to work that pays more: up to its checkpoint
        kLosesRace,  // against the other copy of its step
    };
    struct EarlyEnd {
        Ending ending = Ending::kGivesWay;
        std::string reason;
        TimePoint until;  // nobody waits for it longer
        // The result of the faster copy, which counts once this one has ended.
        std::optional<std::pair<Address, StepFinished>> winner;
    };
    struct Running {
        JobId job;
        std::uint32_t step = 0;
        work::LeaseTerms terms;
        Hash request_hash;
        std::string output;
        bool is_granted = false;  // its lease is in the store
        bool is_adopted = false;  // from before a restart, and its node has not been heard of
        SessionId granted_on = kNoSession;
        std::optional<TimePoint> gone_at;
        std::optional<TimePoint> heard_at;  // before it went
        TimePoint leased_at;
        TimePoint expires;
        std::optional<EarlyEnd> early_end;
    };
    struct Leaving {  // told to stop; its unit is taken until it has
        std::uint64_t token = 0;
        Address node;
        TimePoint until;
        std::optional<JobId> heir;  // the order that looks at it first
    };

    // An order that is being looked at. It may come again meanwhile.
    struct Admission {
        SessionId gateway = kNoSession;  // the last that asked
        WorkOrder order;
    };

    // --- orders (work_desk.cpp)
    Task<void> submit(JobId job_id);
    Task<Result<void>> admit(WorkOrder order);
    Result<void> check_order(const WorkOrder& order) const;
    Result<void> check_places(const WorkOrder& order);
    Result<WorkQuote> quote(const WorkOrder& order);
    Task<void> answer_status(SessionId gateway, WorkStatusRequest request);
    Task<void> answer_output(SessionId gateway, WorkOutputRequest request);
    Task<Result<WorkAccepted>> acceptance_of(WorkOrder order);
    void refuse(SessionId gateway, const JobId& job_id, const Error& error);
    void meet(SessionId gateway, LiveWork* known, const WorkOrder& order);
    void ask(LiveWork* work, Asker asker);
    // What the askers want to know, as the job stands.
    std::vector<Outgoing> answers(LiveWork* work) const;
    void explain_waiting(const LiveWork& work, std::vector<StepStatus>* steps) const;

    // --- placing and writing (work_writes.cpp)
    LiveWork* find(const JobId& job_id);
    void place_ready(LiveWork* work);
    // Whether all that could be leased now is.
    bool place_step(LiveWork* work, std::uint32_t step);
    bool buy_step(LiveWork* work, std::uint32_t step);  // on demand
    bool place_gang(LiveWork* work, std::uint32_t first);
    std::optional<std::uint64_t> take_tokens(std::size_t count);
    std::optional<work::LeaseTerms> terms_for(LiveWork* work, std::uint32_t step, const UnitSeat& seat);
    void begin(LiveWork* work, std::uint32_t step, std::uint64_t token);
    void place_waiting();
    // --- who may be beside whom (work_neighbours.cpp)
    // Nodes that the step must not go to: those that failed it, and those where exclusive work would have company.
    std::vector<Address> avoided(const work::Job& job, std::uint32_t step) const;
    // Nodes of owners that have a step of this client with this label.
    std::vector<Address> spread_over(const work::Job& job) const;
    // Regions that will do, each list with those before it: first where fewest steps of this client and label are.
    std::vector<std::vector<std::string>> regions_by_mates(const work::Job& job) const;
    // At an owner and in a region where its label has fewest, else anywhere.
    Result<std::optional<UnitSeat>> place_spread(const work::Job& job, const UnitQuery& query, std::uint64_t token);
    // With the most that an hour may cost by the customer and by the quote.
    UnitQuery query_for(const work::Job& job, std::uint32_t step, std::span<const Address> avoid) const;
    // What became of placing it: false as place_step.
    bool lease_seat(LiveWork* work, std::uint32_t step, std::uint64_t token, std::optional<work::LeaseTerms> terms);
    void settle_effects(LiveWork* work);
    void save(LiveWork* work);
    Task<void> write(JobId job_id);
    Task<void> abandon(JobId job_id);
    ports::StoreChange take_change(LiveWork* work);
    void announce(LiveWork* work, const std::vector<JobId>& granted, std::vector<JobRecord> delivered);
    void grant(LiveWork* work, const JobId& attempt);
    void retire(LiveWork* work);
    Hash inputs_hash(LiveWork* work, std::uint32_t group);

    // --- reservations (work_reservations.cpp)
    static constexpr std::string_view kHandedOver = "its units went to the order that they were held for";
    LiveWork* reservation_of(const WorkOrder& order);
    Result<std::vector<Usd>> reserved_prices(const WorkOrder& order);
    void take_reservation(LiveWork* work);
    void place_heir(const std::optional<JobId>& heir);

    // --- best effort (work_spot.cpp)
    bool is_spot(const work::Job& job, std::uint32_t step) const;
    // Once in a while: everybody bids, winners get their units, who was outbid stops.
    void spot_round();
    void bid_for(LiveWork* work, std::vector<SpotBidder>* bidders);
    void take_award(const SpotAward& award);
    // Work that pays more finds no unit: stops one attempt at the spot price, if that helps.
    void make_room(const UnitQuery& query);
    void preempt(const JobId& attempt, std::string reason);

    // --- attempts that end early (work_early_ends.cpp)
    bool can_end_early(const Running& running) const;
    void end_early(const JobId& attempt, EarlyEnd end);
    // Whether something is owed for what it did until it was told to end.
    static Result<SignedReceipt> check_early_end(const LiveWork& work,
                                                 const Running& running,
                                                 const StepFinished& finished,
                                                 SignedReceipt receipt);
    // The slower copy of the step stops first. False: there is none that could be told.
    bool holds_back(const LiveWork& work, const Address& node, const StepFinished& finished);
    void count_winners();

    // --- attempts (work_attempts.cpp)
    Running* running_of(const Address& node, const JobId& attempt, std::uint64_t token);
    void fail(const JobId& attempt, work::Fault fault, Errc code, std::string reason);
    void forget(const JobId& attempt);
    void release_leaving(const JobId& attempt);
    Result<void> check_giving_way(const LiveWork& work, const Running& running, const UsageReceipt& bill) const;
    Result<SignedReceipt> check_receipt(const LiveWork& work,
                                        const Running& running,
                                        const StepFinished& finished) const;
    void note(const Address& node, const market::Delivery& delivery);
    void deliver(LiveWork* work, const JobId& attempt, SignedReceipt receipt, const StepFinished& finished);
    // One for each attempt or job: the earliest that was set.
    void set_timer(TimePoint at, const JobId& id);
    void drop_timer(const JobId& id);
    void on_timer(const JobId& id);
    void check_attempt(const JobId& attempt);
    void check_job(LiveWork* work);
    void wind_up(LiveWork* work, WorkState state, std::string reason);
    void end_if_wound_up(LiveWork* work);
    void watch_stragglers(const LiveWork* work);
    // Tells the node to stop what the scheduler has given up; the unit stays taken until then or until that time.
    void leave_running(LiveWork* work, const JobId& attempt, TimePoint until);
    TimePoint mono_of(UnixMillis at) const;
    // --- reach (work_reach.cpp)
    // The node is back with this attempt: what it was away for counts, and the node hears of it.
    void end_outage(const JobId& attempt, SessionId session);
    Duration grace_of(const Running& running) const;
    // The longest time that a receipt of the attempt may say.
    Duration billable(const LiveWork& work, const Running& running) const;

    Parts parts_;
    Context* context_;
    Notifier woken_;
    UnitDirectory units_;
    std::unordered_map<JobId, std::unique_ptr<LiveWork>> jobs_;
    std::unordered_map<JobId, Running> attempts_;
    std::unordered_map<JobId, Leaving> leaving_;
    std::map<Address, std::set<JobId>> by_node_;
    std::set<JobId> settling_;  // delivered attempts whose results are being written
    std::set<std::pair<TimePoint, JobId>> timers_;
    std::unordered_map<JobId, TimePoint> due_;  // the same by attempt or job
    std::deque<JobId> waiting_;                 // jobs with steps that wait for a unit
    std::size_t to_try_ = 0;                    // so many of them since something has changed
    bool is_short_of_tokens_ = false;
    std::uint64_t seen_generation_ = 0;
    TimePoint next_try_;
    Quotes quotes_{&units_};
    SpotMarket spot_{&units_};
    std::set<JobId> spot_attempts_;
    std::deque<std::pair<Address, StepFinished>> winners_;  // whose slower copy has ended
    std::set<JobId> exclusive_;                             // attempts that want no company
    TimePoint next_round_;
    std::map<JobId, Admission> admissions_;
    std::size_t queries_ = 0;
    TimePoint started_at_;
};

}  // namespace vcity::scheduler
