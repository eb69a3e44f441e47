// SPDX-License-Identifier: Apache-2.0
// SEV-SNP reports, GPU reports and reference manifests beyond the recorded vectors.
#include <gtest/gtest.h>

#include "attest/cursor.hpp"
#include "attest/encoding.hpp"
#include "attest/nvidia/report.hpp"
#include "attest/nvidia/rim.hpp"
#include "attest/nvidia/xml.hpp"
#include "attest/policy.hpp"
#include "attest/snp.hpp"
#include "attest/testing/vector_check.hpp"

namespace vcity::attest {
namespace {

const testing::VectorFolder& folder() {
    static const testing::VectorFolder kFolder{VCITY_SOURCE_DIR "/tests/vectors/attestation"};
    return kFolder;
}

const UnixMillis kNow = parse_timestamp("2025-07-01T00:00:00Z").value();

std::string text_of(const std::string& file) {
    return std::string{as_text(folder().read(file))};
}
Bytes snp_report() {
    return folder().read("snp/trustee_test-report.bin");
}
SnpCertificates certificates(const std::string& signer) {
    return {.signer_der = folder().read(signer), .issuers_pem = text_of("roots/amd_milan_ask_ark_asvk.pem")};
}

TEST(SnpReport, OfAnotherSizeVersionOrAlgorithmIsRefused) {
    Bytes report = snp_report();
    EXPECT_TRUE(parse_snp_report(report));
    EXPECT_FALSE(parse_snp_report(ByteView{report}.first(report.size() - 1)));
    report.push_back(0);
    EXPECT_FALSE(parse_snp_report(report));
    report = snp_report();
    report[0] = 4;
    EXPECT_FALSE(parse_snp_report(report));
    report = snp_report();
    report[0x34] = 2;
    EXPECT_FALSE(parse_snp_report(report));
}

TEST(SnpReport, WithBytesInTheReservedPartOfTheSignatureIsRefused) {
    for (const std::size_t at : {0x2a0U + 48U, 0x2a0U + 71U, 0x2a0U + 72U + 48U, 0x2a0U + 144U, 1183U}) {
        Bytes report = snp_report();
        report[at] = 1;
        EXPECT_FALSE(parse_snp_report(report)) << at;
    }
}

TEST(SnpReport, NeedsTheKindOfKeyThatItNames) {
    const Verdict vlek_for_vcek =
        verify_snp_report(snp_report(), certificates("snp/trustee_test-vlek.der"), vendor_anchors(), kNow);
    EXPECT_FALSE(vlek_for_vcek.is_authentic());
    const Verdict other_chip =
        verify_snp_report(snp_report(), certificates("snp/gosev_vcek.der"), vendor_anchors(), kNow);
    EXPECT_EQ(other_chip.outcome(Step::kReportSignature), StepOutcome::kFailed);
}

TEST(SnpReport, AfterItsCertificateExpiredIsRefused) {
    const Verdict verdict =
        verify_snp_report(folder().read("snp/trustee_test-vlek-report.bin"), certificates("snp/trustee_test-vlek.der"),
                          vendor_anchors(), parse_timestamp("2026-01-01T00:00:00Z").value());

    EXPECT_EQ(verdict.outcome(Step::kCertificateChain), StepOutcome::kFailed);
}

TEST(SnpReport, OfADebugGuestIsRefusedByPolicy) {
    const Verdict verdict = verify_snp_report(folder().read("snp/gosev_attestation.bin"),
                                              certificates("snp/gosev_vcek.der"), vendor_anchors(), kNow);

    EXPECT_TRUE(verdict.is_authentic());
    EXPECT_TRUE(
        decide(strict_policy(EvidenceKind::kSevSnp), verdict, verdict.report_data, kNow).objects(Refusal::kDebug));
}

TEST(SnpTcb, HasALayoutOfItsOwnOnTurin) {
    const std::array<std::uint8_t, 8> tcb{1, 2, 3, 4, 5, 6, 7, 8};

    EXPECT_EQ(parse_snp_tcb(tcb, false),
              (SnpTcb{.is_turin = false, .fmc = 0, .boot_loader = 1, .tee = 2, .snp = 7, .microcode = 8}));
    EXPECT_EQ(parse_snp_tcb(tcb, true),
              (SnpTcb{.is_turin = true, .fmc = 1, .boot_loader = 2, .tee = 3, .snp = 4, .microcode = 8}));
}

Bytes gpu_report() {
    return parse_plain_hex(text_of("nvidia/trustee_hopperAttestationReport.txt")).value();
}

TEST(NvidiaReport, CutAnywhereIsRefused) {
    const Bytes report = gpu_report();
    for (std::size_t size = 0; size < report.size(); ++size) {
        EXPECT_FALSE(parse_nvidia_report(ByteView{report}.first(size))) << size;
    }
}

TEST(NvidiaReport, MayBePaddedWithZerosOnly) {
    Bytes report = gpu_report();
    report.push_back(0);
    EXPECT_TRUE(parse_nvidia_report(report));
    report.push_back(1);
    EXPECT_FALSE(parse_nvidia_report(report));
}

TEST(NvidiaReport, OfAnotherDeviceIsRefused) {
    const Verdict verdict =
        verify_nvidia_report(gpu_report(), text_of("nvidia/sdk_hopperCertChain.txt"), vendor_anchors(), kNow);

    EXPECT_EQ(verdict.outcome(Step::kReportSignature), StepOutcome::kFailed);
}

Verdict a_gpu() {
    Verdict verdict;
    verdict.kind = EvidenceKind::kNvidia;
    verdict.measurements = {{"block1", Bytes(48, 1)},
                            {"block2", Bytes(48, 2)},
                            {"block3", Bytes(48, 3)},
                            {"driver", to_bytes(as_bytes("550.1"))}};
    return verdict;
}
ReferenceManifest a_driver() {
    return {.product = "GH100",
            .version = "550.1",
            .measurements = {{0, {Bytes(48, 9), Bytes(48, 1)}}},
            .expires = UnixMillis{5}};
}
ReferenceManifest a_vbios() {
    return {.product = "GH100", .version = "96", .measurements = {{2, {Bytes(48, 3)}}}, .expires = UnixMillis{4}};
}

TEST(NvidiaReferences, ThatAreAllMeasuredPass) {
    Verdict verdict = a_gpu();

    check_references(a_driver(), a_vbios(), &verdict);

    EXPECT_EQ(verdict.outcome(Step::kReferenceValues), StepOutcome::kPassed);
    EXPECT_EQ(verdict.expires, UnixMillis{4});
}

TEST(NvidiaReferences, OfAnotherDriverOrFirmwareFail) {
    ReferenceManifest driver = a_driver();
    driver.version = "550.2";
    Verdict verdict = a_gpu();
    check_references(driver, a_vbios(), &verdict);
    EXPECT_EQ(verdict.outcome(Step::kReferenceValues), StepOutcome::kFailed);

    ReferenceManifest vbios = a_vbios();
    vbios.measurements[2] = {Bytes(48, 4)};
    verdict = a_gpu();
    check_references(a_driver(), vbios, &verdict);
    EXPECT_EQ(verdict.outcome(Step::kReferenceValues), StepOutcome::kFailed);

    vbios = a_vbios();
    vbios.measurements[7] = {Bytes(48, 4)};
    verdict = a_gpu();
    check_references(a_driver(), vbios, &verdict);
    EXPECT_EQ(verdict.outcome(Step::kReferenceValues), StepOutcome::kFailed);
}

TEST(NvidiaReferences, ClaimedByBothManifestsFail) {
    ReferenceManifest vbios = a_vbios();
    vbios.measurements[0] = {Bytes(48, 1)};
    Verdict verdict = a_gpu();

    check_references(a_driver(), vbios, &verdict);

    EXPECT_EQ(verdict.outcome(Step::kReferenceValues), StepOutcome::kFailed);
}

TEST(NvidiaReferences, WithNoDigestsAllowFail) {
    ReferenceManifest driver = a_driver();
    driver.measurements[0] = {};
    Verdict verdict = a_gpu();

    check_references(driver, a_vbios(), &verdict);

    EXPECT_EQ(verdict.outcome(Step::kReferenceValues), StepOutcome::kFailed);
}

TEST(ReferenceManifest, HasTheActiveMeasurements) {
    const auto manifest = verify_rim(text_of("nvidia/sdk_NV_GPU_DRIVER_GH100_550.144.03.xml"), vendor_anchors(), kNow);
    ASSERT_TRUE(manifest);
    EXPECT_EQ(manifest->version, "550.144.03");
    EXPECT_EQ(manifest->product, "GH100");
    EXPECT_EQ(manifest->measurements.size(), 21U);
    EXPECT_EQ(plain_hex(manifest->measurements.at(7).at(0)).substr(0, 16), "4a5e4b3d501fe31f");
}

TEST(ReferenceManifest, WithAnotherDigestIsRefused) {
    std::string text = text_of("nvidia/sdk_NV_GPU_DRIVER_GH100_550.144.03.xml");
    text[text.find("4a5e4b3d501fe31f")] = '5';

    const auto manifest = verify_rim(text, vendor_anchors(), kNow);

    ASSERT_FALSE(manifest);
    EXPECT_EQ(manifest.error().message, "rim: the document is not the signed one");
}

// The rules of Canonical XML 1.1 that a manifest meets: empty elements in two tags, namespaces before attributes and
// sorted by prefix, attributes by namespace then name, white space in tags reduced, what is inherited not repeated.
TEST(CanonicalXml, HasOneFormForEqualDocuments) {
    const auto root = parse_xml(R"(<a xmlns:z="u:z"  b="2" xmlns="u:d" a="1" z:a="3" xmlns:y="u:y" y:b="4" ><c  />
 <y:d xmlns:y="u:y" xmlns:x="u:x"></y:d ></a>)");
    ASSERT_TRUE(root);
    EXPECT_EQ(canonicalize(*root), R"(<a xmlns="u:d" xmlns:y="u:y" xmlns:z="u:z" a="1" b="2" y:b="4" z:a="3"><c></c>)"
                                   "\n "
                                   R"(<y:d xmlns:x="u:x"></y:d></a>)");
    EXPECT_EQ(canonicalize(root->children[1], root->namespaces),
              R"(<y:d xmlns="u:d" xmlns:x="u:x" xmlns:y="u:y" xmlns:z="u:z"></y:d>)");
    EXPECT_EQ(canonicalize(*root, {}, &root->children[0]),
              R"(<a xmlns="u:d" xmlns:y="u:y" xmlns:z="u:z" a="1" b="2" y:b="4" z:a="3">)"
              "\n "
              R"(<y:d xmlns:x="u:x"></y:d></a>)");
}

TEST(Xml, OutsideTheUsedPartIsRefused) {
    for (const char* text : {"",
                             "<a>",
                             "<a></b>",
                             "<a/><b/>",
                             "<a/>x",
                             "<?xml version=\"1.0\"?><a/>",
                             "<!DOCTYPE a><a/>",
                             "<a><!-- --></a>",
                             "<a>&lt;</a>",
                             "<a b=\"&amp;\"/>",
                             "<a b='1'/>",
                             "<a b=\"1\" b=\"2\"/>",
                             "<p:a/>",
                             "<a p:b=\"1\"/>",
                             "<a xmlns:p=\"u\" xmlns:q=\"u\" p:b=\"1\" q:b=\"1\"/>",
                             "<a><![CDATA[x]]></a>",
                             "<a xmlns=\"\"/>",
                             "<a xml:lang=\"en\"/>",
                             "<a\rb=\"1\"/>",
                             "<a b=\"1\"c=\"2\"/>",
                             "<a xmlns:p=\"u\" xmlns:p=\"v\"/>",
                             "<1a/>",
                             "<a b/>",
                             "<a b=\"",
                             "< a/>"}) {
        EXPECT_FALSE(parse_xml(text)) << text;
    }
    std::string deep;
    for (int i = 0; i < 100; ++i) deep += "<a>";
    EXPECT_FALSE(parse_xml(deep));
}

}  // namespace
}  // namespace vcity::attest
