// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "model/messages.hpp"

namespace vcity::verifier {

// What nobody could know when the node signed: the hash of the first block after that.
struct Beacon {
    Hash hash;  // zero: the chain gave none in time, and the verifier's secret alone makes the draw unpredictable
    std::uint64_t block = 0;

    bool operator==(const Beacon&) const = default;
};

// seed = keccak256("vcity-audit-v2" || secret || receipt hash || beacon || round as u64 big-endian); rounds count from
// 0, the second is the deep one. In tier A the node must not know it before it has committed to its replay:
// keccak256("vcity-audit-v2-replay" || seed || replay root).
Hash audit_seed(const Hash& secret, const Hash& receipt_hash, const Beacon& beacon, std::uint64_t round);
Hash replay_seed(const Hash& seed, const Hash& replay_root);

// One round of questions and answers, with all that a court needs to judge it again: the seed gives the question, the
// opening is against the root that the node signed.
struct AuditEvidence {
    Hash receipt_hash;
    VerdictOutcome outcome = VerdictOutcome::kAccepted;
    Beacon beacon;
    Hash seed;  // of the draw
    UnixMillis asked_at{0};
    UnixMillis ended_at{0};
    Hash root;               // of the tree that was asked about; zero: the node did not even replay
    AuditQuestion question;  // empty in that case
    std::optional<Opening> opening;
    Bytes finding;  // the auditor's own, see ports::AuditFinding
    std::string reason;

    bool operator==(const AuditEvidence&) const = default;
};
// The verdict's evidence hash is the keccak-256 of these bytes.
Bytes encode(const AuditEvidence& evidence);
Result<AuditEvidence> parse_evidence(ByteView bytes);

struct KnownVerdict {
    SignedVerdict verdict;
    bool confirmed = false;

    bool operator==(const KnownVerdict&) const = default;
};
Bytes encode(const KnownVerdict& known);
Result<KnownVerdict> parse_known_verdict(ByteView bytes);

// Openings of one node that did not come, by receipt, the newest last.
struct MissedOpenings {
    struct Miss {
        Hash receipt_hash;
        UnixMillis at{0};
        bool operator==(const Miss&) const = default;
    };
    std::vector<Miss> misses;

    bool operator==(const MissedOpenings&) const = default;
};
Bytes encode(const MissedOpenings& missed);
Result<MissedOpenings> parse_missed(ByteView bytes);

// Keys in the verifier's store.
inline constexpr std::string_view kSecretKey = "secret";  // 32 bytes, drawn at the first start
std::string verdict_key(const Hash& receipt_hash);        // KnownVerdict
std::string evidence_key(const Hash& receipt_hash);       // AuditEvidence, of verdicts that are not "accepted"
std::string memory_key(const Hash& model_root, const Address& node);  // AuditFinding::memory
std::string missed_key(const Address& node);                          // MissedOpenings

}  // namespace vcity::verifier
