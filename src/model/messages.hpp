// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "model/audit.hpp"
#include "model/job.hpp"
#include "model/tunnel_messages.hpp"
#include "model/work_messages.hpp"

namespace vcity {

// What travels on a link (a WebSocket that the peer dials to a scheduler). proto/vcity/v1/link.proto is the public
// form.

// --- authentication, first three frames of every connection
struct LinkChallenge {
    Hash challenge;  // 32 random bytes
    bool operator==(const LinkChallenge&) const = default;
};
struct LinkHello {
    Address peer;
    Role role = Role::kCompute;
    UnixMillis issued_at{0};
    Signature signature;  // over LinkHello(peer, role, challenge, issuedAt)
    std::string software_version;
    std::uint32_t protocol_version = 1;
    bool operator==(const LinkHello&) const = default;
};
struct LinkWelcome {
    Address scheduler;
    std::uint64_t chain_id = 0;
    std::uint32_t protocol_version = 1;
    std::uint64_t epoch = 0;  // of the process that acts for this scheduler; a greater one has replaced it
    bool operator==(const LinkWelcome&) const = default;
};
struct LinkReject {
    Errc code = Errc::kDenied;
    std::string reason;
    bool operator==(const LinkReject&) const = default;
};

// --- any peer <-> scheduler
struct Heartbeat {
    std::uint32_t active_jobs = 0;
    std::uint32_t free_slots = 0;
    bool operator==(const Heartbeat&) const = default;
};

// --- compute node <-> scheduler
struct NodeReady {  // after the welcome, and whenever it changes; active_leases: what the node still runs
    NodeAnnouncement announcement;
    std::vector<Lease> active_leases;
    bool operator==(const NodeReady&) const = default;
};
struct LeaseGrant {
    Lease lease;
    Address client;
    ModelRequest request;
    Usd quote;
    TokenPrices prices;
    std::string trace_id;
    bool operator==(const LeaseGrant&) const = default;
};
struct LeaseRefused {
    JobId job_id;
    std::uint64_t fencing_token = 0;
    Errc code = Errc::kUnavailable;
    std::string reason;
    bool operator==(const LeaseRefused&) const = default;
};
struct TokenChunk {  // node -> scheduler -> gateway; sequence counts from 0 without gaps
    JobId job_id;
    std::uint64_t fencing_token = 0;
    std::uint64_t sequence = 0;
    std::string text;
    std::uint32_t tokens = 0;
    std::vector<TokenLogprobs> logprobs{};  // of these tokens; empty unless asked for
    bool operator==(const TokenChunk&) const = default;
};
struct NodeFailedJob {  // node -> scheduler: the work could not be done
    JobId job_id;
    std::uint64_t fencing_token = 0;
    Errc code = Errc::kInternal;
    std::string reason;
    bool operator==(const NodeFailedJob&) const = default;
};
struct ReceiptAck {  // scheduler -> node: countersigned and stored, or refused for good
    Hash receipt_hash;
    bool accepted = false;
    SignedReceipt receipt;
    std::string reason;
    bool operator==(const ReceiptAck&) const = default;
};
struct JobCancel {  // gateway -> scheduler -> node
    JobId job_id;
    std::uint64_t fencing_token = 0;  // zero from a gateway
    bool gives_way = false;           // to work that pays more: what it has done so far is kept, and paid up to there
    bool operator==(const JobCancel&) const = default;
};

// --- gateway <-> scheduler
struct JobRequest {
    JobOrder order;
    bool operator==(const JobRequest&) const = default;
};
struct JobPlaced {  // a node was chosen; sent again after a retry
    JobId job_id;
    Lease lease;
    TokenPrices prices;
    PlacementReason reason;
    bool operator==(const JobPlaced&) const = default;
};
struct JobDone {
    SignedReceipt receipt;  // countersigned
    FinishReason reason = FinishReason::kStop;
    bool operator==(const JobDone&) const = default;
};
struct JobFailed {
    JobId job_id;
    Errc code = Errc::kInternal;
    std::string message;
    bool retryable = false;
    std::uint32_t retry_after_ms = 0;  // when there may be room; zero: nothing is known
    bool operator==(const JobFailed&) const = default;
};
struct OffersRequest {
    bool operator==(const OffersRequest&) const = default;
};
struct OffersReply {  // models that can be had now, with every node that serves them
    struct Entry {
        Address node;
        ModelOffer offer;
        std::string region;
        std::uint32_t free_slots = 0;
        bool operator==(const Entry&) const = default;
    };
    std::vector<Entry> entries;
    bool operator==(const OffersReply&) const = default;
};
struct JobStatusRequest {
    JobId job_id;
    bool operator==(const JobStatusRequest&) const = default;
};
struct JobStatusReply {  // everything a person may want to know of one job
    JobId job_id;
    bool known = false;
    JobState state = JobState::kQueued;
    PlacementReason placement;
    SignedReceipt receipt;  // zero before delivery
    SignedVerdict verdict;  // zero before the audit, or when none was drawn
    bool audited = false;
    std::uint64_t batch_index = 0;
    Hash batch_transaction;           // zero before the batch is on chain
    std::vector<Hash> receipt_proof;  // of the receipt's leaf in the batch
    std::string error;
    Hash monitor_key;  // that the node had announced when it got the job; zero: none
    bool operator==(const JobStatusReply&) const = default;
};

// --- verifier <-> scheduler <-> node
struct AuditTask {  // scheduler -> verifier
    SignedReceipt receipt;
    ModelRequest request;
    std::string response_text;
    Hash monitor_key;      // that the node had announced; zero: none
    bool deep = false;     // somebody rejected it: open as much as may be opened
    bool confirm = false;  // nobody else could: after a rejection audit again, deep, before reporting
    bool operator==(const AuditTask&) const = default;
};
struct ReplayRequest {  // verifier -> scheduler -> node; tier A: run it again and commit to everything
    JobId job_id;
    Hash receipt_hash;
    bool operator==(const ReplayRequest&) const = default;
};
struct ReplayReply {  // node -> scheduler -> verifier
    JobId job_id;
    Hash receipt_hash;
    bool available = false;
    Hash root;  // of the replay's tree
    std::string reason;
    bool operator==(const ReplayReply&) const = default;
};
struct OpenRequest {  // verifier -> scheduler -> node
    JobId job_id;
    Hash receipt_hash;
    Hash root;  // the tree to open: the receipt's in tier B, the replay's in tier A
    AuditQuestion question;
    bool operator==(const OpenRequest&) const = default;
};
struct OpenReply {  // node -> scheduler -> verifier
    JobId job_id;
    Hash receipt_hash;
    bool available = false;
    Opening opening;
    std::string reason;
    bool operator==(const OpenReply&) const = default;
};
struct VerdictReport {  // verifier -> scheduler
    SignedVerdict verdict;
    bool confirmed = false;  // a rejection that a second, deep audit with fresh randomness came to as well
    bool operator==(const VerdictReport&) const = default;
};

// Bytes of a proof of capacity in one frame; a fill is cut to fit, a longer answer is fetched piece by piece.
inline constexpr std::size_t kCapacityBodyMax = 5U << 20U;
struct CapacityQuestion {  // verifier -> scheduler -> node
    Address node;
    Hash session;              // drawn by the verifier
    std::uint64_t number = 0;  // of this question in the session
    std::uint64_t offset = 0;  // greater than zero: the rest of the answer from there on
    Bytes body;                // canonical bytes of a capacity message; empty at offset 0: the session is over
    bool operator==(const CapacityQuestion&) const = default;
};
struct CapacityReply {  // node -> scheduler -> verifier
    Hash session;
    std::uint64_t number = 0;
    bool available = false;
    std::uint64_t offset = 0;
    std::uint64_t total = 0;  // bytes of the whole answer
    Bytes body;               // the answer's bytes from the offset on, at most kCapacityBodyMax
    std::string reason;
    bool operator==(const CapacityReply&) const = default;
};

using Message = std::variant<LinkChallenge,
                             LinkHello,
                             LinkWelcome,
                             LinkReject,
                             Heartbeat,
                             NodeReady,
                             LeaseGrant,
                             LeaseRefused,
                             TokenChunk,
                             JobFinished,
                             NodeFailedJob,
                             ReceiptAck,
                             JobCancel,
                             JobRequest,
                             JobPlaced,
                             JobDone,
                             JobFailed,
                             OffersRequest,
                             OffersReply,
                             JobStatusRequest,
                             JobStatusReply,
                             AuditTask,
                             ReplayRequest,
                             ReplayReply,
                             OpenRequest,
                             OpenReply,
                             VerdictReport,
                             CapacityQuestion,
                             CapacityReply,
                             StepGrant,
                             StepStarted,
                             StepOutput,
                             StepFinished,
                             StepCheckpoint,
                             WorkQuoteRequest,
                             WorkQuote,
                             WorkSubmit,
                             WorkAccepted,
                             WorkCancel,
                             WorkStatusRequest,
                             WorkStatusReply,
                             WorkOutputRequest,
                             WorkOutputReply,
                             UnitsRequest,
                             UnitsReply,
                             TunnelOpen,
                             TunnelRequest,
                             TunnelRefused,
                             StepAway>;

}  // namespace vcity
