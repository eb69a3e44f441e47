// SPDX-License-Identifier: Apache-2.0
// Evidence as drivers give it: real quotes and reports judged through verify_evidence(), its JSON form, simulation.
#include "attest/evidence/evidence.hpp"

#include <gtest/gtest.h>

#include "attest/encoding.hpp"
#include "attest/evidence/certificate_table.hpp"
#include "attest/evidence/evidence_json.hpp"
#include "attest/evidence/monitor_policy.hpp"
#include "attest/evidence/sim.hpp"
#include "attest/testing/vector_check.hpp"
#include "attest/tpm/credential.hpp"
#include "codec/hex.hpp"
#include "crypto/secp256k1.hpp"

namespace vcity::attest {
namespace {

constexpr UnixMillis kJuly2025{1'751'328'000'000};

Bytes file(const std::string& name) {
    return testing::VectorFolder{VCITY_SOURCE_DIR "/tests/vectors/attestation"}.read(name);
}

Bytes guid(std::string_view hex) {
    return *parse_plain_hex(hex);
}

void append_u32(Bytes* bytes, std::size_t value) {
    for (unsigned shift = 0; shift < 32; shift += 8) bytes->push_back(static_cast<std::uint8_t>(value >> shift));
}

// One entry for the VCEK, one of a GUID nobody knows, and the end.
Bytes a_table(const Bytes& vcek) {
    constexpr std::size_t kHead = 3 * 24;
    Bytes table = guid("63da758de6644564adc5f4b93be8accd");
    append_u32(&table, kHead);
    append_u32(&table, vcek.size());
    append(&table, Bytes(16, 0x77));
    append_u32(&table, kHead);
    append_u32(&table, 1);
    append(&table, Bytes(24, 0));
    append(&table, vcek);
    return table;
}

Evidence made(EvidenceKind kind, Bytes report) {
    Evidence evidence;
    evidence.kind = kind;
    evidence.report = std::move(report);
    return evidence;
}

Evidence snp_evidence() {
    Evidence evidence = made(EvidenceKind::kSevSnp, file("snp/trustee_test-report.bin"));
    evidence.certificates = a_table(file("snp/trustee_test-vcek.der"));
    return evidence;
}

EvidenceContext with_milan() {
    EvidenceContext context;
    context.snp.issuers_pem = std::string{as_text(file("roots/amd_milan_ask_ark_asvk.pem"))};
    return context;
}

crypto::PrivateKey a_root() {
    return *crypto::PrivateKey::make(Bytes(32, 0x11));
}

Evidence a_simulation() {
    SimulatedStatement statement;
    statement.platform.bytes.fill(1);
    statement.measurement.bytes.fill(2);
    statement.report_data.bytes.fill(3);
    Evidence evidence = made(EvidenceKind::kSimulated, encode_simulated(statement));
    const Signature signature = a_root().sign(simulated_digest(evidence.report));
    evidence.signature.assign(signature.bytes.begin(), signature.bytes.end());
    return evidence;
}

TEST(Evidence, OfTdxIsJudgedByItsQuote) {
    const Evidence evidence = made(EvidenceKind::kTdx, file("tdx/phala_tdx_quote_v4.bin"));
    const Verdict verdict = verify_evidence(evidence, {}, kJuly2025);
    EXPECT_TRUE(verdict.is_authentic()) << verdict.first_failure();
    EXPECT_EQ(verdict.report_data.size(), 64U);
    EXPECT_FALSE(verdict.platform_id.empty());
}

TEST(Evidence, OfTdxThatHoldsAnSgxQuoteIsNoTdx) {
    const Evidence evidence = made(EvidenceKind::kTdx, file("sgx/phala_sgx_quote_v3.bin"));
    EXPECT_FALSE(verify_evidence(evidence, {}, kJuly2025).is_authentic());
}

TEST(Evidence, OfSevSnpTakesTheSignerFromTheHostsTable) {
    const Verdict verdict = verify_evidence(snp_evidence(), with_milan(), kJuly2025);
    EXPECT_TRUE(verdict.is_authentic()) << verdict.first_failure();
    EXPECT_EQ(verdict.platform_id.size(), 64U);
}

TEST(Evidence, OfSevSnpWithoutIssuersIsNotAuthentic) {
    EXPECT_FALSE(verify_evidence(snp_evidence(), {}, kJuly2025).is_authentic());
}

TEST(Evidence, MembersOfAnotherKindAreRefused) {
    Evidence evidence = snp_evidence();
    evidence.event_log = {1};
    EXPECT_FALSE(check_evidence_size(evidence));
    evidence = a_simulation();
    evidence.report.assign(kEvidenceReportMax + 1, 0);
    EXPECT_FALSE(check_evidence_size(evidence));
    EXPECT_FALSE(verify_evidence(evidence, {}, kJuly2025).is_authentic());
}

TEST(Evidence, SurvivesItsJsonForm) {
    for (const Evidence& evidence : {snp_evidence(), a_simulation()}) {
        const Result<Evidence> parsed = parse_evidence(to_json(evidence));
        ASSERT_TRUE(parsed) << parsed.error().message;
        EXPECT_EQ(*parsed, evidence);
    }
}

TEST(Evidence, JsonWithUnknownMembersKindsOrTypesIsRefused) {
    const codec::Json good = to_json(a_simulation());
    EXPECT_FALSE(parse_evidence(codec::Json{good}.set("extra", 1)));
    EXPECT_FALSE(parse_evidence(codec::Json{good}.set("kind", "tee")));
    EXPECT_FALSE(parse_evidence(codec::Json{good}.set("report", 5)));
    EXPECT_FALSE(parse_evidence(codec::Json{good}.set("report", "0x1")));
    EXPECT_FALSE(parse_evidence(codec::Json{good}.set("registers", codec::JsonArray{"0x00"})));
    EXPECT_FALSE(parse_evidence(codec::Json{"text"}));
}

TEST(CertificateTable, EntriesThatPointOutsideOrDoNotEndAreRefused) {
    const Bytes good = a_table(file("snp/trustee_test-vcek.der"));
    EXPECT_TRUE(parse_certificate_table(good));
    EXPECT_TRUE(parse_certificate_table({}));
    EXPECT_TRUE(parse_certificate_table(Bytes(24, 0)));
    EXPECT_FALSE(parse_certificate_table(Bytes(23, 0)));
    EXPECT_FALSE(parse_certificate_table(ByteView{good}.first(48)));
    EXPECT_FALSE(parse_certificate_table(ByteView{good}.first(good.size() - 1)));
    Bytes far = good;
    far[19] = 0xff;  // the offset's highest byte
    EXPECT_FALSE(parse_certificate_table(far));
}

TEST(SimulatedEvidence, IsAuthenticOnlyUnderItsRoot) {
    EvidenceContext context;
    context.simulated_roots = {a_root().address()};
    const Verdict verdict = verify_evidence(a_simulation(), context, kJuly2025);
    EXPECT_TRUE(verdict.is_authentic()) << verdict.first_failure();
    EXPECT_EQ(verdict.report_data, Bytes(64, 3));
    EXPECT_EQ(verdict.platform_id, Bytes(32, 1));
    EXPECT_FALSE(verify_evidence(a_simulation(), {}, kJuly2025).is_authentic());
}

TEST(SimulatedEvidence, NoByteOfItCanBeChanged) {
    EvidenceContext context;
    context.simulated_roots = {a_root().address()};
    const Evidence good = a_simulation();
    for (std::size_t i = 0; i < good.report.size(); ++i) {
        Evidence evidence = good;
        evidence.report[i] ^= 1U;
        EXPECT_FALSE(verify_evidence(evidence, context, kJuly2025).is_authentic()) << i;
    }
}

TEST(SimulatedEvidence, IsRefusedByEveryPolicyOfThisBuild) {
    EvidenceContext context;
    context.simulated_roots = {a_root().address()};
    const Verdict verdict = verify_evidence(a_simulation(), context, kJuly2025);
    const Decision decision = decide(strict_policy(EvidenceKind::kSimulated), verdict, Bytes(64, 3), kJuly2025);
    EXPECT_EQ(decision.is_accepted(), is_simulated_tee_allowed());
    EXPECT_EQ(decision.objects(Refusal::kSimulated), !is_simulated_tee_allowed());
}

constexpr std::string_view kPolicyText =
    R"({"version":1,"epoch_seconds":60,)"
    R"("endorsement_keys":["0x1111111111111111111111111111111111111111111111111111111111111111"],)"
    R"("evidence":[{"kind":"tpm","steps":["key_enrolment"],"versions_min":{"firmware":3},)"
    R"("measurements":{"pcr0":["0x00"]}},)"
    R"({"kind":"tdx","tcb":["UpToDate"],"advisories_refused":["INTEL-SA-00001"]}]})";

TEST(MonitorPolicy, IsReadFromItsFile) {
    const Result<MonitorPolicy> policy = parse_monitor_policy(kPolicyText);
    ASSERT_TRUE(policy) << policy.error().message;
    EXPECT_EQ(policy->epoch_at(UnixMillis{120'000}), 2U);
    EXPECT_EQ(policy->endorsement_keys.size(), 1U);
    ASSERT_NE(policy->find(EvidenceKind::kTpm), nullptr);
    EXPECT_EQ(policy->find(EvidenceKind::kTpm)->steps, std::vector<Step>{Step::kKeyEnrolment});
    EXPECT_EQ(policy->find(EvidenceKind::kTdx)->tcb, std::vector<TcbStatus>{TcbStatus::kUpToDate});
    EXPECT_EQ(policy->find(EvidenceKind::kTdx)->steps, strict_policy(EvidenceKind::kTdx).steps);
    EXPECT_EQ(policy->find(EvidenceKind::kSevSnp), nullptr);
}

TEST(MonitorPolicy, HasAHashOfItsExactBytes) {
    const std::string spaced = std::string{kPolicyText} + " ";
    EXPECT_NE(parse_monitor_policy(kPolicyText)->hash, parse_monitor_policy(spaced)->hash);
}

TEST(MonitorPolicy, WhatIsNotKnownIsAnError) {
    for (const char* text :
         {"", "[]", "{}", R"({"version":2})", R"({"version":1,"epoch":3})", R"({"version":1,"epoch_seconds":0})",
          R"({"version":1,"epoch_seconds":604801})", R"({"version":1,"evidence":[{}]})",
          R"({"version":1,"evidence":[{"kind":"tpm"},{"kind":"tpm"}]})",
          R"({"version":1,"evidence":[{"kind":"tpm","step":[]}]})",
          R"({"version":1,"evidence":[{"kind":"tpm","steps":["all"]}]})",
          R"({"version":1,"evidence":[{"kind":"tpm","versions_min":{"a":1.5}}]})",
          R"({"version":1,"endorsement_keys":["0x11"]})", R"({"version":1,"simulated_roots":[1]})"}) {
        EXPECT_FALSE(parse_monitor_policy(text)) << text;
    }
}

TEST(TpmCredential, IsMadeOnlyForAnEndorsementKeyOfTheTemplate) {
    const Bytes name(34, 1);
    EXPECT_FALSE(make_credential({}, name, Bytes(32, 1), {}));
    EXPECT_FALSE(make_credential(Bytes(314, 0), name, Bytes(32, 1), {}));
    EXPECT_FALSE(make_credential(Bytes(2000, 0), name, Bytes(32, 1), {}));
    EXPECT_FALSE(tpm_name(Bytes{0, 1, 0, 4}));  // SHA-1
    EXPECT_EQ(tpm_name(Bytes{0, 1, 0, 11})->size(), 34U);
}

}  // namespace
}  // namespace vcity::attest
