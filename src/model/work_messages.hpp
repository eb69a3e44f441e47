// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "model/work.hpp"

namespace vcity {

// node -> scheduler; repeated until acknowledged. The receipt that the node signed, without what the scheduler knows
// from its own lease: client, scheduler, quote, model root and request hash. receipt_hash is that of the whole.
struct JobFinished {
    Hash receipt_hash;
    JobId job_id;
    Address node;
    std::uint64_t fencing_token = 0;
    TokenUsage units;
    Usd amount;
    Hash response_hash;
    Hash verification_root;
    UnixMillis started_at{0};
    UnixMillis finished_at{0};
    Signature node_signature;
    FinishReason reason = FinishReason::kStop;
    bool operator==(const JobFinished&) const = default;
};

// --- work on units: compute node <-> scheduler. A lease is refused, cancelled, failed and acknowledged with the
// messages of model calls; its job id is that of the step.
struct StepGrant {
    Lease lease;
    Address client;
    std::uint32_t unit = 0;      // number of the node's unit
    std::uint32_t gpu_mask = 0;  // bit i: GPU i of the unit
    StepWork work;
    Usd hourly;  // for this step, all its GPUs or cores together
    Usd quote;   // the most that its receipt may say
    std::string trace_id;
    bool operator==(const StepGrant&) const = default;
};
struct StepStarted {  // node -> scheduler
    JobId step_id;
    std::uint64_t fencing_token = 0;
    UnixMillis at{0};
    bool operator==(const StepStarted&) const = default;
};
inline constexpr std::size_t kStepOutputBytesMax = 64U << 10U;  // in one message
struct StepOutput {  // node -> scheduler: standard output, in order and without gaps
    JobId step_id;
    std::uint64_t fencing_token = 0;
    std::uint64_t offset = 0;
    Bytes bytes;
    bool operator==(const StepOutput&) const = default;
};
struct StepCheckpoint {  // node -> scheduler: all files of the newest checkpoint; they are in the job's space already
    JobId step_id;
    std::uint64_t fencing_token = 0;
    std::uint32_t sequence = 0;  // grows with every checkpoint of the attempt, from 1
    std::vector<StepFile> files;
    bool operator==(const StepCheckpoint&) const = default;
};
inline constexpr std::size_t kStepInputsMax = 4096;  // files that one step gets
inline constexpr std::size_t kStepFilesMax = 128;    // of one result or checkpoint
// Exit codes of commands that the node ended, as shells and timeout(1) give them.
inline constexpr std::int32_t kFilesExit = 74;  // EX_IOERR of sysexits.h: what it left cannot be kept
inline constexpr std::int32_t kTimeLimitExit = 124;
inline constexpr std::int32_t kCancelledExit = 137;    // 128 + SIGKILL
inline constexpr std::int32_t kOutputLimitExit = 153;  // 128 + SIGXFSZ
// node -> scheduler, repeated until acknowledged. An exit code other than 0 is a result too, also when the node ended
// the command: the time was used.
struct StepFinished {
    JobFinished finished;
    std::int32_t exit_code = 0;
    std::uint64_t output_bytes = 0;  // sent before
    std::vector<StepFile> files{};   // kept; the receipt's response hash covers them, see work/plan.hpp
    bool operator==(const StepFinished&) const = default;
};

// --- work on units: gateway <-> scheduler. Refusals are JobFailed.
struct WorkQuoteRequest {  // nothing is ordered, no money moves
    WorkOrder order;
    bool operator==(const WorkQuoteRequest&) const = default;
};
struct WorkQuote {
    JobId job_id;
    std::uint64_t quote_id = 0;
    Usd most;    // what the order can cost at these prices, every step run to its limit
    Usd hourly;  // while all steps that can run together do
    UnixMillis until{0};
    std::vector<StepStatus> steps;  // where each would go now
    std::string text;
    bool operator==(const WorkQuote&) const = default;
};
struct WorkSubmit {
    WorkOrder order;
    bool operator==(const WorkSubmit&) const = default;
};
struct WorkAccepted {  // it is durable, with the leases of the steps that found a unit at once
    JobId job_id;
    Usd reserved;
    std::vector<StepStatus> steps;
    bool operator==(const WorkAccepted&) const = default;
};
struct WorkCancel {
    JobId job_id;
    Address client;
    bool operator==(const WorkCancel&) const = default;
};
struct WorkStatusRequest {
    JobId job_id;
    Address client;
    bool with_history = false;
    bool operator==(const WorkStatusRequest&) const = default;
};
struct WorkStatusReply {
    JobId job_id;
    bool known = false;  // to this client
    WorkState state = WorkState::kActive;
    std::string name;
    Usd budget;
    Usd charged;
    UnixMillis submitted_at{0};
    UnixMillis ended_at{0};
    std::vector<StepStatus> steps;
    std::vector<WorkEventLine> history;
    std::string error;
    bool operator==(const WorkStatusReply&) const = default;
};
struct WorkOutputRequest {
    JobId job_id;
    Address client;
    JobId step_id;
    std::uint64_t offset = 0;
    bool operator==(const WorkOutputRequest&) const = default;
};
struct WorkOutputReply {
    JobId job_id;
    JobId step_id;
    bool known = false;
    std::uint64_t offset = 0;
    Bytes bytes;
    bool is_end = false;  // nothing more will come
    bool operator==(const WorkOutputReply&) const = default;
};
struct UnitsRequest {
    bool operator==(const UnitsRequest&) const = default;
};
struct UnitsReply {  // units on offer now
    struct Entry {
        Address node;
        UnitOffer offer;
        NodeKind kind = NodeKind::kFlexible;
        std::string region;
        std::uint32_t gpus_free = 0;
        std::uint32_t cpu_milli_free = 0;
        std::uint32_t reputation_bp = 0;
        std::uint32_t level = 0;
        std::uint64_t stake_vcai = 0;
        bool operator==(const Entry&) const = default;
    };
    std::vector<Entry> entries;  // at most 4,096, the cheapest
    bool operator==(const UnitsReply&) const = default;
};

}  // namespace vcity
