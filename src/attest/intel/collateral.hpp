// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "attest/verdict.hpp"
#include "base/bytes.hpp"
#include "base/result.hpp"

namespace vcity::attest {

// A document and the vendor's signature over its exact bytes (64 bytes, r || s).
struct SignedText {
    std::string text;
    Bytes signature;
};
// Takes apart {"<member>":<document>,"signature":"<128 hex digits>"} as Intel's PCS sends it, keeping the document's
// bytes as they stand. At most 256 KiB. kInvalid otherwise.
Result<SignedText> split_signed_text(std::string_view response, std::string_view member);

// What the vendor publishes beside a quote (Intel PCS API, version 4). Empty parts are not checked, and the verdict
// says so.
struct IntelCollateral {
    SignedText tcb_info;
    SignedText qe_identity;
    std::string signing_chain;  // PEM of the TCB signing certificate; the root may be left out
    Bytes root_crl;             // DER
    Bytes pck_crl;
};
// The collateral as one JSON object with the member names of Intel's quote verification library (tcb_info,
// tcb_info_signature, tcb_info_issuer_chain, qe_identity, ..., root_ca_crl, pck_crl in hex). At most 1 MiB.
Result<IntelCollateral> parse_intel_collateral(std::string_view json);

// A threshold with the status of platforms that reach it.
struct TcbLevel {
    std::array<std::uint8_t, 16> sgx_svn{};
    std::array<std::uint8_t, 16> tdx_svn{};
    std::uint16_t pce_svn = 0;
    TcbStatus status = TcbStatus::kUnsupported;
    std::vector<std::string> advisories;
};
struct IsvLevel {
    std::uint16_t isv_svn = 0;
    TcbStatus status = TcbStatus::kUnsupported;
    std::vector<std::string> advisories;
};
struct TdxModuleIdentity {
    std::string id;         // "TDX_01"; empty for the module of TDX 1.0 before identities
    Bytes mr_signer;        // 48
    Bytes attributes;       // 8
    Bytes attributes_mask;  // 8
    std::vector<IsvLevel> levels;
};
struct TcbInfo {
    bool is_tdx = false;
    UnixMillis issued{};
    UnixMillis next_update{};
    Bytes fmspc;   // 6
    Bytes pce_id;  // 2
    std::uint64_t evaluation_number = 0;
    std::optional<TdxModuleIdentity> module;
    std::vector<TdxModuleIdentity> module_identities;
    std::vector<TcbLevel> levels;  // the newest first
};
// Version 3 only. At most 256 KiB, 256 levels. kInvalid otherwise.
Result<TcbInfo> parse_tcb_info(std::string_view json);

struct QeIdentity {
    bool is_tdx = false;
    UnixMillis issued{};
    UnixMillis next_update{};
    std::uint64_t evaluation_number = 0;
    Bytes misc_select;       // 4, as the JSON has it (big-endian hex)
    Bytes misc_select_mask;  // 4
    Bytes attributes;        // 16
    Bytes attributes_mask;   // 16
    Bytes mr_signer;         // 32
    std::uint16_t isv_product = 0;
    std::vector<IsvLevel> levels;
};
// Version 2 only.
Result<QeIdentity> parse_qe_identity(std::string_view json);

}  // namespace vcity::attest
