// SPDX-License-Identifier: Apache-2.0
#include "adapters/inventory_host/host.hpp"

#include <filesystem>
#include <fstream>
#include <map>

#include <gtest/gtest.h>

#include "adapters/inventory_host/pci.hpp"
#include "adapters/runtime_asio/runtime.hpp"
#include "ports/testing/inventory_contract.hpp"

namespace vcity::adapters {
namespace {

namespace fs = std::filesystem;

// A folder with files as a kernel has them.
class FakeTree {
  public:
    FakeTree() {
        std::string pattern = (fs::temp_directory_path() / "vcity-kernel-XXXXXX").string();
        root_ = ::mkdtemp(pattern.data());
    }
    ~FakeTree() { fs::remove_all(root_); }
    FakeTree(const FakeTree&) = delete;
    FakeTree& operator=(const FakeTree&) = delete;

    std::string root() const { return root_.string(); }
    void put(const std::string& path, const std::string& text) const {
        fs::create_directories((root_.string() + path).substr(0, (root_.string() + path).rfind('/')));
        std::ofstream{root_.string() + path} << text;
    }
    void put(const std::string& folder, const std::map<std::string, std::string>& files) const {
        for (const auto& [name, text] : files) put(folder + "/" + name, text + "\n");
    }
    void link(const std::string& path, const std::string& target) const {
        fs::create_directory_symlink(target, root_.string() + path);
    }

  private:
    fs::path root_;
};

void put_machine(const FakeTree& tree) {
    tree.put("/proc/cpuinfo",
             "processor : 0\nmodel name : AMD EPYC 9654\nphysical id : 0\ncore id : 0\n\n"
             "processor : 1\nmodel name : AMD EPYC 9654\nphysical id : 0\ncore id : 0\n\n"
             "processor : 2\nmodel name : AMD EPYC 9654\nphysical id : 1\ncore id : 0\n\n"
             "processor : 3\nmodel name : AMD EPYC 9654\nphysical id : 1\ncore id : 0\n");
    tree.put("/proc/meminfo", "MemTotal:       16777216 kB\nMemFree:  1 kB\n");
    tree.put("/proc/sys/kernel/osrelease", "6.1.0-18-amd64\n");
    tree.put("/sys/bus/pci/devices/0000:3b:00.0", {{"class", "0x030200"},
                                                   {"vendor", "0x10de"},
                                                   {"device", "0x2684"},
                                                   {"subsystem_vendor", "0x1569"},
                                                   {"subsystem_device", "0x1234"},
                                                   {"numa_node", "1"},
                                                   {"current_link_speed", "16.0 GT/s PCIe"},
                                                   {"current_link_width", "16"},
                                                   {"max_link_speed", "32.0 GT/s PCIe"},
                                                   {"max_link_width", "255"},
                                                   {"resource",
                                                    "0x00000000fb000000 0x00000000fbffffff 0x0000000000040200\n"
                                                    "0x00000e0000000000 0x00000e07ffffffff 0x000000000014220c"}});
    tree.put("/sys/bus/pci/devices/0000:00:1f.0", {{"class", "0x060100"}, {"vendor", "0x8086"}, {"device", "0x0001"}});
    tree.put("/usr/share/misc/pci.ids",
             "# list\n10de  NVIDIA Corporation\n\t2684  AD102 [GeForce RTX 4090]\n\t\t1569 1234  Board\n");
    tree.put("/sys/module/nvidia/version", "570.86.15\n");
    tree.put("/proc/driver/nvidia/gpus/0000:3b:00.0/information", "Model: x\n");
    tree.put("/sys/class/net/eth0", {{"speed", "10000"}, {"operstate", "up"}});
    tree.put("/sys/class/net/eth0/device/vendor", "0x8086\n");
    tree.put("/sys/class/net/lo/operstate", "unknown\n");
    tree.put("/sys/class/net/wlan0", {{"speed", "-1"}, {"operstate", "down"}});
    tree.put("/sys/class/net/wlan0/device/vendor", "0x8086\n");
}

class HostHarness final : public ports::testing::OnRuntime<ports::testing::InventoryHarness, AsioRuntime> {
  public:
    HostHarness() { put_machine(tree); }
    ports::Inventory& inventory() override { return host_; }
    Result<ports::MachineInventory> look() { return ports::testing::await(*this, host_.look()); }

    FakeTree tree;

  private:
    HostInventory host_{&runtime(), {.root = tree.root(), .disks = {"/tmp", "/no/such/folder"}}};
};

TEST(HostInventory, TellsProcessorMemoryDisksAndNetworks) {
    HostHarness harness;

    const ports::MachineInventory seen = harness.look().value();

    EXPECT_EQ(seen.system, "Linux 6.1.0-18-amd64");
    EXPECT_EQ(seen.cpu, (ports::Cpu{"AMD EPYC 9654", 2, 2, 4, 4000}));
    EXPECT_EQ(seen.memory_bytes, 16ULL << 30U);
    EXPECT_EQ(seen.memory_usable_bytes, seen.memory_bytes);
    ASSERT_EQ(seen.disks.size(), 1U);
    EXPECT_EQ(seen.disks[0].path, "/tmp");
    EXPECT_EQ(seen.networks,
              (std::vector<ports::NetworkCard>{{"eth0", 10'000, true, false}, {"wlan0", 0, false, false}}));
    EXPECT_EQ(seen.nvidia.kernel, "570.86.15");
    EXPECT_EQ(seen.nvidia.kernel_cards, std::vector<std::string>{"0000:3b:00.0"});
}

TEST(HostInventory, FindsACardWhoeverMadeItsBoard) {
    HostHarness harness;

    const ports::MachineInventory seen = harness.look().value();

    EXPECT_TRUE(seen.has_pci);
    ASSERT_EQ(seen.cards.size(), 1U);  // the bridge is none
    const ports::PciCard& card = seen.cards[0];
    EXPECT_EQ(card.address, "0000:3b:00.0");
    EXPECT_EQ(card.vendor, 0x10de);
    EXPECT_EQ(card.device, 0x2684);
    EXPECT_EQ(card.subsystem_vendor, 0x1569);
    EXPECT_EQ(card.name, "AD102 [GeForce RTX 4090]");
    EXPECT_EQ(card.numa, 1);
    EXPECT_EQ(card.bar_bytes, 32ULL << 30U);
    EXPECT_EQ(card.link, (ports::PcieLink{4, 16, 5, 0}));
}

TEST(HostInventory, ACardThatNoListKnowsIsStillThere) {
    HostHarness harness;
    harness.tree.put("/sys/bus/pci/devices/0000:5e:00.0",
                     {{"class", "0x120000"}, {"vendor", "0x10de"}, {"device", "0xfffe"}});

    const ports::MachineInventory seen = harness.look().value();

    ASSERT_EQ(seen.cards.size(), 2U);
    EXPECT_EQ(seen.cards[1].device, 0xfffe);
    EXPECT_EQ(seen.cards[1].name, "");
    EXPECT_EQ(seen.cards[1].numa, -1);
}

TEST(HostInventory, ACgroupBoundsWhatIsUsable) {
    HostHarness harness;
    harness.tree.put("/sys/fs/cgroup/cpu.max", "150000 100000\n");
    harness.tree.put("/sys/fs/cgroup/memory.max", "1073741824\n");

    const ports::MachineInventory seen = harness.look().value();

    EXPECT_EQ(seen.cpu.threads, 4U);
    EXPECT_EQ(seen.cpu.usable_milli, 1500U);
    EXPECT_EQ(seen.memory_usable_bytes, 1ULL << 30U);
}

TEST(HostInventory, NoLimitOfACgroupIsNone) {
    HostHarness harness;
    harness.tree.put("/sys/fs/cgroup/cpu.max", "max 100000\n");
    harness.tree.put("/sys/fs/cgroup/memory.max", "max\n");

    const ports::MachineInventory seen = harness.look().value();

    EXPECT_EQ(seen.cpu.usable_milli, 4000U);
    EXPECT_EQ(seen.memory_usable_bytes, seen.memory_bytes);
}

TEST(HostInventory, ReadsTheVersionOfTheModuleFromProcWhereSysHasNone) {
    const FakeTree tree;
    tree.put("/proc/cpuinfo", "processor : 0\n");
    tree.put("/proc/driver/nvidia/version",
             "NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.154.05  Thu Dec 28\nGCC version: 12\n");
    AsioRuntime runtime;
    HostInventory host{&runtime, {.root = tree.root(), .disks = {}}};
    HostHarness runner;

    EXPECT_EQ(ports::testing::await(runner, host.look()).value().nvidia.kernel, "535.154.05");
}

TEST(HostInventory, WithoutAProcessorItIsNoMachine) {
    const FakeTree tree;
    HostHarness runner;
    HostInventory host{&runner.runtime(), {.root = tree.root(), .disks = {}}};

    EXPECT_EQ(ports::testing::await(runner, host.look()).error().code, Errc::kUnavailable);
}

void put_amd(const FakeTree& tree, int card, const std::string& address, const std::string& hive) {
    const std::string folder = "/sys/class/drm/card" + std::to_string(card) + "/device";
    tree.put(folder, {{"vendor", "0x1002"},
                      {"device", "0x744c"},
                      {"uevent", "DRIVER=amdgpu\nPCI_SLOT_NAME=" + address},
                      {"mem_info_vram_total", "25753026560"},
                      {"mem_info_vram_used", "28000000"},
                      {"gpu_busy_percent", "7"},
                      {"unique_id", "abc" + std::to_string(card)},
                      {"current_link_speed", "16.0 GT/s PCIe"},
                      {"current_link_width", "16"}});
    tree.put(folder + "/hwmon/hwmon3", {{"temp1_input", "45000"},
                                        {"power1_average", "34000000"},
                                        {"power1_cap", "327000000"},
                                        {"power1_cap_max", "370000000"}});
    if (!hive.empty()) tree.put(folder + "/xgmi_hive_info/xgmi_hive_id", hive + "\n");
}

class AmdHarness final : public ports::testing::OnRuntime<ports::testing::InventoryHarness, AsioRuntime> {
  public:
    AmdHarness() {
        put_amd(tree, 0, "0000:03:00.0", "77");
        put_amd(tree, 1, "0000:83:00.0", "77");
        tree.put("/sys/class/drm/card0/card0-DP-1/status", "connected\n");
        tree.put("/sys/class/drm/card1/card1-DP-1/status", "disconnected\n");
        tree.put("/sys/class/drm/card2/device/vendor", "0x10de\n");
    }
    ports::Inventory& inventory() override { return amd_; }
    Result<ports::MachineInventory> look() { return ports::testing::await(*this, amd_.look()); }

    FakeTree tree;

  private:
    AmdInventory amd_{&runtime(), tree.root()};
};

TEST(AmdInventory, TellsWhatTheDriversFilesSay) {
    AmdHarness harness;
    harness.tree.put("/usr/share/misc/pci.ids",
                     "1002  AMD\n\t744c  Navi 31 [Radeon RX 7900 XT/7900 XTX]\n10de  NVIDIA\n\t744c  another\n");

    const ports::MachineInventory seen = harness.look().value();

    ASSERT_EQ(seen.gpus.size(), 2U);  // the card of another vendor is for another source
    const ports::Gpu& gpu = seen.gpus[0];
    EXPECT_EQ(gpu.vendor, ports::GpuVendor::kAmd);
    EXPECT_EQ(gpu.model, "AMD Radeon RX 7900 XT/7900 XTX");
    EXPECT_EQ(gpu.uuid, "GPU-abc0");
    EXPECT_EQ(gpu.address, "0000:03:00.0");
    EXPECT_EQ(gpu.vram_bytes, 25753026560U);
    EXPECT_EQ(gpu.nvlink_peers, std::vector<std::string>{"0000:83:00.0"});
    EXPECT_TRUE(gpu.has_display);
    EXPECT_FALSE(seen.gpus[1].has_display);
    EXPECT_EQ(gpu.load.busy_percent, 7);
    EXPECT_EQ(gpu.load.celsius, 45);
    EXPECT_EQ(gpu.load.watts, 34);
    EXPECT_EQ(gpu.power, (ports::PowerLimit{327, 0, 370}));
}

TEST(AmdInventory, ACardThatNoListKnowsIsCalledByItsNumber) {
    AmdHarness harness;

    EXPECT_EQ(harness.look().value().gpus[0].model, "AMD 744c");
}

TEST(AmdInventory, WithoutSuchCardsThereIsNothingToSee) {
    const FakeTree tree;
    HostHarness runner;
    AmdInventory amd{&runner.runtime(), tree.root()};

    EXPECT_EQ(ports::testing::await(runner, amd.look()).error().code, Errc::kNotFound);
}

TEST(KernelTree, NumbersAreWholeOrNone) {
    EXPECT_EQ(number_of("12"), 12U);
    EXPECT_EQ(number_of("0x10DE"), 0x10deU);
    for (const std::string text : {"", "max", "-1", "12 ", "0x", "1.5", "99999999999999999999"}) {
        EXPECT_EQ(number_of(text), std::nullopt) << text;
    }
}

}  // namespace
}  // namespace vcity::adapters

namespace vcity::ports::testing {

INSTANTIATE_TEST_SUITE_P(Host, InventoryContract, ::testing::Values([] {
                             return std::make_unique<adapters::HostHarness>();
                         }));
INSTANTIATE_TEST_SUITE_P(Amd, InventoryContract, ::testing::Values([] {
                             return std::make_unique<adapters::AmdHarness>();
                         }));

}  // namespace vcity::ports::testing
