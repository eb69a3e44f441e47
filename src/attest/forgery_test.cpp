// SPDX-License-Identifier: Apache-2.0
// Evidence of made-up vendors, to see that each check is needed: everything is signed well but one thing is wrong.
#include <gtest/gtest.h>

#include "attest/cursor.hpp"
#include "attest/encoding.hpp"
#include "attest/intel/verify.hpp"
#include "attest/nvidia/report.hpp"
#include "attest/snp.hpp"
#include "attest/testing/authority.hpp"
#include "crypto/sha256.hpp"

namespace vcity::attest {
namespace {

using testing::Authority;
using testing::CertificateSpec;

constexpr UnixMillis kNow{1'750'000'000'000U};

Bytes der(std::uint8_t tag, const Bytes& content) {
    Bytes out{tag};
    if (content.size() >= 256) {
        out.push_back(0x82);
        out.push_back(static_cast<std::uint8_t>(content.size() >> 8U));
    } else if (content.size() >= 128) {
        out.push_back(0x81);
    }
    out.push_back(static_cast<std::uint8_t>(content.size()));
    append(&out, content);
    return out;
}
Bytes joined(const std::vector<Bytes>& parts) {
    Bytes out;
    for (const Bytes& part : parts) append(&out, part);
    return out;
}
Bytes number(std::uint64_t value, std::size_t size) {
    Bytes out;
    for (std::size_t i = 0; i < size; ++i) out.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
    return out;
}

// --- Intel

const Bytes kArc{0x2a, 0x86, 0x48, 0x86, 0xf8, 0x4d, 0x01, 0x0d, 0x01};

Bytes named(const std::vector<std::uint8_t>& arcs, const Bytes& value) {
    Bytes oid = kArc;
    append(&oid, arcs);
    return der(kDerSequence, joined({der(kDerOid, oid), value}));
}
// All SVNs 3, PCE SVN 5, FMSPC 6 bytes of 1.
Bytes pck_extension() {
    Bytes tcb;
    for (std::uint8_t i = 1; i <= 17; ++i)
        append(&tcb, named({2, i}, der(kDerInteger, {i == 17 ? std::uint8_t{5} : std::uint8_t{3}})));
    return der(kDerSequence,
               joined({named({1}, der(kDerOctets, Bytes(16, 9))), named({2}, der(kDerSequence, tcb)),
                       named({3}, der(kDerOctets, Bytes(2, 0))), named({4}, der(kDerOctets, Bytes(6, 1)))}));
}

// A platform of our own with its vendor.
struct IntelWorld {
    Authority root = Authority::root();
    Authority ca = root.issue({.subject = "PCK CA", .path_length = 0, .serial = 2});
    Authority pck = ca.issue({.subject = "PCK",
                              .is_ca = false,
                              .may_sign = false,
                              .serial = 3,
                              .extensions = {{"1.2.840.113741.1.13.1", pck_extension()}}});
    Authority signing =
        root.issue({.subject = "Intel SGX TCB Signing", .is_ca = false, .may_sign = false, .serial = 4});
    Authority attestation = Authority::root();

    Bytes quote() const {
        Bytes report(SgxReport::kBytes);
        const Bytes header = joined({number(3, 2), number(2, 2), Bytes(8, 0),
                                     parse_plain_hex("939a7233f79c4ca9940a0db3957f0607").value(), Bytes(20, 0)});
        const Bytes covered = joined({header, report});
        const Bytes key = attestation.public_point();
        Bytes qe(SgxReport::kBytes);
        const Hash bound = crypto::sha256(key);
        std::copy(bound.bytes.begin(), bound.bytes.end(), qe.begin() + 320);
        const std::string chain = pck.pem() + ca.pem() + root.pem();
        const Bytes data = joined({attestation.sign(covered), key, qe, pck.sign(qe), number(0, 2), number(5, 2),
                                   number(chain.size(), 4), to_bytes(as_bytes(chain))});
        return joined({covered, number(data.size(), 4), data});
    }

    IntelCollateral collateral() const {
        std::string components;
        for (int i = 0; i < 16; ++i) components += i == 0 ? R"({"svn":3})" : R"(,{"svn":3})";
        const std::string dates = R"("issueDate":"2025-06-01T00:00:00Z","nextUpdate":"2025-07-01T00:00:00Z",)";
        const std::string info = R"({"id":"SGX","version":3,)" + dates +
                                 R"("fmspc":"010101010101","pceId":"0000","tcbType":0,"tcbEvaluationDataNumber":1,)"
                                 R"("tcbLevels":[{"tcb":{"sgxtcbcomponents":[)" +
                                 components + R"(],"pcesvn":5},"tcbStatus":"UpToDate"}]})";
        const std::string identity = R"({"id":"QE","version":2,)" + dates +
                                     R"("tcbEvaluationDataNumber":1,"miscselect":"00000000",)"
                                     R"("miscselectMask":"FFFFFFFF","attributes":")" +
                                     std::string(32, '0') + R"(","attributesMask":")" + std::string(32, 'F') +
                                     R"(","mrsigner":")" + std::string(64, '0') +
                                     R"(","isvprodid":0,"tcbLevels":[{"tcb":{"isvsvn":0},"tcbStatus":"UpToDate"}]})";
        return {.tcb_info = {.text = info, .signature = signing.sign(as_bytes(info))},
                .qe_identity = {.text = identity, .signature = signing.sign(as_bytes(identity))},
                .signing_chain = signing.pem() + root.pem(),
                .root_crl = root.revoke({}),
                .pck_crl = ca.revoke({})};
    }

    Verdict verify(const IntelCollateral& given) const {
        TrustAnchors anchors;
        anchors.intel = {root.certificate().fingerprint()};
        return verify_intel_quote(quote(), &given, anchors, kNow);
    }
};

TEST(IntelForgery, WithNothingWrongIsAccepted) {
    const IntelWorld world;
    const Verdict verdict = world.verify(world.collateral());

    EXPECT_TRUE(verdict.is_authentic()) << verdict.first_failure();
    EXPECT_EQ(verdict.tcb, TcbStatus::kUpToDate);
    for (const Step step : {Step::kRevocation, Step::kTcbInfo, Step::kQuotingEnclavePolicy}) {
        EXPECT_EQ(verdict.outcome(step), StepOutcome::kPassed) << to_string(step);
    }
}

TEST(IntelForgery, OfARevokedPlatformCaOrSignerIsRefused) {
    const IntelWorld world;
    IntelCollateral collateral = world.collateral();
    collateral.pck_crl = world.ca.revoke({3});
    EXPECT_EQ(world.verify(collateral).outcome(Step::kRevocation), StepOutcome::kFailed);
    for (const std::uint64_t serial : {2U, 4U}) {
        collateral = world.collateral();
        collateral.root_crl = world.root.revoke({serial});
        EXPECT_EQ(world.verify(collateral).outcome(Step::kRevocation), StepOutcome::kFailed) << serial;
    }
}

TEST(IntelForgery, WithDocumentsOfACertificateForAnotherPurposeIsRefused) {
    IntelWorld world;
    world.signing = world.root.issue({.subject = "Intel SGX PCK Platform CA", .is_ca = false, .may_sign = false});

    const Verdict verdict = world.verify(world.collateral());

    EXPECT_EQ(verdict.outcome(Step::kTcbInfo), StepOutcome::kFailed);
    EXPECT_EQ(verdict.outcome(Step::kQuotingEnclavePolicy), StepOutcome::kFailed);
}

TEST(IntelForgery, WithAnEditedDocumentIsRefused) {
    const IntelWorld world;
    IntelCollateral collateral = world.collateral();
    collateral.tcb_info.text.replace(collateral.tcb_info.text.find("\"svn\":3"), 7, "\"svn\":2");
    EXPECT_EQ(world.verify(collateral).outcome(Step::kTcbInfo), StepOutcome::kFailed);
    collateral = world.collateral();
    collateral.qe_identity.text += " ";
    EXPECT_EQ(world.verify(collateral).outcome(Step::kQuotingEnclavePolicy), StepOutcome::kFailed);
}

TEST(IntelForgery, WithoutAPckLeafIsRefused) {
    IntelWorld world;
    world.pck = world.ca.issue({.subject = "PCK", .is_ca = false, .may_sign = false, .serial = 3});

    EXPECT_EQ(world.verify(world.collateral()).outcome(Step::kCertificateChain), StepOutcome::kFailed);
}

// --- AMD

struct AmdWorld {
    Bytes chip = Bytes(64, 7);
    std::uint8_t microcode = 0x73;
    bool is_vlek = false;
    Bytes report_chip = Bytes(64, 7);

    Verdict verify() const {
        const Authority ark = Authority::root({.subject = "ARK", .is_p384 = true});
        const Authority ask = ark.issue({.subject = "SEV", .is_p384 = true});
        const std::string arc = "1.3.6.1.4.1.3704.1.";
        CertificateSpec spec{.subject = "Signer", .is_ca = false, .may_sign = false, .is_p384 = true};
        spec.extensions = {{arc + "3.1", {2, 1, 3}},
                           {arc + "3.2", {2, 1, 0}},
                           {arc + "3.3", {2, 1, 8}},
                           {arc + "3.8", {2, 1, microcode}}};
        if (is_vlek) {
            spec.extensions.push_back({arc + "5", {0x16, 1, 'x'}});
        } else {
            spec.extensions.push_back({arc + "4", chip});
        }
        const Authority signer = ask.issue(spec);
        Bytes report(SnpReport::kBytes);
        report[0] = 2;
        report[0x34] = 1;
        const Bytes tcb{3, 0, 0, 0, 0, 0, 8, 0x73};
        std::copy(tcb.begin(), tcb.end(), report.begin() + 0x180);
        std::copy(report_chip.begin(), report_chip.end(), report.begin() + 0x1a0);
        const Bytes r_s = signer.sign(ByteView{report}.first(SnpReport::kSignedBytes));
        for (std::size_t i = 0; i < 48; ++i) {
            report[0x2a0 + i] = r_s[47 - i];
            report[0x2a0 + 72 + i] = r_s[95 - i];
        }
        TrustAnchors anchors;
        anchors.amd = {ark.certificate().fingerprint()};
        return verify_snp_report(
            report, {.signer_der = to_bytes(signer.certificate().der()), .issuers_pem = ark.pem() + ask.pem()}, anchors,
            kNow);
    }
};

TEST(AmdForgery, NeedsTheCertificateOfThisChipAndTcb) {
    EXPECT_TRUE(AmdWorld{}.verify().is_authentic()) << AmdWorld{}.verify().first_failure();
    EXPECT_EQ(AmdWorld{.chip = Bytes(64, 8)}.verify().first_failure(), "the certificate is of another chip");
    EXPECT_EQ(AmdWorld{.microcode = 0x72}.verify().first_failure(),
              "the certificate is of another TCB version than the report");
    EXPECT_EQ(AmdWorld{.is_vlek = true}.verify().first_failure(), "the report names a VCEK, the certificate is none");
    EXPECT_EQ(AmdWorld{.report_chip = Bytes(64, 0)}.verify().first_failure(), "the certificate is of another chip");
    EXPECT_EQ(AmdWorld{.chip = Bytes(63, 7)}.verify().outcome(Step::kCertificateChain), StepOutcome::kFailed);
}

// --- NVIDIA

Verdict verify_gpu(std::uint8_t reported, std::uint8_t certified, const std::string& oid) {
    const Authority root = Authority::root({.subject = "Root", .is_p384 = true});
    const Authority device = root.issue({.subject = "Device", .is_p384 = true});
    CertificateSpec spec{.subject = "Leaf", .is_ca = false, .may_sign = false, .is_p384 = true};
    Bytes extension = Bytes(100, 0);
    append(&extension, Bytes(48, certified));
    if (oid == "2.23.133.5.4.1.1") {
        const Bytes id = der(kDerSequence, joined({der(kDerOid, {0x60}), der(kDerOctets, Bytes(48, certified))}));
        extension = der(kDerSequence, joined({der(0x83, {1}), der(0xa6, id)}));
    }
    if (!oid.empty()) spec.extensions = {{oid, extension}};
    const Authority leaf = device.issue(spec);
    const Bytes block = joined({Bytes{1, 1}, number(51, 2), Bytes{1}, number(48, 2), Bytes(48, 5)});
    const Bytes opaque = joined({number(20, 2), number(48, 2), Bytes(48, reported)});
    Bytes report = joined({Bytes{0x11, 0xe0, 1, 0xff}, Bytes(32, 6), Bytes{0}, Bytes{0x11, 0x60, 0, 0, 1},
                           number(block.size(), 3), block, Bytes(32, 7), number(opaque.size(), 2), opaque});
    const Bytes signature = leaf.sign(report);
    append(&report, signature);
    TrustAnchors anchors;
    anchors.nvidia_device = {root.certificate().fingerprint()};
    return verify_nvidia_report(report, leaf.pem() + device.pem() + root.pem(), anchors, kNow);
}

TEST(NvidiaForgery, NeedsTheFirmwareOfTheCertificate) {
    for (const char* oid : {"2.23.133.5.4.1", "2.23.133.5.4.1.1"}) {
        const Verdict good = verify_gpu(3, 3, oid);
        EXPECT_TRUE(good.is_authentic()) << good.first_failure();
        EXPECT_EQ(*good.measurement("block1"), Bytes(48, 5));
        EXPECT_EQ(good.report_data, Bytes(32, 6));
        EXPECT_EQ(verify_gpu(3, 4, oid).first_failure(), "the firmware id is not that of the certificate");
    }
    EXPECT_EQ(verify_gpu(3, 3, "").first_failure(), "gpu report: the leaf has no firmware id");
}

}  // namespace
}  // namespace vcity::attest
