// SPDX-License-Identifier: Apache-2.0
#include "attest/tpm/vtpm.hpp"

#include <fmt/format.h>

#include "attest/cursor.hpp"
#include "attest/encoding.hpp"
#include "attest/intel/verify.hpp"
#include "codec/json.hpp"

namespace vcity::attest {
namespace {

constexpr std::size_t kHclBytesMax = 64U << 10U;
constexpr std::size_t kHardwareReportAt = 0x20;
constexpr std::size_t kHardwareReportBytes = 1184;
constexpr std::size_t kLocalTdReportBytes = 1024;
constexpr std::uint32_t kReportSnp = 2;
constexpr std::uint32_t kReportTdx = 4;
constexpr codec::JsonLimits kRuntimeLimits{.bytes_max = kHclBytesMax, .depth_max = 16, .values_max = 1000};

Error malformed(const char* what) {
    return make_error(Errc::kInvalid, fmt::format("hcl report: {}", what));
}

Result<HashAlgorithm> hash_of(std::uint32_t id) {
    switch (id) {
        case 1: return HashAlgorithm::kSha256;
        case 2: return HashAlgorithm::kSha384;
        case 3: return HashAlgorithm::kSha512;
        default: return malformed("a hash that is not known");
    }
}

// base64url as JOSE has it: no padding.
Result<Bytes> jwk_number(const codec::Json& key, std::string_view name) {
    const codec::Json* value = key.find(name);
    if (value == nullptr || !value->is_string()) return malformed("a key without a number");
    return parse_base64(*value->get_string(), Base64Alphabet::kUrl, 512);
}

bool has_text(const codec::Json& json, std::string_view name, std::string_view wanted) {
    const codec::Json* value = json.find(name);
    return value != nullptr && value->is_string() && *value->get_string() == wanted;
}

// The TPM's part, once the hardware's verdict is there.
Verdict verify_bound_quote(const HclReport& report, const TpmEvidence& quote, const Verdict& hardware) {
    const Result<PublicKey> key = hcl_attestation_key(report);
    if (!key) {
        Verdict verdict;
        verdict.kind = EvidenceKind::kTpm;
        verdict.fail(Step::kHardwareBinding, key.error().message);
        return verdict;
    }
    Verdict verdict = verify_tpm_quote(quote, *key);
    if (is_bound(hardware, report)) {
        verdict.pass(Step::kHardwareBinding);
        verdict.platform_id = hardware.platform_id;
    } else {
        verdict.fail(Step::kHardwareBinding, "the hardware does not vouch for the attestation key");
    }
    return verdict;
}

VtpmVerdict refused(const Error& error) {
    VtpmVerdict verdict;
    verdict.tpm.kind = EvidenceKind::kTpm;
    verdict.tpm.fail(Step::kFormat, error.message);
    return verdict;
}

}  // namespace

Result<HclReport> parse_hcl_report(ByteView bytes) {
    if (bytes.size() > kHclBytesMax) return malformed("too long");
    Cursor cursor{bytes, ByteOrder::kLittle};
    const std::string_view magic = as_text(cursor.take(4));
    const std::uint32_t version = cursor.u32();
    cursor.take(kHardwareReportAt - 8);  // sizes, request type, status, reserved
    HclReport report;
    const ByteView hardware = cursor.take(kHardwareReportBytes);
    cursor.take(8);  // data size, version
    const std::uint32_t type = cursor.u32();
    const std::uint32_t hash = cursor.u32();
    report.runtime = as_text(cursor.take(cursor.u32()));
    if (!cursor.ok()) return malformed("truncated");
    if (magic != "HCLA" || (version != 1 && version != 2)) return malformed("not one, or of a version not known");
    if (type != kReportSnp && type != kReportTdx) return malformed("hardware that is not known");
    if (!all_equal(cursor.rest(), 0)) return malformed("bytes after the runtime data");
    TRY(report.hash, hash_of(hash));
    report.is_tdx = type == kReportTdx;
    report.hardware_report = hardware.first(report.is_tdx ? kLocalTdReportBytes : kHardwareReportBytes);
    return report;
}

Result<PublicKey> hcl_attestation_key(const HclReport& report) {
    TRY(const codec::Json root, codec::parse_json(report.runtime, kRuntimeLimits));
    const codec::Json* keys = root.find("keys");
    if (keys == nullptr || !keys->is_array()) return malformed("no keys");
    for (const codec::Json& key : *keys->get_array()) {
        if (!has_text(key, "kid", "HCLAkPub")) continue;
        const codec::Json* uses = key.find("key_ops");
        const bool signs = uses != nullptr && uses->is_array() && uses->get_array()->size() == 1 &&
                           uses->get_array()->front() == codec::Json{"sign"};
        if (!signs || !has_text(key, "kty", "RSA")) return malformed("the attestation key is not an RSA signing key");
        TRY(const Bytes modulus, jwk_number(key, "n"));
        TRY(const Bytes exponent, jwk_number(key, "e"));
        return PublicKey::from_rsa(modulus, exponent);
    }
    return malformed("no attestation key");
}

bool is_bound(const Verdict& hardware, const HclReport& report) {
    Bytes wanted = digest(report.hash, as_bytes(report.runtime));
    wanted.resize(64);
    if (!hardware.is_authentic() || hardware.report_data != wanted) return false;
    if (report.is_tdx) return hardware.kind == EvidenceKind::kTdx;
    const Bytes* vmpl = hardware.measurement("vmpl");
    return hardware.kind == EvidenceKind::kSevSnp && vmpl != nullptr && all_equal(*vmpl, 0);
}

VtpmVerdict verify_snp_vtpm(ByteView hcl_report,
                            const TpmEvidence& quote,
                            const SnpCertificates& certificates,
                            const TrustAnchors& anchors,
                            UnixMillis now) {
    const Result<HclReport> report = parse_hcl_report(hcl_report);
    if (!report) return refused(report.error());
    if (report->is_tdx) return refused(malformed("the hardware is TDX"));
    VtpmVerdict verdict;
    verdict.hardware = verify_snp_report(report->hardware_report, certificates, anchors, now);
    verdict.tpm = verify_bound_quote(*report, quote, verdict.hardware);
    return verdict;
}

VtpmVerdict verify_tdx_vtpm(
    ByteView hcl_report, const TpmEvidence& quote, ByteView td_quote, const TrustAnchors& anchors, UnixMillis now) {
    const Result<HclReport> report = parse_hcl_report(hcl_report);
    if (!report) return refused(report.error());
    if (!report->is_tdx) return refused(malformed("the hardware is SEV-SNP"));
    VtpmVerdict verdict;
    verdict.hardware = verify_intel_quote(td_quote, nullptr, anchors, now);
    verdict.tpm = verify_bound_quote(*report, quote, verdict.hardware);
    return verdict;
}

}  // namespace vcity::attest
