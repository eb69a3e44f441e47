// SPDX-License-Identifier: Apache-2.0
// The driver on a folder that behaves as configfs-tsm does, with recorded TDX quotes and SEV-SNP reports as outblob.
#include "adapters/tee_configfs/tee_configfs.hpp"

#include <filesystem>
#include <fstream>
#include <mutex>

#include "adapters/runtime_asio/runtime.hpp"
#include "attest/cursor.hpp"
#include "attest/testing/vector_check.hpp"
#include "ports/testing/tee_contract.hpp"

namespace vcity::ports::testing {
namespace {

namespace fs = std::filesystem;

constexpr UnixMillis kJuly2025{1'751'328'000'000};

Bytes vector_file(const std::string& name) {
    return attest::testing::VectorFolder{VCITY_SOURCE_DIR "/tests/vectors/attestation"}.read(name);
}

void put(const std::string& path, ByteView bytes) {
    std::ofstream{path, std::ios::binary | std::ios::trunc}.write(reinterpret_cast<const char*>(bytes.data()),
                                                                  static_cast<std::streamsize>(bytes.size()));
}

// The kernel's side: a directory comes with its attributes, a write to inblob counts the generation and makes outblob.
// It keeps what happens under a lock, as requests run on several threads.
class FakeConfigfs {
  public:
    FakeConfigfs(std::string provider, Bytes report) : provider_{std::move(provider)}, report_{std::move(report)} {
        std::string folder = fs::temp_directory_path() / "vcity-tsm-XXXXXX";
        EXPECT_NE(::mkdtemp(folder.data()), nullptr);
        root_ = folder;
    }
    ~FakeConfigfs() { fs::remove_all(root_); }
    FakeConfigfs(const FakeConfigfs&) = delete;
    FakeConfigfs& operator=(const FakeConfigfs&) = delete;

    adapters::ConfigfsOptions options() {
        adapters::ConfigfsOptions options;
        options.root = root_;
        options.event_log.clear();
        options.files.make_directory = [this](const std::string& path) { return make(path); };
        options.files.remove_directory = [this](const std::string& path) { return remove(path); };
        options.files.write = [this, write = options.files.write](const std::string& path, ByteView bytes) {
            return take(path, bytes, write);
        };
        return options;
    }
    std::size_t directories() const {
        return static_cast<std::size_t>(std::distance(fs::directory_iterator{root_}, fs::directory_iterator{}));
    }

    Bytes certificates;
    int intruders = 0;  // requests into which somebody else writes
    std::vector<Bytes> taken;

  private:
    Result<void> make(const std::string& path) {
        const std::lock_guard lock{mutex_};
        if (!fs::create_directory(path)) return make_error(Errc::kConflict, "exists");
        put(path + "/provider", as_bytes(provider_ + "\n"));
        put(path + "/generation", as_bytes("7\n"));
        put(path + "/inblob", {});
        if (!certificates.empty()) put(path + "/auxblob", certificates);
        return {};
    }
    Result<void> remove(const std::string& path) {
        const std::lock_guard lock{mutex_};
        fs::remove_all(path);
        return {};
    }
    Result<void> take(const std::string& path, ByteView bytes, const decltype(adapters::TsmFiles::write)& write) {
        const std::lock_guard lock{mutex_};
        TRY_OK(write(path, bytes));
        taken.push_back(attest::to_bytes(bytes));
        const std::string folder = fs::path{path}.parent_path();
        put(folder + "/outblob", report_);
        put(folder + "/generation", as_bytes(intruders-- > 0 ? "9\n" : "8\n"));
        return {};
    }

    std::mutex mutex_;
    std::string root_;
    std::string provider_;
    Bytes report_;
};

class ConfigfsHarness : public OnRuntime<TeeHarness, adapters::AsioRuntime> {
  public:
    ConfigfsHarness(const std::string& provider, const std::string& file) : kernel{provider, vector_file(file)} {
        auto opened = adapters::ConfigfsTee::open(&runtime(), kernel.options());
        EXPECT_TRUE(opened) << opened.error().message;
        if (opened) tee_ = *std::move(opened);
    }

    Tee& tee() override { return *tee_; }
    attest::EvidenceContext context() override {
        attest::EvidenceContext context;
        context.snp.signer_der = vector_file("snp/trustee_test-vcek.der");
        context.snp.issuers_pem = as_text(vector_file("roots/amd_milan_ask_ark_asvk.pem"));
        return context;
    }
    // That of the recording.
    Bytes report_data() override {
        const auto evidence = await(*this, tee_->evidence(Bytes(64, 1)));
        return attest::verify_evidence(*evidence, context(), now()).report_data;
    }
    UnixMillis now() override { return kJuly2025; }
    Bytes bound(const Bytes& report_data) override { return report_data; }

    FakeConfigfs kernel;

  private:
    std::unique_ptr<adapters::ConfigfsTee> tee_;
};

std::unique_ptr<TeeHarness> tdx() {
    return std::make_unique<ConfigfsHarness>("tdx_guest", "tdx/phala_tdx_quote_v4.bin");
}
std::unique_ptr<TeeHarness> snp() {
    return std::make_unique<ConfigfsHarness>("sev_guest", "snp/trustee_test-report.bin");
}
INSTANTIATE_TEST_SUITE_P(Configfs, TeeContract, ::testing::Values(TeeHarnessFactory{tdx}, TeeHarnessFactory{snp}));

TEST(ConfigfsTee, FillsReportDataUpAndLeavesNoDirectory) {
    ConfigfsHarness harness{"tdx_guest", "tdx/phala_tdx_quote_v4.bin"};
    ASSERT_TRUE(await(harness, harness.tee().evidence(Bytes(3, 9))));
    ASSERT_EQ(harness.kernel.taken.size(), 1U);
    EXPECT_EQ(harness.kernel.taken[0].size(), 64U);
    EXPECT_EQ(harness.kernel.directories(), 0U);
}

TEST(ConfigfsTee, TriesAgainWhenSomebodyWroteInBetween) {
    ConfigfsHarness harness{"tdx_guest", "tdx/phala_tdx_quote_v4.bin"};
    harness.kernel.intruders = 2;
    EXPECT_TRUE(await(harness, harness.tee().evidence(Bytes(64, 9))));
    harness.kernel.intruders = 3;
    EXPECT_EQ(await(harness, harness.tee().evidence(Bytes(64, 9))).error().code, Errc::kConflict);
    EXPECT_EQ(harness.kernel.directories(), 0U);
}

TEST(ConfigfsTee, RefusesAReportAboveTheInterfacesLimit) {
    adapters::AsioRuntime runtime;
    FakeConfigfs kernel{"tdx_guest", Bytes((32U << 10U) + 1, 1)};
    auto tee = adapters::ConfigfsTee::open(&runtime, kernel.options());
    ConfigfsHarness runner{"tdx_guest", "tdx/phala_tdx_quote_v4.bin"};
    EXPECT_EQ(await(runner, (*tee)->evidence(Bytes(64, 9))).error().code, Errc::kCorrupt);
}

TEST(ConfigfsTee, SendsTheHostsCertificatesAlong) {
    ConfigfsHarness harness{"sev_guest", "snp/trustee_test-report.bin"};
    harness.kernel.certificates = Bytes(24, 0);
    EXPECT_EQ(await(harness, harness.tee().evidence(Bytes(64, 9)))->certificates, Bytes(24, 0));
}

TEST(ConfigfsTee, IsNotThereWithoutTheInterfaceOrWithAnotherProvider) {
    adapters::AsioRuntime runtime;
    adapters::ConfigfsOptions nowhere;
    nowhere.root = "/nonexistent";
    EXPECT_EQ(adapters::ConfigfsTee::open(&runtime, nowhere).error().code, Errc::kUnavailable);
    FakeConfigfs kernel{"arm_cca_guest", {}};
    EXPECT_EQ(adapters::ConfigfsTee::open(&runtime, kernel.options()).error().code, Errc::kInvalid);
    EXPECT_EQ(kernel.directories(), 0U);
}

}  // namespace
}  // namespace vcity::ports::testing
