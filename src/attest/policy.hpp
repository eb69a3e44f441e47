// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "attest/verdict.hpp"

namespace vcity::attest {

// What a monitor puts into its report data, so that a report speaks for one key, under one policy, of one model, in
// one epoch, to one verifier.
struct MonitorBinding {
    Hash monitor_key;  // keccak-256 of the public key (x || y, secp256k1): its last 20 bytes are the key's address
    Hash policy;
    Hash model_root;
    std::uint64_t epoch = 0;
    Hash nonce;  // the verifier's
};
// SHA-512("vcity-mon-v1" || monitor_key || policy || model_root || epoch || nonce), epoch as 8 bytes big-endian: every
// part has a fixed size, so no two bindings have the same text. 64 bytes.
Bytes report_data_of(const MonitorBinding& binding);
// The same for devices that take a nonce of 32 bytes (GPUs): SHA-256 of the 64 bytes.
Bytes nonce_of(const MonitorBinding& binding);

// One of these digests must be measured under the name.
struct AllowedMeasurement {
    std::string name;
    std::vector<Bytes> digests;
};

// What a verifier demands of evidence of one kind. The defaults are the strict ones; debug, SHA-1 banks and whatever is
// not authentic are refused under every policy.
struct Policy {
    EvidenceKind kind = EvidenceKind::kTdx;
    std::vector<TcbStatus> tcb{TcbStatus::kUpToDate, TcbStatus::kSwHardeningNeeded};  // only judged for Intel
    std::vector<Step> steps;  // must have passed, beyond required_steps(kind)
    std::vector<SecurityVersion> versions_min;
    std::vector<AllowedMeasurement> measurements;
    std::vector<std::string> advisories_refused;
};
// A policy with the steps that matter beyond authenticity: Intel's collateral, a virtual TPM's hardware, NVIDIA's
// reference values.
Policy strict_policy(EvidenceKind kind);

// Why evidence is not accepted; one per reaction, the detail is in the text.
enum class Refusal : std::uint8_t {
    kOtherKind,
    kSimulated,  // simulated evidence, and this build does not allow it
    kNotAuthentic,
    kNotChecked,  // a step that the policy demands was not done
    kExpired,
    kDebug,
    kTcb,
    kAdvisory,
    kVersion,
    kMeasurement,
    kReportData,  // bound to another key, policy, model, epoch or nonce
};
std::string_view to_string(Refusal refusal);

struct Objection {
    Refusal refusal = Refusal::kNotAuthentic;
    std::string detail;
};
struct Decision {
    std::vector<Objection> objections;

    bool is_accepted() const { return objections.empty(); }
    bool objects(Refusal refusal) const;
};

// Whether this build accepts simulated evidence: only with the macro VCITY_DEVELOPMENT_TEE defined at compile time.
bool is_simulated_tee_allowed();

// All objections, not only the first. report_data: what the verdict must be bound to, from report_data_of() or
// nonce_of(). Pure: the verdict's own time of verification may lie before `now`.
Decision decide(const Policy& policy, const Verdict& verdict, ByteView report_data, UnixMillis now);

}  // namespace vcity::attest
