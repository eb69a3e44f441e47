// SPDX-License-Identifier: Apache-2.0
#include "attest/nvidia/report.hpp"

#include <fmt/format.h>

#include "attest/certificate.hpp"
#include "attest/cursor.hpp"
#include "attest/encoding.hpp"

namespace vcity::attest {
namespace {

constexpr std::size_t kReportBytesMax = 64U << 10U;
constexpr std::size_t kNonceBytes = 32;
constexpr std::size_t kSignatureBytes = 96;
constexpr std::size_t kDigestBytes = 48;
constexpr std::size_t kFieldsMax = 256;
constexpr std::uint8_t kSpdm11 = 0x11;
constexpr std::uint8_t kGetMeasurements = 0xe0;
constexpr std::uint8_t kMeasurements = 0x60;
constexpr std::uint8_t kDmtfMeasurement = 1;
constexpr std::string_view kDiceCompositeId = "2.23.133.5.4.1";
constexpr std::string_view kDiceTcbInfo = "2.23.133.5.4.1.1";
constexpr std::uint8_t kDiceFirmwareIds = 0xa6;

Error malformed(const char* what) {
    return make_error(Errc::kInvalid, fmt::format("gpu report: {}", what));
}

// Blocks: index, specification (1 = DMTF), size, then value type, value size, value.
Result<void> read_blocks(ByteView record, std::size_t count, NvidiaReport* report) {
    Cursor cursor{record, ByteOrder::kLittle};
    for (std::size_t i = 0; i < count; ++i) {
        const std::uint8_t index = cursor.u8();
        const std::uint8_t specification = cursor.u8();
        const std::size_t size = cursor.u16();
        cursor.take(1);  // value type: which firmware or configuration this digest is of
        const std::size_t value_size = cursor.u16();
        const ByteView value = cursor.take(value_size);
        if (!cursor.ok() || specification != kDmtfMeasurement || size != value_size + 3 || value_size != kDigestBytes) {
            return malformed("a measurement block is not valid");
        }
        if (!report->measurements.emplace(index, value).second) return malformed("a measurement index given twice");
    }
    if (!cursor.at_end()) return malformed("the measurement record has another length");
    return {};
}

Result<void> read_fields(ByteView opaque, NvidiaReport* report) {
    Cursor cursor{opaque, ByteOrder::kLittle};
    while (cursor.ok() && cursor.remaining() > 0) {
        const std::uint16_t type = cursor.u16();
        const ByteView value = cursor.take(cursor.u16());
        if (!cursor.ok() || report->fields.size() == kFieldsMax) return malformed("the opaque data is not valid");
        if (!report->fields.emplace(type, value).second) return malformed("an opaque field given twice");
    }
    return {};
}

// A text field without its NUL.
Bytes text_field(ByteView value) {
    while (!value.empty() && value.back() == 0) value = value.first(value.size() - 1);
    return to_bytes(value);
}

// VBIOS versions are numbers in an order of their own; the policy compares the bytes.
void describe(const NvidiaReport& report, Verdict* verdict) {
    verdict->report_data = to_bytes(report.nonce);
    for (const auto& [index, value] : report.measurements) {
        verdict->measurements.push_back({fmt::format("block{}", index), to_bytes(value)});
    }
    const auto add = [&](std::uint16_t type, const char* name, bool is_text) {
        const auto field = report.fields.find(type);
        if (field == report.fields.end()) return;
        verdict->measurements.push_back({name, is_text ? text_field(field->second) : to_bytes(field->second)});
    };
    add(kNvidiaDriverVersion, "driver", true);
    add(kNvidiaVbiosVersion, "vbios", false);
    add(kNvidiaFirmwareId, "fwid", false);
}

// Hopper: the composite device id of an early DICE profile, which ends in the digest.
Result<ByteView> composite_firmware_id(ByteView extension) {
    if (extension.size() < kDigestBytes) return malformed("the certificate's firmware id is too short");
    return extension.last(kDigestBytes);
}

// Blackwell: DiceTcbInfo (TCG DICE Attestation Architecture 1.1, section 6.1.1), whose member [6] is a list of
// {algorithm, digest}; the first is the firmware's.
Result<ByteView> dice_firmware_id(ByteView extension) {
    TRY(const std::vector<DerElement> outer, parse_der(extension, 1));
    if (outer.size() != 1 || outer[0].tag != kDerSequence) return malformed("DiceTcbInfo is not a sequence");
    TRY(const std::vector<DerElement> members, parse_der(outer[0].content));
    for (const DerElement& member : members) {
        if (member.tag != kDiceFirmwareIds) continue;
        TRY(const std::vector<DerElement> ids, parse_der(member.content));
        if (ids.empty() || ids[0].tag != kDerSequence) return malformed("DiceTcbInfo has no firmware id");
        TRY(const std::vector<DerElement> parts, parse_der(ids[0].content, 2));
        if (parts.size() != 2 || parts[1].tag != kDerOctets || parts[1].content.size() != kDigestBytes) {
            return malformed("the certificate's firmware id is not SHA-384");
        }
        return parts[1].content;
    }
    return malformed("DiceTcbInfo has no firmware ids");
}

Result<ByteView> firmware_id(const Certificate& leaf) {
    if (const std::optional<ByteView> info = leaf.extension(kDiceTcbInfo)) return dice_firmware_id(*info);
    if (const std::optional<ByteView> id = leaf.extension(kDiceCompositeId)) return composite_firmware_id(*id);
    return malformed("the leaf has no firmware id");
}

std::string firmware_problem(const NvidiaReport& report, const Certificate& leaf) {
    const Result<ByteView> certified = firmware_id(leaf);
    if (!certified) return certified.error().message;
    const auto field = report.fields.find(kNvidiaFirmwareId);
    if (field == report.fields.end()) return {};
    return equal(field->second, *certified) ? std::string{} : "the firmware id is not that of the certificate";
}

}  // namespace

Result<NvidiaReport> parse_nvidia_report(ByteView bytes) {
    if (bytes.size() > kReportBytesMax) return malformed("too long");
    Cursor cursor{bytes, ByteOrder::kLittle};
    NvidiaReport report;
    const bool is_request = cursor.u8() == kSpdm11 && cursor.u8() == kGetMeasurements;
    cursor.take(2);
    report.nonce = cursor.take(kNonceBytes);
    cursor.take(1);  // slot
    const bool is_response = cursor.u8() == kSpdm11 && cursor.u8() == kMeasurements;
    cursor.take(2);
    const std::size_t blocks = cursor.u8();
    const ByteView record = cursor.take(cursor.u24());
    report.response_nonce = cursor.take(kNonceBytes);
    const ByteView opaque = cursor.take(cursor.u16());
    report.signed_bytes = bytes.first(cursor.offset());
    report.signature = cursor.take(kSignatureBytes);
    if (!cursor.ok()) return malformed("truncated");
    if (!is_request || !is_response) return malformed("not an SPDM 1.1 measurement exchange");
    if (!all_equal(cursor.rest(), 0)) return malformed("bytes after the signature");
    TRY_OK(read_blocks(record, blocks, &report));
    TRY_OK(read_fields(opaque, &report));
    return report;
}

Verdict verify_nvidia_report(ByteView bytes, std::string_view chain_pem, const TrustAnchors& anchors, UnixMillis now) {
    Verdict verdict;
    verdict.kind = EvidenceKind::kNvidia;
    const Result<NvidiaReport> report = parse_nvidia_report(bytes);
    if (!report) {
        verdict.fail(Step::kFormat, report.error().message);
        return verdict;
    }
    verdict.pass(Step::kFormat);
    describe(*report, &verdict);
    const Result<CertificateList> certificates = parse_certificates(chain_pem);
    if (!certificates) {
        verdict.fail(Step::kCertificateChain, certificates.error().message);
        return verdict;
    }
    std::vector<const Certificate*> chain;
    for (const Certificate& certificate : *certificates) chain.push_back(&certificate);
    if (const Result<void> trusted = verify_chain(chain, anchors.nvidia_device, now); !trusted) {
        verdict.fail(Step::kCertificateChain, trusted.error().message);
        return verdict;
    }
    verdict.pass(Step::kCertificateChain);
    for (const Certificate* certificate : chain) verdict.expires_by(certificate->not_after());
    verdict.platform_id = to_bytes(chain[1]->fingerprint().view());
    const Result<PublicKey> key = chain[0]->key();
    if (!key || key->kind() != KeyKind::kEcP384 ||
        !key->verify_ecdsa(HashAlgorithm::kSha384, report->signed_bytes, report->signature)) {
        verdict.fail(Step::kReportSignature, "the report is not signed by the device's key");
        return verdict;
    }
    verdict.pass(Step::kReportSignature);
    std::string problem = firmware_problem(*report, *chain[0]);
    if (!problem.empty()) {
        verdict.fail(Step::kCertificateClaims, std::move(problem));
    } else {
        verdict.pass(Step::kCertificateClaims);
    }
    return verdict;
}

}  // namespace vcity::attest
