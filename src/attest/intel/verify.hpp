// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "attest/intel/collateral.hpp"
#include "attest/intel/quote.hpp"
#include "attest/roots.hpp"
#include "attest/verdict.hpp"

namespace vcity::attest {

// What the PCK certificate says of the platform (extension 1.2.840.113741.1.13.1, Intel SGX PCK Certificate and CRL
// Profile, section 1.3.5).
struct PckClaims {
    Bytes ppid;    // 16
    Bytes pce_id;  // 2
    Bytes fmspc;   // 6
    std::array<std::uint8_t, 16> svn{};
    std::uint16_t pce_svn = 0;
};
Result<PckClaims> parse_pck_claims(ByteView extension);

// The platform's status under one TCB info (Intel PCS API, "Get TDX TCB Info", evaluation of the TCB level): the first
// level whose every component the platform reaches, then, for TDX modules of major version 1 and later, the module
// identity TDX_<tee_tcb_svn[1]> at ISV SVN tee_tcb_svn[0]. kUnsupported when nothing matches.
struct TcbEvaluation {
    TcbStatus status = TcbStatus::kUnsupported;
    std::vector<std::string> advisories;
    std::string reason;
};
TcbEvaluation evaluate_tcb(const TcbInfo& info, const PckClaims& pck, const TdReport* td);
// The quoting enclave against its identity: kUnsupported when it is another enclave or below every level.
TcbEvaluation evaluate_qe(const QeIdentity& identity, const SgxReport& qe);
// The worse of platform and module or quoting enclave, as Intel's library combines them.
TcbStatus combine_tcb(TcbStatus platform, TcbStatus part);

// Verifies a TDX or SGX quote: the attestation key signed it, the quoting enclave vouches for the key, the PCK signed
// the quoting enclave, the PCK leads to a pinned Intel root, and, as far as the collateral goes, nothing is revoked and
// the TCB has a status. Malformed input is a verdict too (Step::kFormat fails). platform_id is the PPID.
// collateral: nullptr leaves revocation, TCB and quoting enclave policy unchecked.
Verdict verify_intel_quote(ByteView quote,
                           const IntelCollateral* collateral,
                           const TrustAnchors& anchors,
                           UnixMillis now);

}  // namespace vcity::attest
