// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <string_view>

#include "attest/roots.hpp"
#include "attest/verdict.hpp"

namespace vcity::attest {

// ATTESTATION_REPORT of versions 2, 3 and 5: 1,184 bytes, little-endian (AMD 56860, SEV-SNP firmware ABI, table 23).
struct SnpReport {
    static constexpr std::size_t kBytes = 1184;
    static constexpr std::size_t kSignedBytes = 0x2a0;

    std::uint32_t version = 0;
    std::uint32_t guest_svn = 0;
    std::uint64_t policy = 0;
    std::uint32_t vmpl = 0;
    std::uint32_t key_info = 0;
    std::array<std::uint8_t, 64> report_data{};
    std::array<std::uint8_t, 48> measurement{};
    std::array<std::uint8_t, 32> host_data{};
    std::array<std::uint8_t, 48> id_key_digest{};
    std::array<std::uint8_t, 48> author_key_digest{};
    std::array<std::uint8_t, 8> current_tcb{};
    std::array<std::uint8_t, 8> reported_tcb{};
    std::array<std::uint8_t, 8> committed_tcb{};
    std::array<std::uint8_t, 8> launch_tcb{};
    std::array<std::uint8_t, 64> chip_id{};
    Bytes signature;  // r || s, 96 bytes big-endian

    bool is_debug() const { return (policy >> 19U & 1U) != 0; }
    // Which key signed: 0 the chip's VCEK, 1 the cloud provider's VLEK (bits 4:2 of KEY_INFO).
    std::uint32_t signing_key() const { return key_info >> 2U & 7U; }
};
// kInvalid for another size, version or algorithm, and when bytes that must be zero in the signature are not.
Result<SnpReport> parse_snp_report(ByteView bytes);

// The firmware versions in a TCB_VERSION; Turin has its own layout (AMD 56860, table 4).
struct SnpTcb {
    bool is_turin = false;
    std::uint8_t fmc = 0;  // Turin only
    std::uint8_t boot_loader = 0;
    std::uint8_t tee = 0;
    std::uint8_t snp = 0;
    std::uint8_t microcode = 0;

    bool operator==(const SnpTcb&) const = default;
};
SnpTcb parse_snp_tcb(const std::array<std::uint8_t, 8>& tcb, bool is_turin);

// What AMD's certificate says (AMD 57230, VCEK certificate and KDS interface specification, table 8).
struct SnpCertificateClaims {
    SnpTcb tcb;
    Bytes chip_id;       // of a VCEK: 64 bytes, or 8 on Turin
    std::string csp_id;  // of a VLEK
};
Result<SnpCertificateClaims> parse_snp_claims(const Certificate& certificate);

// The signer's certificate and its issuers (ASK or ASVK, and ARK) in any order.
struct SnpCertificates {
    Bytes signer_der;
    std::string issuers_pem;
};

// The signer's certificate alone, as far as it can be judged without a report: Step::kCertificateChain.
Verdict verify_snp_certificate(const SnpCertificates& certificates, const TrustAnchors& anchors, UnixMillis now);

// The report is signed by the VCEK or VLEK, the chain leads to a pinned ARK, and the certificate's TCB and chip are
// the report's. AMD publishes no TCB status: `versions` (fmc, boot_loader, tee, snp, microcode of the reported TCB) is
// for the policy, and so are the measurements "vmpl" and "policy", little-endian as in the report. platform_id is the
// CHIP_ID, empty under a VLEK.
Verdict verify_snp_report(ByteView report,
                          const SnpCertificates& certificates,
                          const TrustAnchors& anchors,
                          UnixMillis now);

}  // namespace vcity::attest
