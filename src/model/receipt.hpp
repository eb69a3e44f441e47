// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/amount.hpp"
#include "base/bytes.hpp"
#include "base/time.hpp"
#include "model/request.hpp"

namespace vcity {

// A client's signed permission: this scheduler may charge up to this limit. EIP-712, domain "Vcity Escrow".
struct SpendingCap {
    Address client;
    Address scheduler;
    Usd limit;
    std::uint64_t expiry_unix_seconds = 0;
    std::uint64_t nonce = 0;

    bool operator==(const SpendingCap&) const = default;
};
struct SignedCap {
    SpendingCap cap;
    Signature signature;

    bool operator==(const SignedCap&) const = default;
};

// What was delivered and what it costs. EIP-712, domain "Vcity Settlement"; see market/typed_hashes.hpp.
struct UsageReceipt {
    JobId job_id;
    Address client;
    Address node;
    Address scheduler;
    std::uint64_t fencing_token = 0;
    TokenUsage units;
    Usd amount;  // never above quote
    Usd quote;
    Hash model_root;
    Hash request_hash;
    Hash response_hash;
    Hash verification_root;
    UnixMillis started_at{0};
    UnixMillis finished_at{0};

    bool operator==(const UsageReceipt&) const = default;
};

struct SignedReceipt {
    UsageReceipt receipt;
    Signature node_signature;
    Signature scheduler_signature;  // zero until countersigned

    bool operator==(const SignedReceipt&) const = default;
};

// What a node has signed for and why it stopped there.
struct FinishedWork {
    SignedReceipt receipt;  // without the scheduler's signature
    FinishReason reason = FinishReason::kStop;

    bool operator==(const FinishedWork&) const = default;
};

// The numbers enter the verdict's typed hash. The contracts take only "rejected" for a proof of a lie.
enum class VerdictOutcome : std::uint8_t {
    kAccepted = 0,
    kRejected = 1,
    kNotOpened = 2,  // the node was asked and did not open in time: not paid, and nothing is proved against it
};
std::string_view to_string(VerdictOutcome outcome);

// What a verifier found. EIP-712, domain "Vcity Settlement".
struct Verdict {
    Hash receipt_hash;
    Address node;
    Address verifier;
    VerdictOutcome outcome = VerdictOutcome::kAccepted;
    Hash evidence_hash;
    UnixMillis checked_at{0};

    bool operator==(const Verdict&) const = default;
};
struct SignedVerdict {
    Verdict verdict;
    Signature signature;
    std::string reason;  // for people; not signed

    bool operator==(const SignedVerdict&) const = default;
};

// One charge of a batch: everything this batch takes from one cap.
struct Charge {
    CapId cap_id;
    Usd amount;

    bool operator==(const Charge&) const = default;
};

// A node's earnings over all batches of one scheduler so far.
struct Earning {
    Address node;
    Usd cumulative;

    bool operator==(const Earning&) const = default;
};

// What goes on chain (Settlement.postBatch).
struct BatchHeader {
    std::uint64_t index = 0;
    Hash receipts_root;
    Hash earnings_root;
    std::uint32_t receipt_count = 0;
    Usd total_earned;
    std::uint64_t units_consumed = 0;
    std::uint64_t units_available = 0;

    bool operator==(const BatchHeader&) const = default;
};
struct Batch {
    BatchHeader header;
    std::vector<Charge> charges;          // ascending by cap id, each once
    std::vector<SignedReceipt> receipts;  // in the order of the leaves
    std::vector<Earning> earnings;        // ascending by node, all nodes ever paid

    bool operator==(const Batch&) const = default;
};

}  // namespace vcity
