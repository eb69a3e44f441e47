// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "model/messages.hpp"

namespace vcity::node {

// What a node must not forget of a lease: that it took it (so that it can say, after a crash, that it failed), and the
// result with its receipt until the scheduler has acknowledged it.
struct LeaseRecord {
    Lease lease;
    bool is_finished = false;
    // The rest only when finished.
    FinishedWork finished;
    std::vector<TokenChunk> chunks;

    bool operator==(const LeaseRecord&) const = default;
};

Bytes encode(const LeaseRecord& record);
Result<LeaseRecord> parse_lease_record(ByteView bytes);

// As it is sent to the scheduler.
JobFinished message_of(const FinishedWork& work);

// Keys in the node's store.
inline constexpr std::string_view kLeasePrefix = "lease/";      // LeaseRecord
inline constexpr std::string_view kReceiptPrefix = "receipt/";  // SignedReceipt with both signatures
std::string lease_key(const JobId& job_id);
std::string receipt_key(const JobId& job_id);

}  // namespace vcity::node
