// SPDX-License-Identifier: Apache-2.0
#include "services/node/inventory/check.hpp"

#include <algorithm>

#include <gtest/gtest.h>

#include "services/node/inventory/check_test_machines.hpp"

namespace vcity::node {
namespace {

using ports::MachineInventory;

const Finding* find(const std::vector<Finding>& findings, Doubt doubt) {
    const auto found = std::ranges::find(findings, doubt, &Finding::doubt);
    return found == findings.end() ? nullptr : &*found;
}

bool says(const Finding* finding, const std::string& text) {
    return finding != nullptr && finding->text.find(text) != std::string::npos;
}

bool refuses_all(const MachineInventory& machine) {
    const CheckedInventory inventory{machine, cross_check(machine)};
    return std::ranges::all_of(machine.gpus, [&](const ports::Gpu& gpu) { return inventory.is_refused(gpu); });
}

TEST(CrossCheck, AnHonestMachineHasNothingToExplain) {
    EXPECT_EQ(cross_check(a_machine({a_4090(1), a_4090(2)})), std::vector<Finding>{});
}

TEST(CrossCheck, AWindowsDriverOnLinuxIsNamedWithWhatTheKernelHasLoaded) {
    MachineInventory machine = a_machine({a_4090(1)});
    machine.nvidia.version = "591.86";

    const auto findings = cross_check(machine);

    const Finding* found = find(findings, Doubt::kWindowsDriver);
    EXPECT_TRUE(says(found, "591.86")) << found->text;
    EXPECT_TRUE(says(found, "570.86.15"));
    EXPECT_TRUE(says(found, "do not allow-list"));
    EXPECT_TRUE(refuses_all(machine));
    machine.nvidia.kernel.clear();
    EXPECT_TRUE(says(find(cross_check(machine), Doubt::kWindowsDriver), "no nvidia module"));
}

TEST(CrossCheck, ANumberThatTheKernelConfirmsIsANoteOnly) {
    MachineInventory machine = a_machine({a_4090(1)});
    machine.nvidia = {.version = "591.86", .library = "591.86", .kernel = "591.86", .cuda = "", .kernel_cards = {}};

    const auto findings = cross_check(machine);

    ASSERT_EQ(findings.size(), 1U);
    EXPECT_EQ(findings[0].doubt, Doubt::kWindowsDriver);
    EXPECT_EQ(findings[0].weight, Weight::kNote);
    EXPECT_FALSE(refuses_all(machine));
}

TEST(CrossCheck, DriversForLinuxOfManyYearsAreNoWindowsDrivers) {
    for (const std::string version : {"390.157", "418.226.00", "470.42.01", "515.65.01", "535.98", "545.29.06",
                                      "550.78", "560.35.03", "575.51.02", "590.48.01"}) {
        MachineInventory machine = a_machine({a_4090(1)});
        machine.nvidia.version = machine.nvidia.kernel = version;
        machine.nvidia.library.clear();

        EXPECT_EQ(cross_check(machine), std::vector<Finding>{}) << version;
    }
}

TEST(CrossCheck, ALibraryOfAnotherVersionThanTheModuleIsNamed) {
    MachineInventory machine = a_machine({a_4090(1)});
    machine.nvidia.version = "575.51.02";
    machine.nvidia.library = "575.51.02";

    const auto findings = cross_check(machine);

    EXPECT_TRUE(says(find(findings, Doubt::kDriverVersions), "575.51.02"));
    EXPECT_TRUE(says(find(findings, Doubt::kDriverVersions), "570.86.15"));
    EXPECT_TRUE(refuses_all(machine));
}

TEST(CrossCheck, CardsWithoutAModuleThatDrivesThemAreRefused) {
    MachineInventory machine = a_machine({a_4090(1)});
    machine.nvidia.kernel.clear();

    EXPECT_NE(find(cross_check(machine), Doubt::kNoKernelModule), nullptr);
    EXPECT_TRUE(refuses_all(machine));
}

TEST(CrossCheck, EightAdvertisedGpusOnOneCardAreNamed) {
    MachineInventory machine = a_machine({a_4090(1)});
    for (int card = 2; card <= 8; ++card) machine.gpus.push_back(a_4090(card));

    const auto findings = cross_check(machine);

    EXPECT_TRUE(says(find(findings, Doubt::kMoreGpusThanPci), "8 nvidia GPUs"));
    EXPECT_TRUE(says(find(findings, Doubt::kMoreGpusThanPci), "1 cards"));
    EXPECT_NE(find(findings, Doubt::kNotOnPci), nullptr);
    EXPECT_TRUE(refuses_all(machine));
}

TEST(CrossCheck, AGpuWhereTheBusHasNoneIsNamedByItsAddress) {
    MachineInventory machine = a_machine({a_4090(1), a_4090(2)});
    machine.gpus[1].address = "0000:99:00.0";
    machine.nvidia.kernel_cards.clear();

    const auto findings = cross_check(machine);

    EXPECT_TRUE(says(find(findings, Doubt::kNotOnPci), "0000:99:00.0"));
    const CheckedInventory inventory{machine, findings};
    EXPECT_FALSE(inventory.is_refused(machine.gpus[0]));
    EXPECT_TRUE(inventory.is_refused(machine.gpus[1]));
}

TEST(CrossCheck, AnOverlaidMemorySizeIsNamedWithWhatTheChipIsMadeWith) {
    MachineInventory machine = a_machine({a_4090(1)});
    machine.gpus[0].vram_bytes = 80ULL << 30U;
    machine.gpus[0].vram_bytes_again = machine.gpus[0].vram_bytes;

    const auto findings = cross_check(machine);

    ASSERT_EQ(findings.size(), 1U);
    EXPECT_EQ(findings[0].doubt, Doubt::kMoreMemory);
    EXPECT_TRUE(says(findings.data(), "80.0 GiB"));
    EXPECT_TRUE(says(findings.data(), "24 GiB"));
    EXPECT_TRUE(says(findings.data(), "10de:2684"));
    EXPECT_TRUE(refuses_all(machine));
}

TEST(CrossCheck, TwoAnswersOnMemoryThatContradictAreNamedForAnUnknownCardToo) {
    MachineInventory machine = a_machine({with_chip(a_4090(1), 0xfff0, "NVIDIA Rubin X")});
    machine.gpus[0].vram_bytes = 80ULL << 30U;
    machine.gpus[0].vram_bytes_again = 24ULL << 30U;

    EXPECT_TRUE(says(find(cross_check(machine), Doubt::kMemoryContradicts), "24.0 GiB"));
    EXPECT_TRUE(refuses_all(machine));
}

TEST(CrossCheck, AnotherNameThanTheChipsIsNamed) {
    MachineInventory machine = a_machine({a_4090(1)});
    machine.gpus[0].model = "NVIDIA H100 80GB HBM3";
    machine.cards[0].name = "AD102 [GeForce RTX 4090]";

    EXPECT_TRUE(says(find(cross_check(machine), Doubt::kOtherName), "GeForce RTX 4090"));
}

TEST(CrossCheck, AnotherChipThanTheBusShowsIsNamed) {
    MachineInventory machine = a_machine({a_4090(1)});
    machine.gpus[0].pci_device = 0x2330;

    EXPECT_TRUE(says(find(cross_check(machine), Doubt::kOtherChip), "10de:2330"));
}

TEST(CrossCheck, AnAddressThatTheModuleDoesNotDriveIsNamed) {
    MachineInventory machine = a_machine({a_4090(1), a_4090(2)});
    machine.nvidia.kernel_cards.pop_back();

    EXPECT_EQ(find(cross_check(machine), Doubt::kNotDriven)->address, machine.gpus[1].address);
}

TEST(CrossCheck, OnePlaceOrOneIdentityForTwoGpusIsNamed) {
    MachineInventory machine = a_machine({a_4090(1), a_4090(2)});
    machine.gpus[1].uuid = machine.gpus[0].uuid;
    EXPECT_TRUE(says(find(cross_check(machine), Doubt::kSameUuid), machine.gpus[0].uuid));
    EXPECT_TRUE(refuses_all(machine));

    machine.gpus[1].address = machine.gpus[0].address;
    EXPECT_NE(find(cross_check(machine), Doubt::kSamePlace), nullptr);
}

// What honest owners were refused for elsewhere.
TEST(CrossCheck, ACardThatNobodyHasListedIsGood) {
    const MachineInventory machine = a_machine({with_chip(a_4090(1), 0xfff0, "NVIDIA RTX 9090")});

    EXPECT_EQ(cross_check(machine), std::vector<Finding>{});
}

TEST(CrossCheck, ABoardOfAnyMakerIsGood) {
    MachineInventory machine = a_machine({a_4090(1)});
    for (const int maker : {0x1043, 0x1462, 0x1569, 0x0000, 0xffff}) {
        machine.cards[0].subsystem_vendor = static_cast<std::uint16_t>(maker);
        EXPECT_EQ(cross_check(machine), std::vector<Finding>{});
    }
}

TEST(CrossCheck, AnHonestA10GIsGoodWhateverItsNumberOfProcessors) {
    ports::Gpu gpu = with_chip(a_4090(1), 0x2237, "NVIDIA A10G");
    gpu.vram_bytes = 23028ULL << 20U;  // with ECC
    gpu.vram_bytes_again = gpu.vram_bytes;

    EXPECT_EQ(cross_check(a_machine({gpu})), std::vector<Finding>{});
}

TEST(CrossCheck, AShareOfACardIsANoteOnly) {
    MachineInventory machine = a_machine({a_4090(1)});
    machine.gpus[0].vram_bytes = 8ULL << 30U;
    machine.gpus[0].vram_bytes_again.reset();

    const auto findings = cross_check(machine);

    ASSERT_EQ(findings.size(), 1U);
    EXPECT_EQ(findings[0].doubt, Doubt::kLessMemory);
    EXPECT_FALSE(refuses_all(machine));
}

TEST(CrossCheck, ACardWithoutADriverIsANote) {
    MachineInventory machine = a_machine({a_4090(1), a_4090(2)});
    machine.gpus.pop_back();
    machine.cards[1].driver = "vfio-pci";

    const auto findings = cross_check(machine);

    ASSERT_EQ(findings.size(), 1U);
    EXPECT_EQ(findings[0].doubt, Doubt::kIdleCard);
    EXPECT_TRUE(says(findings.data(), "vfio-pci"));
}

TEST(CrossCheck, WithoutABusNothingIsRefusedForIt) {
    MachineInventory machine = a_machine({a_4090(1)});
    machine.has_pci = false;
    machine.cards.clear();

    const auto findings = cross_check(machine);

    ASSERT_EQ(findings.size(), 1U);
    EXPECT_EQ(findings[0].doubt, Doubt::kNoBus);
    EXPECT_FALSE(refuses_all(machine));
}

TEST(CrossCheck, FewerUsableCoresThanTheMachineHasAreANote) {
    MachineInventory machine = a_machine({});
    machine.cpu.threads = 240;
    machine.cpu.usable_milli = 20'000;

    EXPECT_TRUE(says(find(cross_check(machine), Doubt::kFewerCores), "240 threads"));
}

TEST(CrossCheck, WhatIsWrongWithNvidiaLeavesAmdAlone) {
    MachineInventory machine = a_machine({a_4090(1), an_amd(2)});
    machine.nvidia.version = "591.86";
    const CheckedInventory inventory{machine, cross_check(machine)};

    EXPECT_TRUE(inventory.is_refused(machine.gpus[0]));
    EXPECT_FALSE(inventory.is_refused(machine.gpus[1]));
}

TEST(Merge, TheFirstSourceThatKnowsSomethingIsBelieved) {
    MachineInventory host;
    host.memory_bytes = 5;
    host.nvidia.kernel = "570.86.15";
    host.has_pci = true;
    MachineInventory driver;
    driver.memory_bytes = 7;
    driver.nvidia.version = "570.86.15";
    driver.gpus = {a_4090(1)};

    const MachineInventory all = merge(std::vector<MachineInventory>{host, driver, {}});

    EXPECT_EQ(all.memory_bytes, 5U);
    EXPECT_EQ(all.nvidia.kernel, "570.86.15");
    EXPECT_EQ(all.nvidia.version, "570.86.15");
    EXPECT_EQ(all.gpus.size(), 1U);
    EXPECT_TRUE(all.has_pci);
}

}  // namespace
}  // namespace vcity::node
