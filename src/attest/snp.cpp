// SPDX-License-Identifier: Apache-2.0
#include "attest/snp.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "attest/certificate.hpp"
#include "attest/cursor.hpp"
#include "attest/encoding.hpp"

namespace vcity::attest {
namespace {

constexpr std::uint32_t kEcdsaP384Sha384 = 1;
constexpr std::size_t kPolicyAt = 0x8;
constexpr std::size_t kVmplAt = 0x30;
constexpr std::uint32_t kKeyVcek = 0;
constexpr std::uint32_t kKeyVlek = 1;
constexpr std::size_t kSignatureNumberBytes = 72;
constexpr std::size_t kP384Bytes = 48;
constexpr std::string_view kArc = "1.3.6.1.4.1.3704.1.";

Error malformed(const char* what) {
    return make_error(Errc::kInvalid, fmt::format("snp report: {}", what));
}

// A little-endian number of 72 bytes of which 48 may be used, as 48 big-endian bytes.
Result<Bytes> p384_number(ByteView little) {
    if (!all_equal(little.subspan(kP384Bytes), 0)) return malformed("a signature number is too large");
    Bytes big = to_bytes(little.first(kP384Bytes));
    std::reverse(big.begin(), big.end());
    return big;
}

void read_signed(ByteView bytes, SnpReport* report) {
    Cursor cursor{bytes, ByteOrder::kLittle};
    report->version = cursor.u32();
    report->guest_svn = cursor.u32();
    report->policy = cursor.u64();
    cursor.take(32);  // FAMILY_ID, IMAGE_ID
    report->vmpl = cursor.u32();
    cursor.take(4);  // SIGNATURE_ALGO
    report->current_tcb = cursor.fixed<8>();
    cursor.take(8);  // PLATFORM_INFO
    report->key_info = cursor.u32();
    cursor.take(4);
    report->report_data = cursor.fixed<64>();
    report->measurement = cursor.fixed<48>();
    report->host_data = cursor.fixed<32>();
    report->id_key_digest = cursor.fixed<48>();
    report->author_key_digest = cursor.fixed<48>();
    cursor.take(64);  // REPORT_ID, REPORT_ID_MA
    report->reported_tcb = cursor.fixed<8>();
    cursor.take(24);  // CPUID of version 3, reserved
    report->chip_id = cursor.fixed<64>();
    report->committed_tcb = cursor.fixed<8>();
    cursor.take(8);  // builds
    report->launch_tcb = cursor.fixed<8>();
}

Result<std::uint8_t> version_claim(const Certificate& certificate, std::string_view arc) {
    const std::optional<ByteView> value = certificate.extension(std::string{kArc} + std::string{arc});
    if (!value) return make_error(Errc::kInvalid, fmt::format("certificate: no version {}", arc));
    TRY(const std::vector<DerElement> elements, parse_der(*value, 1));
    if (elements.size() != 1) return make_error(Errc::kInvalid, "certificate: a version is malformed");
    TRY(const std::uint64_t number, der_unsigned(elements[0]));
    if (number > 255) return make_error(Errc::kInvalid, "certificate: a version above 255");
    return static_cast<std::uint8_t>(number);
}

// The signer with its chain, or the step that failed.
struct Signer {
    Certificate certificate;
    SnpCertificateClaims claims;
};

Result<Signer> check_signer(const SnpCertificates& given, const RootPins& roots, UnixMillis now, Verdict* verdict) {
    TRY(Certificate certificate, Certificate::parse(given.signer_der));
    TRY(const CertificateList pool, parse_certificates(given.issuers_pem));
    TRY(const std::vector<const Certificate*> chain, find_chain(certificate, pool, roots, now));
    TRY(SnpCertificateClaims claims, parse_snp_claims(certificate));
    for (const Certificate* link : chain) verdict->expires_by(link->not_after());
    return Signer{std::move(certificate), std::move(claims)};
}

void describe(const SnpReport& report, ByteView bytes, Verdict* verdict) {
    verdict->debug = report.is_debug();
    verdict->report_data = to_bytes(report.report_data);
    verdict->measurements = {
        {"measurement", to_bytes(report.measurement)},     {"host_data", to_bytes(report.host_data)},
        {"id_key_digest", to_bytes(report.id_key_digest)}, {"author_key_digest", to_bytes(report.author_key_digest)},
        {"vmpl", to_bytes(bytes.subspan(kVmplAt, 4))},     {"policy", to_bytes(bytes.subspan(kPolicyAt, 8))}};
    verdict->versions = {{"guest", report.guest_svn}};
}

std::string claims_problem(const SnpReport& report, const SnpCertificateClaims& claims) {
    if (report.signing_key() == kKeyVcek) {
        if (claims.chip_id.empty()) return "the report names a VCEK, the certificate is none";
        const ByteView chip = report.chip_id;
        if (!equal(chip.first(claims.chip_id.size()), claims.chip_id) ||
            !all_equal(chip.subspan(claims.chip_id.size()), 0)) {
            return "the certificate is of another chip";
        }
    } else if (claims.csp_id.empty()) {
        return "the report names a VLEK, the certificate is none";
    }
    if (parse_snp_tcb(report.reported_tcb, claims.tcb.is_turin) != claims.tcb) {
        return "the certificate is of another TCB version than the report";
    }
    return {};
}

}  // namespace

Result<SnpReport> parse_snp_report(ByteView bytes) {
    if (bytes.size() != SnpReport::kBytes) return malformed("not 1,184 bytes");
    SnpReport report;
    read_signed(bytes.first(SnpReport::kSignedBytes), &report);
    if (report.version != 2 && report.version != 3 && report.version != 5) return malformed("a version not known");
    if (Cursor{bytes.subspan(0x34), ByteOrder::kLittle}.u32() != kEcdsaP384Sha384) {
        return malformed("an algorithm that is not ECDSA-P384");
    }
    if (report.signing_key() != kKeyVcek && report.signing_key() != kKeyVlek) return malformed("unsigned");
    const ByteView signature = bytes.subspan(SnpReport::kSignedBytes);
    TRY(report.signature, p384_number(signature.first(kSignatureNumberBytes)));
    TRY(const Bytes s, p384_number(signature.subspan(kSignatureNumberBytes, kSignatureNumberBytes)));
    append(&report.signature, s);
    if (!all_equal(signature.subspan(2 * kSignatureNumberBytes), 0)) return malformed("bytes after the signature");
    return report;
}

SnpTcb parse_snp_tcb(const std::array<std::uint8_t, 8>& tcb, bool is_turin) {
    if (is_turin) {
        return {
            .is_turin = true, .fmc = tcb[0], .boot_loader = tcb[1], .tee = tcb[2], .snp = tcb[3], .microcode = tcb[7]};
    }
    return {.is_turin = false, .fmc = 0, .boot_loader = tcb[0], .tee = tcb[1], .snp = tcb[6], .microcode = tcb[7]};
}

Result<SnpCertificateClaims> parse_snp_claims(const Certificate& certificate) {
    SnpCertificateClaims claims;
    claims.tcb.is_turin = certificate.extension(std::string{kArc} + "3.9").has_value();
    if (claims.tcb.is_turin) {
        TRY(claims.tcb.fmc, version_claim(certificate, "3.9"));
    }
    TRY(claims.tcb.boot_loader, version_claim(certificate, "3.1"));
    TRY(claims.tcb.tee, version_claim(certificate, "3.2"));
    TRY(claims.tcb.snp, version_claim(certificate, "3.3"));
    TRY(claims.tcb.microcode, version_claim(certificate, "3.8"));
    // The hardware id stands in the extension as it is, not as a DER value.
    const std::optional<ByteView> chip = certificate.extension(std::string{kArc} + "4");
    const std::optional<ByteView> csp = certificate.extension(std::string{kArc} + "5");
    if (chip.has_value() == csp.has_value()) {
        return make_error(Errc::kInvalid, "certificate: neither or both of chip and provider");
    }
    if (chip) {
        if (chip->size() != (claims.tcb.is_turin ? 8U : 64U)) {
            return make_error(Errc::kInvalid, "certificate: a hardware id of the wrong size");
        }
        claims.chip_id = to_bytes(*chip);
        return claims;
    }
    TRY(const std::vector<DerElement> elements, parse_der(*csp, 1));
    if (elements.size() != 1 || elements[0].content.empty()) {
        return make_error(Errc::kInvalid, "certificate: the provider id is malformed");
    }
    claims.csp_id = as_text(elements[0].content);
    return claims;
}

Verdict verify_snp_certificate(const SnpCertificates& certificates, const TrustAnchors& anchors, UnixMillis now) {
    Verdict verdict;
    verdict.kind = EvidenceKind::kSevSnp;
    const Result<Signer> signer = check_signer(certificates, anchors.amd, now, &verdict);
    if (!signer) {
        verdict.fail(Step::kCertificateChain, signer.error().message);
        return verdict;
    }
    verdict.pass(Step::kCertificateChain);
    verdict.platform_id = signer->claims.chip_id;
    return verdict;
}

Verdict verify_snp_report(ByteView bytes,
                          const SnpCertificates& certificates,
                          const TrustAnchors& anchors,
                          UnixMillis now) {
    Verdict verdict;
    verdict.kind = EvidenceKind::kSevSnp;
    const Result<SnpReport> report = parse_snp_report(bytes);
    if (!report) {
        verdict.fail(Step::kFormat, report.error().message);
        return verdict;
    }
    verdict.pass(Step::kFormat);
    describe(*report, bytes, &verdict);
    const Result<Signer> signer = check_signer(certificates, anchors.amd, now, &verdict);
    if (!signer) {
        verdict.fail(Step::kCertificateChain, signer.error().message);
        return verdict;
    }
    verdict.pass(Step::kCertificateChain);
    const Result<PublicKey> key = signer->certificate.key();
    if (!key || key->kind() != KeyKind::kEcP384 ||
        !key->verify_ecdsa(HashAlgorithm::kSha384, bytes.first(SnpReport::kSignedBytes), report->signature)) {
        verdict.fail(Step::kReportSignature, "the report is not signed by the certificate's key");
        return verdict;
    }
    verdict.pass(Step::kReportSignature);
    std::string problem = claims_problem(*report, signer->claims);
    if (!problem.empty()) {
        verdict.fail(Step::kCertificateClaims, std::move(problem));
        return verdict;
    }
    verdict.pass(Step::kCertificateClaims);
    verdict.platform_id = signer->claims.chip_id;
    const SnpTcb& tcb = signer->claims.tcb;
    const std::vector<SecurityVersion> versions{{"fmc", tcb.fmc},
                                                {"boot_loader", tcb.boot_loader},
                                                {"tee", tcb.tee},
                                                {"snp", tcb.snp},
                                                {"microcode", tcb.microcode}};
    verdict.versions.insert(verdict.versions.end(), versions.begin(), versions.end());
    return verdict;
}

}  // namespace vcity::attest
