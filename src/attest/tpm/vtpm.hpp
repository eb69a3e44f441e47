// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "attest/intel/collateral.hpp"
#include "attest/snp.hpp"
#include "attest/tpm/quote.hpp"

namespace vcity::attest {

// The report of Azure's paravisor ("HCLA"): a hardware report and the JSON that its report data binds, which holds the
// virtual TPM's attestation key. Views borrow the bytes parsed.
struct HclReport {
    bool is_tdx = false;       // else SEV-SNP
    ByteView hardware_report;  // SNP: the signed report, 1,184 bytes; TDX: the local TDREPORT, 1,024
    HashAlgorithm hash = HashAlgorithm::kSha256;
    std::string_view runtime;  // the JSON
};
// At most 64 KiB; what follows the runtime JSON must be zero. kInvalid otherwise.
Result<HclReport> parse_hcl_report(ByteView bytes);
// The RSA key with kid HCLAkPub and use "sign".
Result<PublicKey> hcl_attestation_key(const HclReport& report);

// Whether the hardware's verdict vouches for the runtime JSON: authentic, and report_data = hash(runtime) || zeros. Of
// SEV-SNP only the paravisor at VMPL 0 may speak: what runs above it can ask for reports with data of its own.
bool is_bound(const Verdict& hardware, const HclReport& report);

// A virtual TPM of a confidential VM: the verdict of its quote, with Step::kHardwareBinding, and that of the hardware.
struct VtpmVerdict {
    Verdict hardware;
    Verdict tpm;

    bool is_authentic() const {
        return hardware.is_authentic() && tpm.is_authentic() &&
               tpm.outcome(Step::kHardwareBinding) == StepOutcome::kPassed;
    }
};
VtpmVerdict verify_snp_vtpm(ByteView hcl_report,
                            const TpmEvidence& quote,
                            const SnpCertificates& certificates,
                            const TrustAnchors& anchors,
                            UnixMillis now);
VtpmVerdict verify_tdx_vtpm(
    ByteView hcl_report, const TpmEvidence& quote, ByteView td_quote, const TrustAnchors& anchors, UnixMillis now);

}  // namespace vcity::attest
