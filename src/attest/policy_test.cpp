// SPDX-License-Identifier: Apache-2.0
#include "attest/policy.hpp"

#include <fstream>
#include <iterator>

#include <gtest/gtest.h>

#include "attest/encoding.hpp"
#include "codec/hex.hpp"
#include "codec/integer.hpp"
#include "codec/json.hpp"
#include "crypto/keccak.hpp"

namespace vcity::attest {
namespace {

constexpr UnixMillis kNow{1'750'000'000'000U};

MonitorBinding a_binding() {
    MonitorBinding binding;
    binding.monitor_key.bytes.fill(1);
    binding.policy.bytes.fill(2);
    binding.model_root.bytes.fill(3);
    binding.epoch = 4;
    binding.nonce.bytes.fill(5);
    return binding;
}

Verdict a_good_verdict(EvidenceKind kind) {
    Verdict verdict;
    verdict.kind = kind;
    for (const Step step : required_steps(kind)) verdict.pass(step);
    for (const Step step : strict_policy(kind).steps) verdict.pass(step);
    verdict.tcb = TcbStatus::kUpToDate;
    verdict.report_data = report_data_of(a_binding());
    verdict.versions = {{"snp", 8}, {"bank_bits", 256}};
    verdict.measurements = {{"mrtd", Bytes(48, 7)}};
    return verdict;
}

Decision decide_on(const Verdict& verdict, const Policy& policy) {
    return decide(policy, verdict, report_data_of(a_binding()), kNow);
}

// The one objection.
Refusal only(const Decision& decision) {
    EXPECT_EQ(decision.objections.size(), 1U);
    return decision.objections.empty() ? Refusal::kOtherKind : decision.objections[0].refusal;
}

TEST(AttestPolicy, AcceptsGoodEvidenceOfEveryKindButTheSimulated) {
    for (const EvidenceKind kind :
         {EvidenceKind::kTdx, EvidenceKind::kSgx, EvidenceKind::kSevSnp, EvidenceKind::kTpm, EvidenceKind::kNvidia}) {
        EXPECT_TRUE(decide_on(a_good_verdict(kind), strict_policy(kind)).is_accepted());
    }
    const Decision simulated =
        decide_on(a_good_verdict(EvidenceKind::kSimulated), strict_policy(EvidenceKind::kSimulated));
    EXPECT_EQ(only(simulated), Refusal::kSimulated);
}

TEST(AttestPolicy, RefusesAnotherKind) {
    EXPECT_EQ(only(decide_on(a_good_verdict(EvidenceKind::kNvidia), strict_policy(EvidenceKind::kSevSnp))),
              Refusal::kOtherKind);
}

TEST(AttestPolicy, RefusesWhatIsNotAuthentic) {
    Verdict verdict = a_good_verdict(EvidenceKind::kSevSnp);
    verdict.fail(Step::kEventLog, "another log");

    EXPECT_EQ(only(decide_on(verdict, strict_policy(EvidenceKind::kSevSnp))), Refusal::kNotAuthentic);
}

TEST(AttestPolicy, RefusesAMissingRequiredStep) {
    for (const EvidenceKind kind :
         {EvidenceKind::kTdx, EvidenceKind::kSgx, EvidenceKind::kSevSnp, EvidenceKind::kTpm, EvidenceKind::kNvidia}) {
        for (const Step missing : required_steps(kind)) {
            Verdict verdict = a_good_verdict(kind);
            std::erase_if(verdict.steps, [&](const StepResult& result) { return result.step == missing; });
            EXPECT_TRUE(decide_on(verdict, strict_policy(kind)).objects(Refusal::kNotAuthentic)) << to_string(missing);
        }
    }
}

TEST(AttestPolicy, RefusesAStepThatItDemandsAndThatWasNotDone) {
    Verdict verdict = a_good_verdict(EvidenceKind::kTdx);
    std::erase_if(verdict.steps, [](const StepResult& result) { return result.step == Step::kRevocation; });
    verdict.leave_unchecked(Step::kRevocation, "no lists given");

    EXPECT_TRUE(verdict.is_authentic());
    EXPECT_EQ(only(decide_on(verdict, strict_policy(EvidenceKind::kTdx))), Refusal::kNotChecked);
}

TEST(AttestPolicy, RefusesADebugGuest) {
    Verdict verdict = a_good_verdict(EvidenceKind::kSevSnp);
    verdict.debug = true;

    EXPECT_EQ(only(decide_on(verdict, strict_policy(EvidenceKind::kSevSnp))), Refusal::kDebug);
}

TEST(AttestPolicy, RefusesEveryTcbStatusThatItDoesNotName) {
    for (const TcbStatus status :
         {TcbStatus::kNotEvaluated, TcbStatus::kConfigurationNeeded, TcbStatus::kConfigurationAndSwHardeningNeeded,
          TcbStatus::kOutOfDate, TcbStatus::kOutOfDateConfigurationNeeded, TcbStatus::kRevoked,
          TcbStatus::kUnsupported}) {
        Verdict verdict = a_good_verdict(EvidenceKind::kTdx);
        verdict.tcb = status;
        EXPECT_EQ(only(decide_on(verdict, strict_policy(EvidenceKind::kTdx))), Refusal::kTcb) << to_string(status);
    }
}

TEST(AttestPolicy, RefusesAnAdvisoryThatItNames) {
    Verdict verdict = a_good_verdict(EvidenceKind::kTdx);
    verdict.advisories = {"INTEL-SA-00960"};
    Policy policy = strict_policy(EvidenceKind::kTdx);
    EXPECT_TRUE(decide_on(verdict, policy).is_accepted());

    policy.advisories_refused = {"INTEL-SA-00960"};

    EXPECT_EQ(only(decide_on(verdict, policy)), Refusal::kAdvisory);
}

TEST(AttestPolicy, RefusesAVersionBelowTheMinimumOrAbsent) {
    Policy policy = strict_policy(EvidenceKind::kSevSnp);
    policy.versions_min = {{"snp", 8}};
    EXPECT_TRUE(decide_on(a_good_verdict(EvidenceKind::kSevSnp), policy).is_accepted());

    policy.versions_min = {{"snp", 9}};
    EXPECT_EQ(only(decide_on(a_good_verdict(EvidenceKind::kSevSnp), policy)), Refusal::kVersion);

    policy.versions_min = {{"microcode", 0}};
    EXPECT_EQ(only(decide_on(a_good_verdict(EvidenceKind::kSevSnp), policy)), Refusal::kVersion);
}

TEST(AttestPolicy, RefusesASha1Bank) {
    Verdict verdict = a_good_verdict(EvidenceKind::kTpm);
    verdict.versions = {{"bank_bits", 160}};

    EXPECT_EQ(only(decide_on(verdict, strict_policy(EvidenceKind::kTpm))), Refusal::kVersion);
}

TEST(AttestPolicy, RefusesAMeasurementThatIsNotAllowedOrAbsent) {
    Policy policy = strict_policy(EvidenceKind::kTdx);
    policy.measurements = {{"mrtd", {Bytes(48, 6), Bytes(48, 7)}}};
    EXPECT_TRUE(decide_on(a_good_verdict(EvidenceKind::kTdx), policy).is_accepted());

    policy.measurements = {{"mrtd", {Bytes(48, 6)}}};
    EXPECT_EQ(only(decide_on(a_good_verdict(EvidenceKind::kTdx), policy)), Refusal::kMeasurement);

    policy.measurements = {{"rtmr3", {Bytes(48, 7)}}};
    EXPECT_EQ(only(decide_on(a_good_verdict(EvidenceKind::kTdx), policy)), Refusal::kMeasurement);
}

TEST(AttestPolicy, RefusesAfterTheFirstExpiry) {
    Verdict verdict = a_good_verdict(EvidenceKind::kSevSnp);
    verdict.expires_by(kNow + UnixMillis{5});
    verdict.expires_by(kNow);
    verdict.expires_by(kNow + UnixMillis{9});
    EXPECT_TRUE(decide_on(verdict, strict_policy(EvidenceKind::kSevSnp)).is_accepted());

    verdict.expires_by(kNow - UnixMillis{1});

    EXPECT_EQ(only(decide_on(verdict, strict_policy(EvidenceKind::kSevSnp))), Refusal::kExpired);
}

TEST(AttestPolicy, RefusesEvidenceBoundToAnythingElse) {
    std::vector<MonitorBinding> others(5, a_binding());
    others[0].monitor_key.bytes[31] ^= 1;
    others[1].policy.bytes[0] ^= 1;
    others[2].model_root.bytes[0] ^= 1;
    others[3].epoch += 1;
    others[4].nonce.bytes[0] ^= 1;
    const Verdict verdict = a_good_verdict(EvidenceKind::kSevSnp);
    for (const MonitorBinding& other : others) {
        const Decision decision = decide(strict_policy(EvidenceKind::kSevSnp), verdict, report_data_of(other), kNow);
        EXPECT_EQ(only(decision), Refusal::kReportData);
    }
    EXPECT_EQ(only(decide(strict_policy(EvidenceKind::kSevSnp), verdict, {}, kNow)), Refusal::kReportData);
}

TEST(AttestPolicy, NamesAllObjections) {
    Verdict verdict = a_good_verdict(EvidenceKind::kTdx);
    verdict.debug = true;
    verdict.tcb = TcbStatus::kRevoked;
    verdict.report_data = {};

    EXPECT_EQ(decide_on(verdict, strict_policy(EvidenceKind::kTdx)).objections.size(), 3U);
}

// SHA-512 of the 148 bytes, computed with Python's hashlib.
TEST(MonitorBinding, HasTheDocumentedReportData) {
    EXPECT_EQ(plain_hex(report_data_of(a_binding())),
              "85fd53313c077e99fe74adc79b2c1a2bfae8d0a2c4481902d040e512f00db16a"
              "7a80dbf5399c82903578cea035b8f1d5aa7b9470d401f93c28095d2bbd641f56");
    EXPECT_EQ(plain_hex(nonce_of(a_binding())), "67a2fe615bdbeb1c85c1e4042bb0b90dff692cc38df1cf0af682f7b1fb50d24e");
}

TEST(ReportData, IsThatOfTheVectors) {
    std::ifstream file{VCITY_SOURCE_DIR "/tests/vectors/monitor_report_data.json"};
    const std::string text{std::istreambuf_iterator<char>{file}, {}};
    const codec::Json vectors = *codec::parse_json(text);
    for (const codec::Json& entry : *vectors.find("cases")->get_array()) {
        const auto bytes = [&](const char* name) { return *codec::parse_hex(*entry.find(name)->get_string()); };
        MonitorBinding binding;
        binding.monitor_key = crypto::keccak256(bytes("monitor_point"));
        binding.policy = Hash::make(bytes("policy"));
        binding.model_root = Hash::make(bytes("model_root"));
        binding.epoch = *codec::parse_decimal(*entry.find("epoch")->get_string());
        binding.nonce = Hash::make(bytes("nonce"));

        EXPECT_EQ(binding.monitor_key, Hash::make(bytes("monitor_key")));
        EXPECT_EQ(report_data_of(binding), bytes("report_data"));
        EXPECT_EQ(nonce_of(binding), bytes("device_nonce"));
    }
}

}  // namespace
}  // namespace vcity::attest
