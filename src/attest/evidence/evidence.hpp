// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "attest/intel/collateral.hpp"
#include "attest/roots.hpp"
#include "attest/snp.hpp"
#include "attest/verdict.hpp"

namespace vcity::attest {

// What a driver of a TEE or TPM gives for some report data, as it travels to whoever judges it. Each kind uses some of
// the members; the others are empty.
struct Evidence {
    EvidenceKind kind = EvidenceKind::kSimulated;
    Bytes report;                  // quote of TDX or SGX, report of SEV-SNP, TPMS_ATTEST, statement of the simulation
    Bytes signature;               // TPM: TPMT_SIGNATURE; simulation: 65 bytes
    Bytes key;                     // TPM: TPMT_PUBLIC of the attestation key
    Bytes certificates;            // SEV-SNP: the host's certificate table (certificate_table.hpp)
    std::vector<Bytes> registers;  // TPM: the quoted PCR values in the order of the selection
    Bytes event_log;               // TPM: TCG log; TDX: CCEL

    bool operator==(const Evidence&) const = default;
};

inline constexpr std::size_t kEvidenceReportMax = 64U << 10U;
inline constexpr std::size_t kEvidenceCertificatesMax = 32U << 10U;
inline constexpr std::size_t kEvidenceEventLogMax = 256U << 10U;
inline constexpr std::size_t kEvidenceRegistersMax = 32;
// Above these, and for members that the kind does not have: kInvalid.
Result<void> check_evidence_size(const Evidence& evidence);

// An attestation key that was shown to be in the TPM of a trusted endorsement key (tpm/credential.hpp).
struct EnrolledKey {
    Bytes name;        // of the attestation key
    Hash endorsement;  // SHA-256 of the endorsement key's TPMT_PUBLIC: the machine

    bool operator==(const EnrolledKey&) const = default;
};

// What evidence is judged with. Borrows the collateral.
struct EvidenceContext {
    TrustAnchors anchors = vendor_anchors();
    const IntelCollateral* collateral = nullptr;
    SnpCertificates snp;  // for hosts that give no certificate table, or only the signer
    std::vector<EnrolledKey> enrolled;
    std::vector<Address> simulated_roots;
};

// Judges evidence of any kind but NVIDIA's (a monitor has no such driver: Step::kFormat fails). The platform_id of a
// TPM is the endorsement key's hash when its attestation key is enrolled (Step::kKeyEnrolment), else empty.
Verdict verify_evidence(const Evidence& evidence, const EvidenceContext& context, UnixMillis now);

}  // namespace vcity::attest
