// SPDX-License-Identifier: Apache-2.0
// The TPM adapter against a real software TPM: the port's contract, enrolment, registers and the event log.
#include <filesystem>
#include <fstream>

#include <unistd.h>

#include "adapters/runtime_asio/runtime.hpp"
#include "adapters/tee_tpm2/tee_tpm2.hpp"
#include "attest/cursor.hpp"
#include "attest/tpm/credential.hpp"
#include "attest/tpm/quote.hpp"
#include "crypto/sha256.hpp"
#include "ports/testing/tee_contract.hpp"
#include "swtpm.hpp"

namespace vcity::ports::testing {
namespace {

integration::Swtpm& the_tpm() {
    static integration::Swtpm tpm;
    return tpm;
}

class SwtpmHarness : public OnRuntime<TeeHarness, adapters::AsioRuntime> {
  public:
    SwtpmHarness() {
        adapters::Tpm2Options options;
        options.tcti = the_tpm().tcti();
        options.event_log.clear();
        auto opened = adapters::Tpm2Tee::open(&runtime(), options);
        EXPECT_TRUE(opened) << opened.error().message;
        if (opened) tee_ = *std::move(opened);
    }

    adapters::Tpm2Tee& tee() override { return *tee_; }
    attest::EvidenceContext context() override { return {}; }
    Bytes report_data() override { return Bytes(64, 7); }
    UnixMillis now() override { return runtime().unix_now(); }
    Bytes bound(const Bytes& report_data) override { return attest::to_bytes(crypto::sha256(report_data).view()); }

  private:
    std::unique_ptr<adapters::Tpm2Tee> tee_;
};

INSTANTIATE_TEST_SUITE_P(Swtpm,
                         TeeContract,
                         ::testing::Values(TeeHarnessFactory{[] { return std::make_unique<SwtpmHarness>(); }}));

Bytes secret() {
    return Bytes(32, 0x2a);
}

TEST(TpmEnrolment, OpensACredentialForItsOwnKey) {
    SwtpmHarness harness;
    const auto identity = await(harness, harness.tee().identity());
    ASSERT_TRUE(identity) << identity.error().message;
    const auto name = attest::tpm_name(identity->attestation_public);
    const auto made = attest::make_credential(identity->endorsement_public, *name, secret(), {});
    ASSERT_TRUE(made) << made.error().message;

    const auto opened = await(harness, harness.tee().activate(made->blob, made->secret));

    ASSERT_TRUE(opened) << opened.error().message;
    EXPECT_EQ(*opened, secret());
}

TEST(TpmEnrolment, DoesNotOpenACredentialForAnotherKeyOrTpm) {
    SwtpmHarness harness;
    const auto identity = await(harness, harness.tee().identity());
    Bytes other_name = *attest::tpm_name(identity->attestation_public);
    other_name.back() ^= 1U;
    const auto for_other_key = attest::make_credential(identity->endorsement_public, other_name, secret(), {});
    EXPECT_EQ(await(harness, harness.tee().activate(for_other_key->blob, for_other_key->secret)).error().code,
              Errc::kDenied);

    integration::Swtpm second;
    adapters::Tpm2Options options;
    options.tcti = second.tcti();
    auto other = adapters::Tpm2Tee::open(&harness.runtime(), options);
    ASSERT_TRUE(other) << other.error().message;
    const auto theirs = await(harness, (*other)->identity());
    const auto name = attest::tpm_name(identity->attestation_public);
    const auto for_other_tpm = attest::make_credential(theirs->endorsement_public, *name, secret(), {});
    EXPECT_EQ(await(harness, harness.tee().activate(for_other_tpm->blob, for_other_tpm->secret)).error().code,
              Errc::kDenied);
    EXPECT_EQ(await(harness, harness.tee().activate(Bytes(5000, 1), Bytes(5000, 1))).error().code, Errc::kDenied);
    EXPECT_EQ(await(harness, harness.tee().activate({}, {})).error().code, Errc::kDenied);
}

TEST(TpmEnrolment, MakesTheEvidenceThatOfOneMachine) {
    SwtpmHarness harness;
    const auto identity = await(harness, harness.tee().identity());
    const auto evidence = await(harness, harness.tee().evidence(Bytes(64, 7)));
    attest::EvidenceContext context;
    const Hash machine = crypto::sha256(identity->endorsement_public);
    context.enrolled = {{*attest::tpm_name(identity->attestation_public), machine}};

    const attest::Verdict enrolled = attest::verify_evidence(*evidence, context, harness.now());
    const attest::Verdict unknown = attest::verify_evidence(*evidence, {}, harness.now());

    EXPECT_EQ(enrolled.outcome(attest::Step::kKeyEnrolment), attest::StepOutcome::kPassed);
    EXPECT_EQ(enrolled.platform_id, attest::to_bytes(machine.view()));
    EXPECT_EQ(unknown.outcome(attest::Step::kKeyEnrolment), attest::StepOutcome::kNotChecked);
    EXPECT_TRUE(unknown.platform_id.empty());
}

TEST(TpmKeys, AreTheSameEveryTime) {
    SwtpmHarness first;
    SwtpmHarness second;
    EXPECT_EQ(await(first, first.tee().identity())->attestation_public,
              await(second, second.tee().identity())->attestation_public);
}

TEST(TpmEvidence, CarriesTheEventLogAndItMustReplay) {
    // A log of the firmware with one event in PCR 0 that this TPM has never measured.
    const std::string path = std::filesystem::temp_directory_path() / ("vcity-log-" + std::to_string(::getpid()));
    Bytes log(4 + 4 + 20 + 4, 0);  // PCR 0, type 0, SHA-1 digest, no data: the old form has no SHA-256
    std::ofstream{path, std::ios::binary} << as_text(log);
    adapters::AsioRuntime runtime;
    SwtpmHarness harness;
    adapters::Tpm2Options options;
    options.tcti = the_tpm().tcti();
    options.event_log = path;
    auto tee = adapters::Tpm2Tee::open(&harness.runtime(), options);
    ASSERT_TRUE(tee);

    const auto evidence = await(harness, (*tee)->evidence(Bytes(64, 7)));

    ASSERT_TRUE(evidence) << evidence.error().message;
    EXPECT_EQ(evidence->event_log, log);
    const attest::Verdict verdict = attest::verify_evidence(*evidence, {}, harness.now());
    EXPECT_EQ(verdict.outcome(attest::Step::kEventLog), attest::StepOutcome::kFailed);
    std::filesystem::remove(path);
}

TEST(TpmDevice, SaysWhatIsWrongWithOptions) {
    adapters::AsioRuntime runtime;
    adapters::Tpm2Options options;
    options.tcti = "swtpm:host=127.0.0.1,port=1";
    EXPECT_EQ(adapters::Tpm2Tee::open(&runtime, options).error().code, Errc::kUnavailable);
    for (const std::vector<std::uint32_t>& registers :
         {std::vector<std::uint32_t>{}, std::vector<std::uint32_t>{24}, std::vector<std::uint32_t>{3, 3}}) {
        options.registers = registers;
        EXPECT_EQ(adapters::Tpm2Tee::open(&runtime, options).error().code, Errc::kInvalid);
    }
}

}  // namespace
}  // namespace vcity::ports::testing
