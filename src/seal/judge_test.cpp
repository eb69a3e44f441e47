// SPDX-License-Identifier: Apache-2.0
#include "seal/judge.hpp"

#include <gtest/gtest.h>

#include "codec/hex.hpp"
#include "market/typed_hashes.hpp"
#include "seal/testing/soft_tpm.hpp"

namespace vcity::seal {
namespace {

constexpr UnixMillis kNow{1'760'400'000'000};
constexpr std::string_view kPolicyText =
    R"({"version":1,"epoch_seconds":3600,"evidence":[{"kind":"tpm","steps":["key_enrolment"]}]})";

template <class Fixed>
Fixed filled(std::uint8_t value) {
    Fixed fixed;
    fixed.bytes.fill(value);
    return fixed;
}

const attest::MonitorPolicy& policy() {
    static const attest::MonitorPolicy kPolicy = *attest::parse_monitor_policy(kPolicyText);
    return kPolicy;
}

// A monitor on a software TPM, and a verifier that asked it.
struct Case {
    Case() {
        context.enrolled = {tpm.enrolled()};
        reply.statement.kind = attest::EvidenceKind::kTpm;
        reply.statement.key = key.public_point();
        reply.statement.policy = policy().hash;
        reply.statement.model_root = filled<Hash>(3);
        reply.statement.epoch = policy().epoch_at(kNow);
        reply.nonce = filled<Hash>(4);
        expected.policy = &policy();
        expected.context = &context;
        expected.model_root = filled<Hash>(3);
        expected.nonce = filled<Hash>(4);
        expected.now = kNow;
        quote();
    }
    // Evidence for what the statement says.
    void quote() {
        const attest::MonitorBinding binding{.monitor_key = reply.statement.key_hash(),
                                             .policy = reply.statement.policy,
                                             .model_root = reply.statement.model_root,
                                             .epoch = reply.statement.epoch,
                                             .nonce = reply.nonce};
        reply.evidence = tpm.quote(attest::report_data_of(binding));
    }
    Judgement judge() const { return judge_monitor(reply, expected); }

    testing::SoftTpm tpm;
    crypto::PrivateKey key = *crypto::PrivateKey::make(Bytes(32, 9));
    attest::EvidenceContext context;
    EvidenceReply reply;
    Expectation expected;
};

TEST(JudgeMonitor, BelievesAMachineThatThePolicyAccepts) {
    const Case good;
    const Judgement judgement = good.judge();
    EXPECT_TRUE(judgement.is_believed()) << judgement.reasons.front().detail;
    EXPECT_EQ(judgement.trust, Trust::kMeasured);
    EXPECT_FALSE(judgement.verdict.platform_id.empty());
}

TEST(JudgeMonitor, DoubtsAReplayForAnotherNonce) {
    Case replay;
    replay.expected.nonce = filled<Hash>(5);
    EXPECT_TRUE(replay.judge().doubts(Doubt::kNonce));
    // Claiming the new nonce over the old evidence does not help.
    replay.reply.nonce = replay.expected.nonce;
    EXPECT_FALSE(replay.judge().doubts(Doubt::kNonce));
    EXPECT_TRUE(replay.judge().doubts(Doubt::kEvidence));
}

TEST(JudgeMonitor, DoubtsAnotherPolicyModelOrKey) {
    Case other_policy;
    other_policy.reply.statement.policy = filled<Hash>(8);
    other_policy.quote();
    EXPECT_TRUE(other_policy.judge().doubts(Doubt::kPolicy));
    EXPECT_TRUE(other_policy.judge().doubts(Doubt::kEvidence));

    Case other_model;
    other_model.reply.statement.model_root = filled<Hash>(8);
    other_model.quote();
    EXPECT_TRUE(other_model.judge().doubts(Doubt::kModelRoot));
    EXPECT_TRUE(other_model.judge().doubts(Doubt::kEvidence));

    Case other_key;
    other_key.reply.statement.key = crypto::PrivateKey::make(Bytes(32, 7))->public_point();
    EXPECT_TRUE(other_key.judge().doubts(Doubt::kEvidence));
}

TEST(JudgeMonitor, DoubtsAKeyOfAnotherEpochButForgivesClocks) {
    Case stale;
    stale.expected.now = kNow + UnixMillis{2 * 3'600'000};
    EXPECT_TRUE(stale.judge().doubts(Doubt::kEpoch));

    const UnixMillis change{(policy().epoch_at(kNow) + 1) * 3'600'000};
    stale.expected.now = change + kEpochGrace - UnixMillis{1};
    EXPECT_FALSE(stale.judge().doubts(Doubt::kEpoch));
    stale.expected.now = change + kEpochGrace;
    EXPECT_TRUE(stale.judge().doubts(Doubt::kEpoch));

    const UnixMillis begin{policy().epoch_at(kNow) * 3'600'000};
    stale.expected.now = begin - kEpochGrace;
    EXPECT_FALSE(stale.judge().doubts(Doubt::kEpoch));
    stale.expected.now = begin - kEpochGrace - UnixMillis{1};
    EXPECT_TRUE(stale.judge().doubts(Doubt::kEpoch));
}

TEST(JudgeMonitor, DoubtsAKeyThatNobodyEnrolled) {
    Case unknown;
    unknown.context.enrolled.clear();
    const Judgement judgement = unknown.judge();
    EXPECT_TRUE(judgement.doubts(Doubt::kEvidence));
    EXPECT_EQ(judgement.trust, Trust::kNone);
}

TEST(JudgeMonitor, DoubtsAKindThatThePolicyDoesNotName) {
    Case other;
    other.reply.statement.kind = attest::EvidenceKind::kTdx;
    EXPECT_TRUE(other.judge().doubts(Doubt::kKind));
    other.reply.evidence = {};
    other.reply.evidence.report = {1};
    other.reply.statement.kind = attest::EvidenceKind::kSimulated;
    EXPECT_TRUE(other.judge().doubts(Doubt::kKind));
}

Deployment a_deployment() {
    Deployment deployment;
    deployment.chain_id = 31337;
    deployment.settlement = filled<Address>(0x66);
    return deployment;
}

MonitorSeal a_seal() {
    MonitorSeal seal;
    seal.job_id = filled<JobId>(1);
    seal.verification_root = filled<Hash>(2);
    seal.request_hash = filled<Hash>(3);
    seal.client_nonce = filled<Hash>(4);
    seal.model_root = filled<Hash>(5);
    seal.epoch = 489'000;
    seal.sealed_at = UnixMillis{1'760'400'000'123};
    return seal;
}

SignedSeal sign(const MonitorSeal& seal, const crypto::PrivateKey& key) {
    return {.seal = seal, .signature = key.sign(market::seal_digest(a_deployment(), seal))};
}

TEST(MonitorSeal, HasTheTypedHashOfItsSpecification) {
    // Computed in Python from EIP-712's text.
    EXPECT_EQ(codec::to_hex(market::seal_hash(a_seal())),
              "0xfaafa646d96cc6d38a632ee001cfe37a9feb2726f4bdb0ece7983478b082c633");
    EXPECT_EQ(codec::to_hex(market::seal_digest(a_deployment(), a_seal())),
              "0xc88ea38c340a23ebbe0d9b5c356dce4b078d11bbcf973e0996b27c859623f194");
}

TEST(MonitorSeal, CountsOnlyAsMadeByTheKeyOfTheHeader) {
    const Case good;
    const SignedSeal sealed = sign(a_seal(), good.key);
    const Hash key_hash = good.reply.statement.key_hash();

    EXPECT_TRUE(check_seal(a_deployment(), sealed, a_seal(), key_hash, policy()));
    EXPECT_FALSE(check_seal(a_deployment(), sealed, a_seal(), filled<Hash>(1), policy()));
    Deployment other = a_deployment();
    other.chain_id = 1;
    EXPECT_FALSE(check_seal(other, sealed, a_seal(), key_hash, policy()));
    SignedSeal forged = sealed;
    forged.signature.bytes[3] ^= 1U;
    EXPECT_FALSE(check_seal(a_deployment(), forged, a_seal(), key_hash, policy()));
}

TEST(MonitorSeal, CountsOnlyForTheSameComputation) {
    const Case good;
    const SignedSeal sealed = sign(a_seal(), good.key);
    const Hash key_hash = good.reply.statement.key_hash();
    for (Hash MonitorSeal::* const member : {&MonitorSeal::verification_root, &MonitorSeal::request_hash,
                                             &MonitorSeal::client_nonce, &MonitorSeal::model_root}) {
        MonitorSeal other = a_seal();
        (other.*member).bytes[0] ^= 1U;
        EXPECT_FALSE(check_seal(a_deployment(), sealed, other, key_hash, policy()));
    }
    MonitorSeal other_epoch = a_seal();
    other_epoch.epoch += 1;
    EXPECT_FALSE(check_seal(a_deployment(), sealed, other_epoch, key_hash, policy()));
}

TEST(MonitorSeal, IsMadeInItsEpochOrTheNext) {
    const Case good;
    const Hash key_hash = good.reply.statement.key_hash();
    const std::vector<std::pair<std::uint64_t, bool>> epochs{
        {488'999, false}, {489'000, true}, {489'001, true}, {489'002, false}};
    for (const auto& [epoch, is_good] : epochs) {
        MonitorSeal seal = a_seal();
        seal.sealed_at = UnixMillis{epoch * 3'600'000};
        const SignedSeal sealed = sign(seal, good.key);
        EXPECT_EQ(check_seal(a_deployment(), sealed, seal, key_hash, policy()).has_value(), is_good) << epoch;
    }
}

TEST(PlatformPins, AMachineSpeaksForOneStake) {
    PlatformPins pins;
    const Bytes machine(32, 1);
    EXPECT_TRUE(pins.pin(attest::EvidenceKind::kTpm, machine, filled<Address>(1)));
    EXPECT_TRUE(pins.pin(attest::EvidenceKind::kTpm, machine, filled<Address>(1)));
    EXPECT_EQ(pins.pin(attest::EvidenceKind::kTpm, machine, filled<Address>(2)).error().code, Errc::kConflict);
    EXPECT_TRUE(pins.pin(attest::EvidenceKind::kTdx, machine, filled<Address>(2)));
    EXPECT_EQ(pins.pin(attest::EvidenceKind::kTpm, {}, filled<Address>(2)).error().code, Errc::kInvalid);

    pins.release(attest::EvidenceKind::kTpm, machine);
    EXPECT_TRUE(pins.pin(attest::EvidenceKind::kTpm, machine, filled<Address>(2)));
}

TEST(PlatformPins, SurviveTheirFile) {
    PlatformPins pins;
    EXPECT_TRUE(pins.pin(attest::EvidenceKind::kTpm, Bytes(32, 1), filled<Address>(1)));
    const Result<PlatformPins> read = PlatformPins::parse(codec::dump_json(pins.to_json()));
    ASSERT_TRUE(read);
    EXPECT_EQ(read->find(attest::EvidenceKind::kTpm, Bytes(32, 1)), filled<Address>(1));
    EXPECT_EQ(read->find(attest::EvidenceKind::kTpm, Bytes(32, 2)), std::nullopt);
    EXPECT_TRUE(PlatformPins::parse("{}"));
    EXPECT_FALSE(PlatformPins::parse("[]"));
    EXPECT_FALSE(PlatformPins::parse(R"({"tpm:00":"0x12"})"));
    EXPECT_FALSE(PlatformPins::parse(R"({"tpm:00":1})"));
}

TEST(Messages, SurviveTheirJson) {
    const Case good;
    const Result<EvidenceReply> reply = parse_evidence_reply(codec::dump_json(to_json(good.reply)));
    ASSERT_TRUE(reply) << reply.error().message;
    EXPECT_EQ(*reply, good.reply);
    const SignedSeal sealed = sign(a_seal(), good.key);
    const Result<SignedSeal> read = parse_signed_seal(codec::dump_json(to_json(sealed)));
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(*read, sealed);
    MonitorSeal timeless = a_seal();
    timeless.sealed_at = UnixMillis{0};
    EXPECT_EQ(*parse_seal_request(codec::dump_json(to_json(a_seal()))), timeless);
    EXPECT_EQ(*parse_credential(codec::dump_json(credential_json(Bytes{1, 2}))), (Bytes{1, 2}));
    EXPECT_EQ(parse_activate_request(codec::dump_json(to_json(ActivateRequest{{1}, {2}})))->secret, Bytes{2});
    EXPECT_EQ(parse_tpm_identity(codec::dump_json(to_json(ports::TpmIdentity{{1}, {}, {3}})))->attestation_public,
              Bytes{3});
}

TEST(Messages, WithUnknownMembersOrWrongSizesAreRefused) {
    EXPECT_FALSE(parse_evidence_request("{}"));
    EXPECT_FALSE(parse_evidence_request(R"({"nonce":"0x12"})"));
    EXPECT_FALSE(parse_evidence_request("[]"));
    const std::string nonce = codec::to_hex(filled<Hash>(1));
    EXPECT_TRUE(parse_evidence_request(R"({"nonce":")" + nonce + R"("})"));
    EXPECT_FALSE(parse_evidence_request(R"({"nonce":")" + nonce + R"(","more":1})"));
    EXPECT_FALSE(parse_seal_request(R"({"job_id":")" + nonce + R"("})"));
    EXPECT_FALSE(parse_signed_seal(codec::dump_json(to_json(a_seal()))));
    EXPECT_FALSE(parse_evidence_reply(R"({"monitor":{},"nonce":")" + nonce + R"(","evidence":{}})"));
    EXPECT_FALSE(parse_activate_request(R"({"blob":"0x01"})"));
    EXPECT_FALSE(parse_message(std::string(2U << 20U, ' ')));
}

}  // namespace
}  // namespace vcity::seal
