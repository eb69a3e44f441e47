// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "model/messages.hpp"

namespace vcity::scheduler {

enum class AuditState : std::uint8_t {
    kNotDrawn = 0,
    kPending = 1,
    kAccepted = 2,
    kRejected = 3,
    // The node had its chance and did not open what it committed to. It is not paid, but nothing is proved against it.
    kUndecided = 4,
    // No verifier could be had for a long time; the node cannot cause that, so it is paid.
    kWaived = 5,
    // A verifier signed that the node did not open in time. Not paid either.
    kNotOpened = 6,
};

// What the scheduler must not forget of a job, apart from the order itself and the output, which are kept beside it
// until the job has settled. Written before whatever it says is announced to anybody.
struct JobRecord {
    JobId job_id;
    Address client;
    CapId cap_id;
    Hash request_hash;
    Usd quote;
    UnixMillis deadline{0};
    std::string trace_id;
    JobState state = JobState::kQueued;
    Lease lease;  // the newest
    TokenPrices prices;
    Hash model_root;
    Hash monitor_key;  // that the node had announced; zero: none
    PlacementReason placement;
    std::vector<Address> excluded;  // nodes that failed this job
    SignedReceipt receipt;          // with both signatures, from kDelivered on
    FinishReason finish = FinishReason::kStop;
    AuditState audit = AuditState::kNotDrawn;
    SignedVerdict verdict;
    std::uint64_t batch_index = 0;  // from kBatched on
    Errc error_code = Errc::kInternal;
    std::string error;

    bool operator==(const JobRecord&) const = default;
};

Bytes encode(const JobRecord& record);
Result<JobRecord> parse_job_record(ByteView bytes);

// The output as it was streamed.
struct JobOutput {
    struct Piece {
        std::string text;
        std::uint32_t tokens = 0;
        bool operator==(const Piece&) const = default;
    };
    std::vector<Piece> pieces;

    std::string text() const;
    bool operator==(const JobOutput&) const = default;
};

Bytes encode(const JobOutput& output);
Result<JobOutput> parse_job_output(ByteView bytes);

// A cap and what batches have taken from it so far.
struct CapRecord {
    SignedCap cap;
    Usd charged;

    bool operator==(const CapRecord&) const = default;
};

Bytes encode(const CapRecord& record);
Result<CapRecord> parse_cap_record(ByteView bytes);

// Keys in the scheduler's store.
inline constexpr std::string_view kJobPrefix = "job/";      // JobRecord
inline constexpr std::string_view kLivePrefix = "live/";    // empty; present until the job is settled, failed, rejected
inline constexpr std::string_view kOrderPrefix = "order/";  // JobOrder, as long as live/
inline constexpr std::string_view kOutputPrefix = "output/";  // JobOutput, from delivery as long as live/
inline constexpr std::string_view kHedgePrefix = "hedge/";    // Lease, the second one of a job, while there are two
inline constexpr std::string_view kCapPrefix = "cap/";        // CapRecord
inline constexpr std::string_view kProbationPrefix = "probation/";  // of nodes that did not open a result
inline constexpr std::string_view kFlagPrefix = "flag/";            // nodes with a rejected result: the verdict
inline constexpr std::string_view kBatchPrefix = "batch/";          // Batch, by decimal index of 20 digits
inline constexpr std::string_view kBatchTxPrefix = "batchtx/";      // the transaction that posted it
inline constexpr std::string_view kFenceKey = "fence";              // no token at or above it has been granted
inline constexpr std::string_view kSettledKey = "settled";          // batches whose jobs are marked as settled

std::string job_key(std::string_view prefix, const JobId& job_id);
std::string cap_key(const CapId& cap_id);
std::string flag_key(const Address& node);
std::string probation_key(const Address& node);
std::string batch_key(std::string_view prefix, std::uint64_t index);

}  // namespace vcity::scheduler
