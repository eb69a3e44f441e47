// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.hpp"
#include "base/time.hpp"

namespace vcity::attest {

enum class EvidenceKind : std::uint8_t { kTdx, kSgx, kSevSnp, kTpm, kNvidia, kSimulated };

// What can be checked about a piece of evidence. Each kind has its own set; see required_steps().
enum class Step : std::uint8_t {
    kFormat,                // Parsed, with every length and reserved byte as the format says.
    kReportSignature,       // The report is signed by the attestation key.
    kKeyBinding,            // The quoting enclave vouches for the attestation key (Intel).
    kQuotingEnclave,        // The platform's PCK signed the quoting enclave's report (Intel).
    kCertificateChain,      // The signer's certificates lead to a pinned vendor root and are valid now.
    kCertificateClaims,     // What the certificate says of chip and firmware is what the report says.
    kRevocation,            // Current lists of the vendor do not name the certificates.
    kTcbInfo,               // The vendor's signed, current TCB statement was applied.
    kQuotingEnclavePolicy,  // The vendor's signed, current identity of the quoting enclave was applied (Intel).
    kRegisterDigest,        // The PCR values given are the quoted ones.
    kEventLog,              // The event log replays to the registers.
    kHardwareBinding,       // A hardware TEE vouches for the key of the virtual TPM.
    kKeyEnrolment,          // The attestation key was shown to live in the TPM of a trusted endorsement key.
    kReferenceValues,       // Signed reference measurements were compared.
};
std::string_view to_string(Step step);
std::string_view to_string(EvidenceKind kind);

enum class StepOutcome : std::uint8_t { kPassed, kFailed, kNotChecked };
struct StepResult {
    Step step = Step::kFormat;
    StepOutcome outcome = StepOutcome::kNotChecked;
    std::string reason;  // of a failure, or why it could not be checked

    bool operator==(const StepResult&) const = default;
};

// Intel's statuses (tcbStatus of the PCS API, version 4), with kUnsupported where no TCB level matches and
// kNotEvaluated where the vendor has no such statement or it was not given.
enum class TcbStatus : std::uint8_t {
    kNotEvaluated,
    kUpToDate,
    kSwHardeningNeeded,
    kConfigurationNeeded,
    kConfigurationAndSwHardeningNeeded,
    kOutOfDate,
    kOutOfDateConfigurationNeeded,
    kRevoked,
    kUnsupported,
};
std::string_view to_string(TcbStatus status);

// "mrtd", "rtmr0", "mrenclave", "measurement", "pcr7", "block12", ...
struct Measurement {
    std::string name;
    Bytes digest;

    bool operator==(const Measurement&) const = default;
};

// "snp", "microcode", "isv", ...: the higher the newer.
struct SecurityVersion {
    std::string name;
    std::uint64_t value = 0;

    bool operator==(const SecurityVersion&) const = default;
};

// What a piece of evidence proves, and what not. A value: a policy decides on it (policy.hpp).
struct Verdict {
    EvidenceKind kind = EvidenceKind::kSimulated;
    std::vector<StepResult> steps;  // in the order of checking, each step at most once
    std::vector<Measurement> measurements;
    std::vector<SecurityVersion> versions;
    Bytes report_data;   // what the requester bound: 64 bytes of a TEE, the nonce of a TPM or GPU
    Bytes platform_id;   // PPID, CHIP_ID, or SHA-256 of the device key: stable for one machine or device
    bool debug = false;  // the host may read the guest
    TcbStatus tcb = TcbStatus::kNotEvaluated;
    std::vector<std::string> advisories;  // sorted, each once
    std::optional<UnixMillis> expires;    // the first moment at which a certificate or list used is no longer valid

    bool operator==(const Verdict&) const = default;

    StepOutcome outcome(Step step) const;
    // Nothing failed and all of required_steps(kind) passed. It says that the bytes are genuine, not that the
    // platform is good: tcb, debug and measurements are for the policy.
    bool is_authentic() const;
    // The reason of the first failure, or an empty text.
    std::string first_failure() const;
    const Bytes* measurement(std::string_view name) const;

    void pass(Step step);
    void fail(Step step, std::string reason);
    // The evidence can say nothing here for want of what the reason names; a policy that asks for the step refuses.
    void leave_unchecked(Step step, std::string reason);
    void expires_by(UnixMillis time);
};

// The steps without which evidence of this kind proves nothing.
std::vector<Step> required_steps(EvidenceKind kind);

}  // namespace vcity::attest
