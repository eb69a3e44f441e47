// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>

#include "services/scheduler/calls/call.hpp"
#include "services/scheduler/context.hpp"
#include "services/scheduler/job_record.hpp"
#include "services/scheduler/switchboard.hpp"

namespace vcity::scheduler {

// A job between its admission and its delivery or failure. One task drives it (JobDriver); others only put messages
// into its inbox and set what they see of its node and its gateway, then wake it.
struct LiveJob {
    LiveJob(Runtime* runtime, JobOrder the_order) : order{std::move(the_order)}, wake{runtime} {}

    JobOrder order;
    JobRecord record;
    bool has_funds = false;  // the quote is reserved under record.cap_id
    TimePoint admitted_at;

    std::deque<Message> inbox;  // from the node that holds the lease
    std::size_t inbox_bytes = 0;
    Notifier wake;

    // --- the node, as far as the present lease goes
    SessionId granted_on = kNoSession;  // the session that has seen the lease or said that it still has it
    std::optional<TimePoint> node_gone_at;
    bool lease_lost = false;    // the node is back and knows nothing of the lease
    bool lease_written = true;  // false while the store has not confirmed it: nobody may hear of it yet
    TimePoint leased_at;
    Duration node_grace{};
    std::optional<Picked> picked;   // the choice behind the lease; none after a restart
    std::uint64_t promised_ms = 0;  // to the first token; zero: nothing
    std::optional<Duration> first_token_after;

    // --- a second lease, of which the first that brings a token stays
    struct Hedge {
        Lease lease;
        Picked picked;
        SessionId granted_on = kNoSession;
        TimePoint leased_at;
        bool is_over = false;  // to be taken back: its node has gone or failed, or the job was cancelled
    };
    std::optional<Hedge> hedge;
    bool was_hedged = false;

    // --- the gateway
    SessionId gateway = kNoSession;
    std::optional<TimePoint> gateway_gone_at;
    Duration gateway_grace{};
    std::optional<TimePoint> cancelled_at;
    Duration retry_after{};  // when the job is refused for want of room

    // --- what was streamed under the present lease
    JobOutput output;
    std::uint64_t output_bytes = 0;
    std::uint64_t output_tokens = 0;
};

// What a job may have waiting; a node that sends more is cut off. After a reconnect a node sends a whole output again
// at once, a token a message, perhaps while the job waits for the disk: both bounds are above the greatest output.
inline constexpr std::size_t kInboxMessagesMax = 40'000;
inline constexpr std::size_t kInboxBytesMax = 4U << 20U;

// All jobs in memory: the live ones and the delivered ones that have not settled. Settled, failed and rejected jobs are
// in the store only.
class JobBook {
  public:
    explicit JobBook(Context* context) : context_{context} {}

    LiveJob* find_live(const JobId& job_id);
    JobRecord* find_delivered(const JobId& job_id);
    LiveJob* add_live(JobOrder order);
    void remove_live(const JobId& job_id);
    void add_delivered(JobRecord record);
    void remove_delivered(const JobId& job_id) { delivered_.erase(job_id); }
    const std::map<JobId, std::unique_ptr<LiveJob>>& live() const { return live_; }
    const std::map<JobId, std::unique_ptr<JobRecord>>& delivered() const { return delivered_; }

    // The record of any job, from memory or the store; nullopt when unknown.
    Task<Result<std::optional<JobRecord>>> find_record(JobId job_id);
    Task<Result<std::optional<JobOrder>>> find_order(JobId job_id);
    Task<Result<std::optional<JobOutput>>> find_output(JobId job_id);

    // The first write of a job: with its order, marked as live.
    static void put_new(ports::StoreChange* change, const JobRecord& record, const JobOrder& order);
    static void put(ports::StoreChange* change, const JobRecord& record);
    // The last write: a terminal state; order and output go.
    static void put_terminal(ports::StoreChange* change, const JobRecord& record);

  private:
    Context* context_;
    std::map<JobId, std::unique_ptr<LiveJob>> live_;
    std::map<JobId, std::unique_ptr<JobRecord>> delivered_;
};

// CHECKs that the state machine allows the step, then takes it.
void advance(JobRecord* record, JobState next);

}  // namespace vcity::scheduler
