// SPDX-License-Identifier: Apache-2.0
// The driver against a stand-in for the kernel's, with recorded reports.
#include "adapters/tee_sev/tee_sev.hpp"

#include <atomic>
#include <cerrno>

#include "adapters/runtime_asio/runtime.hpp"
#include "adapters/tee_sev/guest_device.hpp"
#include "attest/cursor.hpp"
#include "attest/testing/vector_check.hpp"
#include "ports/testing/tee_contract.hpp"

namespace vcity::ports::testing {
namespace {

Bytes vector_file(const std::string& name) {
    return attest::testing::VectorFolder{VCITY_SOURCE_DIR "/tests/vectors/attestation"}.read(name);
}

void put_u32(std::uint8_t* at, std::size_t value) {
    for (unsigned i = 0; i < 4; ++i) at[i] = static_cast<std::uint8_t>(value >> (8 * i));
}

// What the kernel's driver would do. Counts down `busy` with EAGAIN first.
struct FakeDriver {
    Bytes report = vector_file("snp/trustee_test-report.bin");
    Bytes certificates;
    std::uint32_t status = 0;
    std::atomic<int> busy = 0;  // requests overlap on the pool
    int failure = 0;

    int call(unsigned long request, void* argument) {
        if (busy-- > 0) return EAGAIN;
        if (failure != 0) return failure;
        auto* guest = static_cast<adapters::SnpGuestRequest*>(argument);
        if (request != adapters::kSnpGetExtendedReport || guest->version != 1) return EINVAL;
        const auto* extended = reinterpret_cast<const adapters::SnpExtendedRequest*>(guest->request);
        auto* response = reinterpret_cast<std::uint8_t*>(guest->response);
        put_u32(response, status);
        put_u32(response + 4, report.size());
        std::ranges::copy(report, response + adapters::kSnpResponseHead);
        auto* table = reinterpret_cast<std::uint8_t*>(extended->certificates);
        if (certificates.size() > extended->certificates_size) return ENOSPC;
        std::ranges::copy(certificates, table);
        return 0;
    }
};

// A table with the VCEK alone.
Bytes table_of(const Bytes& vcek) {
    Bytes table{0x63, 0xda, 0x75, 0x8d, 0xe6, 0x64, 0x45, 0x64, 0xad, 0xc5, 0xf4, 0xb9, 0x3b, 0xe8, 0xac, 0xcd};
    table.resize(48);
    put_u32(&table[16], 48);
    put_u32(&table[20], vcek.size());
    append(&table, vcek);
    return table;
}

class SevHarness : public OnRuntime<TeeHarness, adapters::AsioRuntime> {
  public:
    SevHarness() {
        driver.certificates = table_of(vector_file("snp/trustee_test-vcek.der"));
        adapters::SevOptions options;
        options.ioctl = [this](unsigned long request, void* argument) { return driver.call(request, argument); };
        tee_ = *adapters::SevTee::open(&runtime(), options);
    }

    Tee& tee() override { return *tee_; }
    attest::EvidenceContext context() override {
        attest::EvidenceContext context;
        context.snp.issuers_pem = as_text(vector_file("roots/amd_milan_ask_ark_asvk.pem"));
        return context;
    }
    Bytes report_data() override {
        return attest::to_bytes(ByteView{attest::parse_snp_report(driver.report)->report_data});
    }
    UnixMillis now() override { return UnixMillis{1'751'328'000'000}; }
    Bytes bound(const Bytes& report_data) override { return report_data; }
    Errc error() { return await(*this, tee_->evidence(Bytes(64, 1))).error().code; }

    FakeDriver driver;

  private:
    std::unique_ptr<adapters::SevTee> tee_;
};

INSTANTIATE_TEST_SUITE_P(Sev,
                         TeeContract,
                         ::testing::Values(TeeHarnessFactory{[] { return std::make_unique<SevHarness>(); }}));

TEST(SevTee, AsksAgainWhileTheFirmwareIsBusy) {
    SevHarness harness;
    harness.driver.busy = 2;
    EXPECT_TRUE(await(harness, harness.tee().evidence(Bytes(64, 1))));
    harness.driver.busy = 3;
    EXPECT_EQ(harness.error(), Errc::kConflict);
}

TEST(SevTee, SaysWhatTheDriverAndTheFirmwareSay) {
    SevHarness harness;
    harness.driver.failure = EIO;
    EXPECT_EQ(harness.error(), Errc::kUnavailable);
    harness.driver.failure = 0;
    harness.driver.status = 0x16;
    EXPECT_EQ(harness.error(), Errc::kUnavailable);
    harness.driver.status = 0;
    harness.driver.report.resize(100);
    EXPECT_EQ(harness.error(), Errc::kCorrupt);
}

TEST(SevTee, AHostWithoutCertificatesGivesNone) {
    SevHarness harness;
    harness.driver.certificates.clear();
    EXPECT_TRUE(await(harness, harness.tee().evidence(Bytes(64, 1)))->certificates.empty());
}

TEST(SevTee, IsNotThereWithoutTheDevice) {
    adapters::AsioRuntime runtime;
    adapters::SevOptions options;
    options.device = "/nonexistent/sev-guest";
    EXPECT_EQ(adapters::SevTee::open(&runtime, options).error().code, Errc::kUnavailable);
}

}  // namespace
}  // namespace vcity::ports::testing
