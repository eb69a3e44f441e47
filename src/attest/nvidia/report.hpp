// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>

#include "attest/roots.hpp"
#include "attest/verdict.hpp"

namespace vcity::attest {

// An attestation report of a GPU or NVSwitch: an SPDM 1.1 GET_MEASUREMENTS request followed by its MEASUREMENTS
// response (DSP0274 1.1, sections 10.11.1 and 10.11.2). Views borrow the bytes parsed.
struct NvidiaReport {
    ByteView nonce;                                 // of the request, 32 bytes: what the verifier chose
    ByteView response_nonce;                        // 32 bytes
    std::map<std::uint8_t, ByteView> measurements;  // by SPDM index, digests of 48 bytes
    std::map<std::uint16_t, ByteView> fields;       // NVIDIA's opaque data, by type
    ByteView signed_bytes;
    ByteView signature;  // 96 bytes, r || s
};
inline constexpr std::uint16_t kNvidiaDriverVersion = 3;
inline constexpr std::uint16_t kNvidiaVbiosVersion = 6;
inline constexpr std::uint16_t kNvidiaFirmwareId = 20;
// At most 64 KiB, lengths exact; zeros may follow the signature (buffers are padded). kInvalid otherwise.
Result<NvidiaReport> parse_nvidia_report(ByteView bytes);

// The report is signed by the leaf of the chain, which leads to the pinned device root, and the firmware id of the
// leaf (OID 2.23.133.5.4.1 of Hopper, 2.23.133.5.4.1.1 of Blackwell) is the one in the report, where it has one. It
// says: genuine device, genuine firmware, these measurements. It does not say which model ran, and NVIDIA's revocation
// (OCSP) needs the network. report_data is the request's nonce, measurements are "block<index>", "driver", "vbios",
// "fwid"; platform_id is the SHA-256 of the device's identity certificate (the issuer of the leaf).
Verdict verify_nvidia_report(ByteView report, std::string_view chain_pem, const TrustAnchors& anchors, UnixMillis now);

}  // namespace vcity::attest
