// SPDX-License-Identifier: Apache-2.0
#include "adapters/inventory_nvml/nvml.hpp"

#include <dlfcn.h>
#include <gtest/gtest.h>

#include "adapters/runtime_asio/runtime.hpp"
#include "ports/testing/inventory_contract.hpp"

namespace vcity::adapters {
namespace {

constexpr const char* kTwoCards =
    "driver 570.86.15\ncuda 12080\n"
    "gpu\nname NVIDIA H100 80GB HBM3\nuuid GPU-a\npci 0000:3b:00.0\nid 10de:2330\nvram_mib 81559\nused_mib 559\n"
    "nvswitch 2\nbusy 40\nprocess 4242 300\n"
    "gpu\nname NVIDIA A100-SXM4-40GB\nuuid GPU-b\npci 0001:5e:00.0\nid 10de:20b0\nvram_mib 40960\n"
    "nvlink 0000:86:00.0\nnvlink 0000:86:00.0\nmig 1g.5gb 4864\nmig 3g.20gb 19968\n";

// The stand-in stays loaded, so that what it was told is still there when the adapter loads it.
class FakeLibrary {
  public:
    FakeLibrary() : handle_{::dlopen(VCITY_FAKE_NVML, RTLD_NOW)} { EXPECT_NE(handle_, nullptr) << VCITY_FAKE_NVML; }
    ~FakeLibrary() { ::dlclose(handle_); }
    FakeLibrary(const FakeLibrary&) = delete;
    FakeLibrary& operator=(const FakeLibrary&) = delete;

    void say(const std::string& text) const {
        reinterpret_cast<void (*)(const char*)>(::dlsym(handle_, "fake_nvml_say"))(text.c_str());
    }
    unsigned limit_mw(unsigned index) const {
        return reinterpret_cast<unsigned (*)(unsigned)>(::dlsym(handle_, "fake_nvml_limit_mw"))(index);
    }

  private:
    void* handle_;
};

class NvmlHarness final : public ports::testing::OnRuntime<ports::testing::InventoryHarness, AsioRuntime> {
  public:
    explicit NvmlHarness(const std::string& text = kTwoCards) {
        fake_.say(text);
        auto opened = NvmlInventory::open(&runtime(), VCITY_FAKE_NVML);
        EXPECT_TRUE(opened.has_value());
        inventory_ = *std::move(opened);
    }
    ports::Inventory& inventory() override { return *inventory_; }
    NvmlInventory& nvml() { return *inventory_; }
    const FakeLibrary& fake() const { return fake_; }

    Result<ports::MachineInventory> look() { return ports::testing::await(*this, inventory_->look()); }

  private:
    FakeLibrary fake_;
    std::unique_ptr<NvmlInventory> inventory_;
};

TEST(NvmlInventory, TellsWhatTheDriverTells) {
    NvmlHarness harness;

    const ports::MachineInventory seen = harness.look().value();

    EXPECT_EQ(seen.nvidia.version, "570.86.15");
    EXPECT_EQ(seen.nvidia.cuda, "12.8");
    ASSERT_EQ(seen.gpus.size(), 2U);
    const ports::Gpu& gpu = seen.gpus[0];
    EXPECT_EQ(gpu.model, "NVIDIA H100 80GB HBM3");
    EXPECT_EQ(gpu.uuid, "GPU-a");
    EXPECT_EQ(gpu.address, "0000:3b:00.0");
    EXPECT_EQ(gpu.pci_vendor, 0x10de);
    EXPECT_EQ(gpu.pci_device, 0x2330);
    EXPECT_EQ(gpu.vram_bytes, 81559ULL << 20U);
    EXPECT_EQ(gpu.vram_bytes_again, gpu.vram_bytes);
    EXPECT_EQ(gpu.compute_capability, "9.0");
    EXPECT_TRUE(gpu.is_on_nvswitch);
    EXPECT_EQ(gpu.link, (ports::PcieLink{4, 16, 5, 16}));
    EXPECT_EQ(gpu.power, (ports::PowerLimit{400, 150, 450}));
    EXPECT_EQ(gpu.load.busy_percent, 40);
    EXPECT_EQ(gpu.load.watts, 100);
    EXPECT_EQ(gpu.load.energy_joules, 5000);
    EXPECT_EQ(gpu.load.pcie_replays, 3U);
    EXPECT_EQ(gpu.load.processes, (std::vector<ports::GpuProcess>{{4242, 300ULL << 20U}}));
}

TEST(NvmlInventory, TellsInstancesAndDirectLinks) {
    NvmlHarness harness;

    const ports::Gpu gpu = harness.look().value().gpus[1];

    EXPECT_TRUE(gpu.is_mig);
    ASSERT_EQ(gpu.instances.size(), 2U);
    EXPECT_EQ(gpu.instances[1].profile, "3g.20gb");
    EXPECT_EQ(gpu.instances[1].vram_bytes, 19968ULL << 20U);
    EXPECT_EQ(gpu.address, "0001:5e:00.0");
    EXPECT_EQ(gpu.nvlink_peers, std::vector<std::string>{"0000:86:00.0"});
    EXPECT_FALSE(gpu.is_on_nvswitch);
}

TEST(NvmlInventory, ANameThatNobodyKnowsIsAsGoodAsAny) {
    NvmlHarness harness{"gpu\nname NVIDIA Whatever 9999\nuuid GPU-z\npci 0000:01:00.0\nid 10de:ffff\nvram_mib 1234\n"};

    EXPECT_EQ(harness.look().value().gpus[0].model, "NVIDIA Whatever 9999");
}

TEST(NvmlInventory, AMachineWithoutCardsIsNoFault) {
    NvmlHarness harness{"driver 570.86.15\n"};

    EXPECT_TRUE(harness.look().value().gpus.empty());
}

TEST(NvmlInventory, ACardWithoutMemoryIsNamed) {
    NvmlHarness harness{"gpu\nname NVIDIA X\npci 0000:01:00.0\n"};

    const auto seen = harness.look();

    EXPECT_EQ(seen.error().code, Errc::kUnavailable);
    EXPECT_NE(seen.error().message.find("GPU 0"), std::string::npos) << seen.error().message;
}

TEST(NvmlInventory, SixtyFiveCardsAreABrokenAnswer) {
    std::string text;
    for (int card = 0; card < 65; ++card) text += "gpu\nvram_mib 1\n";
    NvmlHarness harness{text};

    EXPECT_EQ(harness.look().error().code, Errc::kCorrupt);
}

TEST(NvmlInventory, SaysWhyItCannotBeOpened) {
    AsioRuntime runtime;
    const FakeLibrary fake;

    EXPECT_EQ(NvmlInventory::open(&runtime, "libnvidia-ml-that-is-not-there.so.1").error().code, Errc::kNotFound);
    EXPECT_EQ(NvmlInventory::open(&runtime, "libm.so.6").error().code, Errc::kCorrupt);
    fake.say("init 18\n");
    const auto mismatch = NvmlInventory::open(&runtime, VCITY_FAKE_NVML);
    EXPECT_EQ(mismatch.error().code, Errc::kUnavailable);
    EXPECT_NE(mismatch.error().message.find("different versions"), std::string::npos) << mismatch.error().message;
    fake.say("");
}

TEST(NvmlInventory, LimitsThePowerOfOneCardWithinWhatItTakes) {
    NvmlHarness harness{
        "gpu\nuuid GPU-a\nvram_mib 1\ngpu\nuuid GPU-b\nvram_mib 1\ngpu\nuuid GPU-c\nvram_mib 1\ndenied 1\n"};
    const auto limit = [&](const std::string& uuid, double watts) {
        return ports::testing::await(harness, harness.nvml().limit(uuid, watts));
    };

    EXPECT_TRUE(limit("GPU-b", 200).has_value());

    EXPECT_EQ(harness.fake().limit_mw(0), 400'000U);
    EXPECT_EQ(harness.fake().limit_mw(1), 200'000U);
    EXPECT_EQ(limit("GPU-b", 100).error().code, Errc::kInvalid);
    EXPECT_EQ(limit("GPU-b", 451).error().code, Errc::kInvalid);
    EXPECT_EQ(limit("GPU-x", 200).error().code, Errc::kNotFound);
    EXPECT_EQ(limit("GPU-c", 200).error().code, Errc::kDenied);
}

}  // namespace
}  // namespace vcity::adapters

namespace vcity::ports::testing {

INSTANTIATE_TEST_SUITE_P(Nvml, InventoryContract, ::testing::Values([] {
                             return std::make_unique<adapters::NvmlHarness>();
                         }));

}  // namespace vcity::ports::testing
