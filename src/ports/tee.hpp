// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "async/task.hpp"
#include "attest/evidence/evidence.hpp"

namespace vcity::ports {

// What attests this process: a confidential VM, a TPM, or the simulation. One instance a process, used on its runtime;
// calls may overlap, and any may be repeated.
class Tee {
  public:
    virtual ~Tee() = default;
    virtual attest::EvidenceKind kind() const = 0;
    // Bytes of report data that evidence() takes; 64 for every kind so far. A TPM quotes their SHA-256.
    virtual std::size_t report_data_max() const = 0;
    // Evidence of this kind for exactly this report data, not yet judged by anybody. kInvalid for empty or longer
    // report data; kConflict when somebody else used the device meanwhile and retries did not help; kCorrupt for an
    // answer that breaks the device's interface or its bounds; kUnavailable when the device cannot be used.
    virtual Task<Result<attest::Evidence>> evidence(Bytes report_data) = 0;
};

// The keys by which a TPM shows which machine it is.
struct TpmIdentity {
    Bytes endorsement_public;       // TPMT_PUBLIC
    Bytes endorsement_certificate;  // DER; empty where the TPM has none
    Bytes attestation_public;       // TPMT_PUBLIC
};

// The TPM's half of enrolment (attest/tpm/credential.hpp); only TPMs have it.
class TpmEnrolment {
  public:
    virtual ~TpmEnrolment() = default;
    virtual Task<Result<TpmIdentity>> identity() = 0;
    // TPM2_ActivateCredential: the credential, which only this TPM can read, and only for its attestation key. kDenied
    // when the credential is for another TPM or key.
    virtual Task<Result<Bytes>> activate(Bytes blob, Bytes secret) = 0;
};

}  // namespace vcity::ports
