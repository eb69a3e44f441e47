// SPDX-License-Identifier: Apache-2.0
#include "adapters/inventory_file/file.hpp"

#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include "adapters/runtime_asio/runtime.hpp"
#include "ports/testing/inventory_contract.hpp"

namespace vcity::adapters {
namespace {

namespace fs = std::filesystem;

ports::MachineInventory a_machine() {
    ports::MachineInventory machine;
    machine.system = "Linux 6.1.0";
    machine.cpu = {.model = "AMD EPYC", .sockets = 2, .cores = 16, .threads = 32, .usable_milli = 31'500};
    machine.memory_bytes = 64ULL << 30U;
    machine.memory_usable_bytes = 32ULL << 30U;
    machine.disks = {{.path = "/", .bytes = 10, .free_bytes = 5}};
    machine.networks = {{.name = "eth0", .mbit = 1000, .is_up = true, .is_rdma = true}};
    machine.has_pci = true;
    ports::PciCard card;
    card.address = "0000:3b:00.0";
    card.vendor = 0x10de;
    card.device = 0x2684;
    card.subsystem_vendor = 0x1043;
    card.link = {4, 16, 5, 16};
    machine.cards = {card};
    ports::Gpu gpu;
    gpu.vendor = ports::GpuVendor::kNvidia;
    gpu.model = "NVIDIA GeForce RTX 4090";
    gpu.address = card.address;
    gpu.vram_bytes = 24ULL << 30U;
    gpu.vram_bytes_again = gpu.vram_bytes;
    gpu.nvlink_peers = {"0000:5e:00.0"};
    gpu.is_mig = true;
    gpu.instances = {{.uuid = "MIG-1", .profile = "1g.5gb", .vram_bytes = 5}};
    gpu.power = ports::PowerLimit{450, 150, 500.5};
    gpu.load.busy_percent = 12.5;
    gpu.load.processes = {{.pid = 7, .vram_bytes = 9}};
    machine.gpus = {gpu};
    machine.nvidia = {
        .version = "570.86.15", .library = "", .kernel = "570.86.15", .cuda = "12.8", .kernel_cards = {"x"}};
    return machine;
}

class FileHarness final : public ports::testing::OnRuntime<ports::testing::InventoryHarness, AsioRuntime> {
  public:
    FileHarness() {
        std::string pattern = (fs::temp_directory_path() / "vcity-inventory-XXXXXX").string();
        folder_ = ::mkdtemp(pattern.data());
        write(codec::dump_json(inventory_json(a_machine())));
    }
    ~FileHarness() override { fs::remove_all(folder_); }
    ports::Inventory& inventory() override { return inventory_; }
    void write(const std::string& text) { std::ofstream{path()} << text; }
    std::string path() const { return (folder_ / "machine.json").string(); }
    Result<ports::MachineInventory> look() {
        inventory_ = FileInventory{path()};
        return ports::testing::await(*this, inventory_.look());
    }

  private:
    fs::path folder_;
    FileInventory inventory_{""};
};

TEST(InventoryJson, WhatIsWrittenIsReadBack) {
    EXPECT_EQ(parse_inventory(codec::dump_json(inventory_json(a_machine()))).value(), a_machine());
    EXPECT_EQ(parse_inventory("{}").value(), ports::MachineInventory{});
}

TEST(InventoryJson, WhatIsWrongIsNamedWithItsPlace) {
    const std::vector<std::pair<std::string, std::string>> cases{
        {R"([])", "the inventory: must be an object"},
        {R"({"gpus": [{}, {"vram_bytes": "24"}]})", "gpus[1].vram_bytes: must be an integer"},
        {R"({"gpus": [{"vram_bytes": -1}]})", "gpus[0].vram_bytes: is out of range"},
        {R"({"gpus": [{"vendor": "nvdia"}]})", "gpus[0].vendor: must be nvidia"},
        {R"({"cards": [{"vendor": 65536}]})", "cards[0].vendor: is out of range"},
        {R"({"gpu": []})", "gpu: is not known"},
        {R"({"cpu": {"core": 1}})", "cpu.core: is not known"},
        {R"({"has_pci": 1})", "has_pci: must be true or false"},
        {R"({"gpus": [{"load": {"watts": "1"}}]})", "gpus[0].load.watts: must be a number"},
        {R"({"system": 1})", "system: must be text"},
        {R"({"disks": {}})", "disks: must be a list"},
    };
    for (const auto& [text, what] : cases) {
        const auto machine = parse_inventory(text);
        ASSERT_FALSE(machine.has_value()) << text;
        EXPECT_EQ(machine.error().code, Errc::kInvalid);
        EXPECT_NE(machine.error().message.find(what), std::string::npos) << machine.error().message;
    }
    EXPECT_FALSE(parse_inventory(std::string(kInventoryFileBytesMax + 1, ' ')).has_value());
}

TEST(FileInventory, IsReadAnewAtEachLook) {
    FileHarness harness;
    EXPECT_EQ(harness.look().value(), a_machine());

    harness.write("{\"memory_bytes\": 5}");

    EXPECT_EQ(harness.look().value().memory_bytes, 5U);
}

TEST(FileInventory, ErrorsNameTheFile) {
    FileHarness harness;
    harness.write("{\"memory_bytes\": true}");

    const auto bad = harness.look();

    EXPECT_NE(bad.error().message.find(harness.path() + ": memory_bytes"), std::string::npos) << bad.error().message;
    fs::remove(harness.path());
    EXPECT_EQ(harness.look().error().code, Errc::kNotFound);
}

}  // namespace
}  // namespace vcity::adapters

namespace vcity::ports::testing {

std::unique_ptr<InventoryHarness> make_file_harness() {
    auto harness = std::make_unique<adapters::FileHarness>();
    EXPECT_TRUE(harness->look().has_value());
    return harness;
}

INSTANTIATE_TEST_SUITE_P(File, InventoryContract, ::testing::Values(make_file_harness));

}  // namespace vcity::ports::testing
