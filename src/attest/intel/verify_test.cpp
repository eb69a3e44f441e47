// SPDX-License-Identifier: Apache-2.0
#include "attest/intel/verify.hpp"

#include <gtest/gtest.h>

#include "attest/encoding.hpp"
#include "attest/policy.hpp"
#include "attest/testing/authority.hpp"
#include "attest/testing/vector_check.hpp"

namespace vcity::attest {
namespace {

const testing::VectorFolder& folder() {
    static const testing::VectorFolder kFolder{VCITY_SOURCE_DIR "/tests/vectors/attestation"};
    return kFolder;
}

std::string text_of(const std::string& file) {
    return std::string{as_text(folder().read(file))};
}

const UnixMillis kNow = parse_timestamp("2025-07-01T00:00:00Z").value();

Bytes good_quote() {
    return folder().read("tdx/phala_tdx_quote_v4.bin");
}
IntelCollateral good_collateral() {
    return parse_intel_collateral(text_of("tdx/phala_tdx_quote_v4_collateral.json")).value();
}
IntelCollateral sgx_collateral() {
    return parse_intel_collateral(text_of("sgx/phala_sgx_quote_v3_collateral.json")).value();
}
Verdict verify(const IntelCollateral& collateral) {
    return verify_intel_quote(good_quote(), &collateral, vendor_anchors(), kNow);
}

TEST(IntelQuote, CutAnywhereIsRefused) {
    for (const char* file :
         {"tdx/phala_tdx_quote_v4.bin", "tdx/gotdx_quote_v5_sample.dat", "sgx/phala_sgx_quote_v3.bin"}) {
        const Bytes whole = folder().read(file);
        const std::size_t used = whole.size() - parse_intel_quote(whole)->trailing_bytes;
        for (std::size_t size = 0; size < used; ++size) {
            EXPECT_FALSE(parse_intel_quote(ByteView{whole}.first(size))) << file << " " << size;
        }
        EXPECT_TRUE(parse_intel_quote(ByteView{whole}.first(used)));
    }
}

TEST(IntelQuote, AboveItsMaximumIsRefused) {
    Bytes quote = good_quote();
    quote.resize(64U << 10U);
    EXPECT_TRUE(parse_intel_quote(quote));
    quote.push_back(0);
    EXPECT_FALSE(parse_intel_quote(quote));
}

// The attack that the binding is there for: a genuine quoting enclave's report and chain around a quote of one's own.
TEST(IntelQuote, SignedByAKeyThatNoEnclaveVouchesForIsRefused) {
    const testing::Authority forger = testing::Authority::root();
    Bytes quote = good_quote();
    const std::size_t signed_size = parse_intel_quote(quote)->signed_bytes.size();
    quote[signed_size - 1] ^= 1;  // report data
    const Bytes signature = forger.sign(ByteView{quote}.first(signed_size));
    const Bytes key = forger.public_point();
    std::copy(signature.begin(), signature.end(), quote.begin() + static_cast<std::ptrdiff_t>(signed_size + 4));
    std::copy(key.begin(), key.end(), quote.begin() + static_cast<std::ptrdiff_t>(signed_size + 4 + 64));

    const Verdict verdict = verify_intel_quote(quote, nullptr, vendor_anchors(), kNow);

    EXPECT_EQ(verdict.outcome(Step::kReportSignature), StepOutcome::kPassed);
    EXPECT_EQ(verdict.outcome(Step::kKeyBinding), StepOutcome::kFailed);
    EXPECT_EQ(verdict.outcome(Step::kQuotingEnclave), StepOutcome::kPassed);
    EXPECT_FALSE(verdict.is_authentic());
}

TEST(IntelQuote, UnderAnotherRootIsRefused) {
    TrustAnchors anchors = vendor_anchors();
    anchors.intel = anchors.amd;

    const Verdict verdict = verify_intel_quote(good_quote(), nullptr, anchors, kNow);

    EXPECT_EQ(verdict.outcome(Step::kCertificateChain), StepOutcome::kFailed);
    EXPECT_FALSE(verdict.is_authentic());
}

TEST(IntelQuote, ExpiresWithTheFirstPartOfItsCollateral) {
    EXPECT_EQ(verify(good_collateral()).expires, parse_timestamp("2025-07-19T10:00:35Z").value());
    EXPECT_EQ(verify(good_collateral()).platform_id.size(), 16U);
}

TEST(IntelCollateralCheck, WithoutListsIsNotChecked) {
    IntelCollateral collateral = good_collateral();
    collateral.pck_crl.clear();

    const Verdict verdict = verify(collateral);

    EXPECT_EQ(verdict.outcome(Step::kRevocation), StepOutcome::kNotChecked);
    EXPECT_TRUE(verdict.is_authentic());
    EXPECT_TRUE(
        decide(strict_policy(EvidenceKind::kTdx), verdict, verdict.report_data, kNow).objects(Refusal::kNotChecked));
}

TEST(IntelCollateralCheck, WithListsOfOtherIssuersFails) {
    IntelCollateral collateral = good_collateral();
    std::swap(collateral.pck_crl, collateral.root_crl);
    EXPECT_EQ(verify(collateral).outcome(Step::kRevocation), StepOutcome::kFailed);

    collateral = good_collateral();
    collateral.pck_crl = sgx_collateral().pck_crl;  // of the Processor CA
    EXPECT_EQ(verify(collateral).outcome(Step::kRevocation), StepOutcome::kFailed);
}

TEST(IntelCollateralCheck, WithDocumentsOfAnotherPlatformFails) {
    IntelCollateral collateral = good_collateral();
    collateral.tcb_info = sgx_collateral().tcb_info;
    EXPECT_EQ(verify(collateral).outcome(Step::kTcbInfo), StepOutcome::kFailed);
    EXPECT_EQ(verify(collateral).tcb, TcbStatus::kUnsupported);

    collateral = good_collateral();
    collateral.qe_identity = sgx_collateral().qe_identity;
    EXPECT_EQ(verify(collateral).outcome(Step::kQuotingEnclavePolicy), StepOutcome::kFailed);
}

TEST(IntelCollateralCheck, WithAnotherSignerFails) {
    IntelCollateral collateral = good_collateral();
    // The PCK chain of a quote leads to the same root but may not sign documents.
    const Bytes quote = good_quote();
    collateral.signing_chain = parse_intel_quote(quote)->pck_chain;

    const Verdict verdict = verify(collateral);

    EXPECT_EQ(verdict.outcome(Step::kTcbInfo), StepOutcome::kFailed);
    EXPECT_EQ(verdict.outcome(Step::kQuotingEnclavePolicy), StepOutcome::kFailed);
}

TEST(IntelCollateralCheck, BeforeItsIssueFails) {
    const IntelCollateral collateral = good_collateral();
    const UnixMillis before = parse_timestamp("2025-06-19T10:16:02Z").value();

    EXPECT_EQ(verify_intel_quote(good_quote(), &collateral, vendor_anchors(), before).outcome(Step::kTcbInfo),
              StepOutcome::kFailed);
}

// What the index says a policy must do.
TEST(IntelPolicy, RefusesTheDebugGuestAndTheOutdatedPlatform) {
    const Verdict debug =
        verify_intel_quote(folder().read("tdx/trustee_tdx_quote_4.dat"), nullptr, vendor_anchors(), kNow);
    EXPECT_TRUE(decide(strict_policy(EvidenceKind::kTdx), debug, debug.report_data, kNow).objects(Refusal::kDebug));

    const Verdict good = verify(good_collateral());
    EXPECT_TRUE(decide(strict_policy(EvidenceKind::kTdx), good, good.report_data, kNow).is_accepted());
    EXPECT_TRUE(decide(strict_policy(EvidenceKind::kTdx), good, good.report_data, kNow + UnixMillis{3'000'000'000U})
                    .objects(Refusal::kExpired));
}

TcbInfo an_info() {
    TcbInfo info;
    info.is_tdx = true;
    info.fmspc = Bytes(6, 1);
    info.pce_id = Bytes(2, 0);
    info.module = TdxModuleIdentity{
        .id = {}, .mr_signer = Bytes(48), .attributes = Bytes(8), .attributes_mask = Bytes(8, 0xff), .levels = {}};
    TdxModuleIdentity identity = *info.module;
    identity.id = "TDX_01";
    identity.levels = {{.isv_svn = 4, .status = TcbStatus::kUpToDate, .advisories = {}},
                       {.isv_svn = 2, .status = TcbStatus::kOutOfDate, .advisories = {"A"}}};
    info.module_identities = {identity};
    TcbLevel newest;
    newest.sgx_svn.fill(3);
    newest.tdx_svn.fill(3);
    newest.pce_svn = 11;
    newest.status = TcbStatus::kUpToDate;
    TcbLevel older = newest;
    older.pce_svn = 5;
    older.status = TcbStatus::kConfigurationNeeded;
    older.advisories = {"B"};
    info.levels = {newest, older};
    return info;
}
PckClaims a_platform() {
    PckClaims pck;
    pck.fmspc = Bytes(6, 1);
    pck.pce_id = Bytes(2, 0);
    pck.svn.fill(3);
    pck.pce_svn = 11;
    return pck;
}
TdReport a_guest() {
    TdReport td;
    td.tee_tcb_svn.fill(3);
    td.tee_tcb_svn[1] = 1;
    td.tee_tcb_svn[0] = 4;
    return td;
}

TEST(TcbEvaluation, TakesTheFirstLevelThatThePlatformReaches) {
    const TdReport td = a_guest();
    EXPECT_EQ(evaluate_tcb(an_info(), a_platform(), &td).status, TcbStatus::kUpToDate);

    PckClaims older = a_platform();
    older.pce_svn = 10;
    EXPECT_EQ(evaluate_tcb(an_info(), older, &td).status, TcbStatus::kConfigurationNeeded);
    EXPECT_EQ(evaluate_tcb(an_info(), older, &td).advisories, std::vector<std::string>{"B"});
}

TEST(TcbEvaluation, NeedsEveryComponent) {
    for (std::size_t i = 0; i < 16; ++i) {
        const TdReport td = a_guest();
        PckClaims below = a_platform();
        below.svn[i] = 2;
        EXPECT_EQ(evaluate_tcb(an_info(), below, &td).status, TcbStatus::kUnsupported) << i;
    }
    for (std::size_t i = 2; i < 16; ++i) {
        TdReport td = a_guest();
        td.tee_tcb_svn[i] = 2;
        EXPECT_EQ(evaluate_tcb(an_info(), a_platform(), &td).status, TcbStatus::kUnsupported) << i;
    }
}

TEST(TcbEvaluation, JudgesTheModuleByItsIdentity) {
    TdReport td = a_guest();
    td.tee_tcb_svn[0] = 3;
    EXPECT_EQ(evaluate_tcb(an_info(), a_platform(), &td).status, TcbStatus::kOutOfDate);
    EXPECT_EQ(evaluate_tcb(an_info(), a_platform(), &td).advisories, std::vector<std::string>{"A"});
    td.tee_tcb_svn[0] = 1;
    EXPECT_EQ(evaluate_tcb(an_info(), a_platform(), &td).status, TcbStatus::kUnsupported);
    td = a_guest();
    td.tee_tcb_svn[1] = 2;
    EXPECT_EQ(evaluate_tcb(an_info(), a_platform(), &td).status, TcbStatus::kUnsupported);
    td = a_guest();
    td.mr_signer_seam[0] = 1;
    EXPECT_EQ(evaluate_tcb(an_info(), a_platform(), &td).status, TcbStatus::kUnsupported);
    td = a_guest();
    td.seam_attributes[7] = 1;
    EXPECT_EQ(evaluate_tcb(an_info(), a_platform(), &td).status, TcbStatus::kUnsupported);
}

TEST(TcbEvaluation, OfModulesBeforeIdentitiesNeedsAllComponents) {
    TdReport td;
    td.tee_tcb_svn.fill(3);
    td.tee_tcb_svn[1] = 0;
    EXPECT_EQ(evaluate_tcb(an_info(), a_platform(), &td).status, TcbStatus::kUnsupported);

    TcbInfo info = an_info();
    for (TcbLevel& level : info.levels) level.tdx_svn[1] = 0;
    EXPECT_EQ(evaluate_tcb(info, a_platform(), &td).status, TcbStatus::kUpToDate);
    td.mr_signer_seam[0] = 1;
    EXPECT_EQ(evaluate_tcb(info, a_platform(), &td).status, TcbStatus::kUnsupported);
}

// Whatever the parts are, the whole is never better than either, and a bad part is never lost.
TEST(TcbEvaluation, CombinesToTheWorse) {
    const std::vector<TcbStatus> all{TcbStatus::kUpToDate,
                                     TcbStatus::kSwHardeningNeeded,
                                     TcbStatus::kConfigurationNeeded,
                                     TcbStatus::kConfigurationAndSwHardeningNeeded,
                                     TcbStatus::kOutOfDate,
                                     TcbStatus::kOutOfDateConfigurationNeeded,
                                     TcbStatus::kRevoked,
                                     TcbStatus::kUnsupported};
    for (const TcbStatus platform : all) {
        for (const TcbStatus part : all) {
            const TcbStatus whole = combine_tcb(platform, part);
            EXPECT_GE(whole, platform);
            EXPECT_GE(whole, part);
        }
    }
    EXPECT_EQ(combine_tcb(TcbStatus::kConfigurationNeeded, TcbStatus::kOutOfDate),
              TcbStatus::kOutOfDateConfigurationNeeded);
    EXPECT_EQ(combine_tcb(TcbStatus::kSwHardeningNeeded, TcbStatus::kOutOfDate), TcbStatus::kOutOfDate);
}

TEST(SignedText, KeepsTheBytesOfTheDocument) {
    const std::string signature(128, 'a');
    const auto split = split_signed_text(R"({"tcbInfo":{"a": 1},"signature":")" + signature + "\"}", "tcbInfo");
    ASSERT_TRUE(split);
    EXPECT_EQ(split->text, R"({"a": 1})");
    EXPECT_EQ(split->signature, Bytes(64, 0xaa));

    EXPECT_FALSE(split_signed_text(R"({"tcbInfo":{},"signature":"ab"})", "tcbInfo"));
    EXPECT_FALSE(split_signed_text(R"({"tcbInfo":{} ,"signature":")" + signature + "\"} ", "tcbInfo"));
    EXPECT_FALSE(split_signed_text(R"({"other":{},"signature":")" + signature + "\"}", "tcbInfo"));
    EXPECT_FALSE(split_signed_text("", "tcbInfo"));
}

}  // namespace
}  // namespace vcity::attest
