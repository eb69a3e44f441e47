// SPDX-License-Identifier: Apache-2.0
#include "attest/intel/quote.hpp"

#include <fmt/format.h>

#include "attest/cursor.hpp"

namespace vcity::attest {
namespace {

constexpr std::size_t kQuoteBytesMax = 64U << 10U;
constexpr std::uint16_t kKeyTypeEcdsaP256 = 2;
constexpr std::uint32_t kTeeSgx = 0;
constexpr std::uint32_t kTeeTdx = 0x81;
constexpr std::uint16_t kBodySgx = 1;
constexpr std::uint16_t kBodyTd10 = 2;
constexpr std::uint16_t kBodyTd15 = 3;
constexpr std::uint16_t kCertificationPckChain = 5;
constexpr std::uint16_t kCertificationQeReport = 6;

Error malformed(const char* what) {
    return make_error(Errc::kInvalid, fmt::format("quote: {}", what));
}

TdReport read_td(ByteView bytes) {
    Cursor cursor{bytes, ByteOrder::kLittle};
    TdReport td;
    td.tee_tcb_svn = cursor.fixed<16>();
    td.mr_seam = cursor.fixed<48>();
    td.mr_signer_seam = cursor.fixed<48>();
    td.seam_attributes = cursor.fixed<8>();
    td.td_attributes = cursor.fixed<8>();
    td.xfam = cursor.fixed<8>();
    td.mr_td = cursor.fixed<48>();
    td.mr_config_id = cursor.fixed<48>();
    td.mr_owner = cursor.fixed<48>();
    td.mr_owner_config = cursor.fixed<48>();
    for (auto& rtmr : td.rtmr) rtmr = cursor.fixed<48>();
    td.report_data = cursor.fixed<64>();
    if (bytes.size() == TdReport::kBytes15) {
        td.tee_tcb_svn2 = cursor.fixed<16>();
        td.mr_service_td = cursor.fixed<48>();
    }
    return td;
}

struct Header {
    std::uint16_t version = 0;
    std::uint32_t tee = 0;
};

Result<Header> read_header(Cursor* cursor, IntelQuote* quote) {
    Header header;
    header.version = cursor->u16();
    const std::uint16_t key_type = cursor->u16();
    header.tee = cursor->u32();
    cursor->take(4);  // QE and PCE SVN of version 3, reserved later; signed in both
    quote->qe_vendor = cursor->fixed<16>();
    cursor->take(20);  // user data
    if (!cursor->ok()) return malformed("truncated header");
    if (header.version < 3 || header.version > 5) return malformed("a version that is not known");
    if (key_type != kKeyTypeEcdsaP256) return malformed("an attestation key that is not ECDSA-P256");
    // Version 3 has a reserved word where later versions have the TEE type.
    const bool tee_known = header.tee == kTeeSgx || (header.tee == kTeeTdx && header.version > 3);
    if (!tee_known) return malformed("a TEE that is not known");
    quote->version = header.version;
    return header;
}

Result<void> read_body(Cursor* cursor, const Header& header, IntelQuote* quote) {
    std::uint16_t type = header.tee == kTeeSgx ? kBodySgx : kBodyTd10;
    std::size_t size = header.tee == kTeeSgx ? SgxReport::kBytes : TdReport::kBytes10;
    if (header.version == 5) {
        type = cursor->u16();
        const std::uint32_t stated = cursor->u32();
        const bool matches = header.tee == kTeeSgx ? type == kBodySgx : type == kBodyTd10 || type == kBodyTd15;
        if (!cursor->ok() || !matches) return malformed("a body that is not known");
        size = type == kBodySgx ? SgxReport::kBytes : type == kBodyTd10 ? TdReport::kBytes10 : TdReport::kBytes15;
        if (stated != size) return malformed("a body of the wrong size");
    }
    const ByteView body = cursor->take(size);
    if (!cursor->ok()) return malformed("truncated body");
    if (type == kBodySgx) {
        TRY(quote->body, parse_sgx_report(body));
    } else {
        quote->body = read_td(body);
    }
    return {};
}

Result<void> read_certification(Cursor cursor, IntelQuote* quote) {
    quote->qe_report_bytes = cursor.take(SgxReport::kBytes);
    quote->qe_signature = cursor.take(64);
    quote->qe_auth = cursor.take(cursor.u16());
    const std::uint16_t type = cursor.u16();
    const std::uint32_t size = cursor.u32();
    quote->pck_chain = as_text(cursor.take(size));
    if (!cursor.at_end()) return malformed("certification data of the wrong size");
    if (type != kCertificationPckChain) return malformed("no PCK certificate chain inside");
    TRY(quote->qe_report, parse_sgx_report(quote->qe_report_bytes));
    return {};
}

}  // namespace

Result<SgxReport> parse_sgx_report(ByteView bytes) {
    if (bytes.size() != SgxReport::kBytes) return malformed("an enclave report is not 384 bytes");
    Cursor cursor{bytes, ByteOrder::kLittle};
    SgxReport report;
    report.cpu_svn = cursor.fixed<16>();
    report.misc_select = cursor.u32();
    cursor.take(28);
    report.attributes = cursor.fixed<16>();
    report.mr_enclave = cursor.fixed<32>();
    cursor.take(32);
    report.mr_signer = cursor.fixed<32>();
    cursor.take(96);
    report.isv_product = cursor.u16();
    report.isv_svn = cursor.u16();
    cursor.take(60);
    report.report_data = cursor.fixed<64>();
    return report;
}

Result<IntelQuote> parse_intel_quote(ByteView bytes) {
    if (bytes.size() > kQuoteBytesMax) return malformed("too long");
    IntelQuote quote;
    Cursor cursor{bytes, ByteOrder::kLittle};
    TRY(const Header header, read_header(&cursor, &quote));
    TRY_OK(read_body(&cursor, header, &quote));
    quote.signed_bytes = bytes.first(cursor.offset());
    const ByteView signature_data = cursor.take(cursor.u32());
    if (!cursor.ok()) return malformed("truncated signature data");
    quote.trailing_bytes = cursor.remaining();
    Cursor inner{signature_data, ByteOrder::kLittle};
    quote.signature = inner.take(64);
    quote.attestation_key = inner.take(64);
    if (header.version > 3) {
        const std::uint16_t type = inner.u16();
        if (inner.u32() != inner.remaining()) return malformed("certification data of the wrong size");
        if (type != kCertificationQeReport) return malformed("no quoting enclave report inside");
    }
    if (!inner.ok()) return malformed("truncated signature data");
    TRY_OK(read_certification(Cursor{inner.rest(), ByteOrder::kLittle}, &quote));
    return quote;
}

Result<LocalTdReport> parse_local_td_report(ByteView bytes) {
    // REPORTMACSTRUCT (256), TEE_TCB_INFO (239), reserved (17), TDINFO (512): Intel TDX module ABI, TDREPORT_STRUCT.
    if (bytes.size() != 1024) return malformed("a TDREPORT is not 1,024 bytes");
    LocalTdReport report;
    report.type = bytes[0];
    Cursor mac{bytes.first(256), ByteOrder::kLittle};
    mac.take(128);
    report.report_data = mac.fixed<64>();
    Cursor info{bytes.subspan(512), ByteOrder::kLittle};
    report.td_attributes = info.fixed<8>();
    info.take(8);
    report.mr_td = info.fixed<48>();
    info.take(48 * 3);
    for (auto& rtmr : report.rtmr) rtmr = info.fixed<48>();
    return report;
}

}  // namespace vcity::attest
