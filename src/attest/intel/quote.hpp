// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <optional>
#include <string_view>
#include <variant>

#include "base/bytes.hpp"
#include "base/result.hpp"

namespace vcity::attest {

// REPORTBODY of an enclave: 384 bytes, little-endian (Intel SGX SDM, "REPORT").
struct SgxReport {
    static constexpr std::size_t kBytes = 384;

    std::array<std::uint8_t, 16> cpu_svn{};
    std::uint32_t misc_select = 0;
    std::array<std::uint8_t, 16> attributes{};
    std::array<std::uint8_t, 32> mr_enclave{};
    std::array<std::uint8_t, 32> mr_signer{};
    std::uint16_t isv_product = 0;
    std::uint16_t isv_svn = 0;
    std::array<std::uint8_t, 64> report_data{};

    bool is_debug() const { return (attributes[0] & 2U) != 0; }
};
Result<SgxReport> parse_sgx_report(ByteView bytes);

// TDREPORT body of a trust domain: 584 bytes (TDX 1.0) or 648 (TDX 1.5, which adds the last two).
struct TdReport {
    static constexpr std::size_t kBytes10 = 584;
    static constexpr std::size_t kBytes15 = 648;

    std::array<std::uint8_t, 16> tee_tcb_svn{};
    std::array<std::uint8_t, 48> mr_seam{};
    std::array<std::uint8_t, 48> mr_signer_seam{};
    std::array<std::uint8_t, 8> seam_attributes{};
    std::array<std::uint8_t, 8> td_attributes{};
    std::array<std::uint8_t, 8> xfam{};
    std::array<std::uint8_t, 48> mr_td{};
    std::array<std::uint8_t, 48> mr_config_id{};
    std::array<std::uint8_t, 48> mr_owner{};
    std::array<std::uint8_t, 48> mr_owner_config{};
    std::array<std::array<std::uint8_t, 48>, 4> rtmr{};
    std::array<std::uint8_t, 64> report_data{};
    std::optional<std::array<std::uint8_t, 16>> tee_tcb_svn2;
    std::optional<std::array<std::uint8_t, 48>> mr_service_td;

    // TUD, bits 7:0: DEBUG and what is reserved beside it make a TD untrusted.
    bool is_debug() const { return td_attributes[0] != 0; }
};

// A quote of version 3 (SGX), 4 or 5 (SGX or TDX), signed with ECDSA-P256 (Intel TDX DCAP quoting library API, appendix
// A). Views borrow the bytes parsed.
struct IntelQuote {
    std::uint16_t version = 0;
    std::array<std::uint8_t, 16> qe_vendor{};
    std::variant<SgxReport, TdReport> body;
    ByteView signed_bytes;
    ByteView signature;        // 64 bytes, r || s
    ByteView attestation_key;  // 64 bytes, x || y
    ByteView qe_report_bytes;  // 384
    SgxReport qe_report;
    ByteView qe_signature;           // 64
    ByteView qe_auth;                // at most 64 KiB
    std::string_view pck_chain;      // PEM, leaf first
    std::size_t trailing_bytes = 0;  // after the signature data: not signed, not read

    bool is_tdx() const { return std::holds_alternative<TdReport>(body); }
};

// At most 64 KiB. Drivers give padded buffers, so bytes after the signature data are counted and ignored. kInvalid
// when malformed.
Result<IntelQuote> parse_intel_quote(ByteView bytes);

// What a TD reads from its own CPU (TDX_CMD_GET_REPORT0, 1,024 bytes). Its MAC can only be checked on that machine: the
// parsed values prove nothing to anyone else, and only the size is checked.
struct LocalTdReport {
    std::uint8_t type = 0;  // 0x81 for TDX
    std::array<std::uint8_t, 64> report_data{};
    std::array<std::uint8_t, 48> mr_td{};
    std::array<std::array<std::uint8_t, 48>, 4> rtmr{};
    std::array<std::uint8_t, 8> td_attributes{};
};
Result<LocalTdReport> parse_local_td_report(ByteView bytes);

}  // namespace vcity::attest
