// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <set>

#include <gtest/gtest.h>

#include "ports/inventory.hpp"
#include "ports/testing/harness.hpp"

namespace vcity::ports::testing {

class InventoryHarness : public TaskRunner {
  public:
    // Of a machine that has something to show.
    virtual Inventory& inventory() = 0;
};

using InventoryHarnessFactory = std::function<std::unique_ptr<InventoryHarness>()>;

// What every Inventory must do. Include it in one file of a test program and instantiate it with a factory.
class InventoryContract : public ::testing::TestWithParam<InventoryHarnessFactory> {
  protected:
    MachineInventory look() {
        auto seen = await(*harness, harness->inventory().look());
        EXPECT_TRUE(seen.has_value()) << seen.error().message;
        return seen ? *std::move(seen) : MachineInventory{};
    }
    static bool is_address(const std::string& text) {
        constexpr std::string_view kForm = "xxxx:xx:xx.x";
        return text.size() == kForm.size() && std::ranges::equal(text, kForm, [](char letter, char form) {
                   return form == 'x' ? (letter >= '0' && letter <= '9') || (letter >= 'a' && letter <= 'f')
                                      : letter == form;
               });
    }

    std::unique_ptr<InventoryHarness> harness = GetParam()();
};

TEST_P(InventoryContract, ItSeesSomethingAndTheSameAgain) {
    const MachineInventory first = look();
    const MachineInventory second = look();

    EXPECT_NE(first, MachineInventory{});
    EXPECT_EQ(first.cards, second.cards);
    ASSERT_EQ(first.gpus.size(), second.gpus.size());
    for (std::size_t gpu = 0; gpu < first.gpus.size(); ++gpu) {
        EXPECT_EQ(first.gpus[gpu].uuid, second.gpus[gpu].uuid);
        EXPECT_EQ(first.gpus[gpu].address, second.gpus[gpu].address);
    }
}

TEST_P(InventoryContract, AddressesHaveOneForm) {
    const MachineInventory seen = look();

    for (const PciCard& card : seen.cards) EXPECT_TRUE(is_address(card.address)) << card.address;
    for (const Gpu& gpu : seen.gpus) {
        EXPECT_TRUE(is_address(gpu.address)) << gpu.address;
        for (const std::string& peer : gpu.nvlink_peers) EXPECT_TRUE(is_address(peer)) << peer;
    }
}

TEST_P(InventoryContract, EachGpuHasANameAMemoryAndAPlaceOfItsOwn) {
    const MachineInventory seen = look();

    std::set<std::string> places;
    for (const Gpu& gpu : seen.gpus) {
        EXPECT_FALSE(gpu.model.empty());
        EXPECT_GT(gpu.vram_bytes, 0U) << gpu.model;
        EXPECT_TRUE(places.insert(gpu.address).second) << gpu.address;
        EXPECT_TRUE(gpu.is_mig || gpu.instances.empty());
        if (gpu.load.vram_used_bytes) EXPECT_LE(*gpu.load.vram_used_bytes, gpu.vram_bytes);
    }
}

TEST_P(InventoryContract, ItIsNotUsableForMoreThanTheMachineHas) {
    const MachineInventory seen = look();

    EXPECT_LE(seen.memory_usable_bytes, seen.memory_bytes);
    EXPECT_LE(seen.cpu.usable_milli, seen.cpu.threads * 1000);
    EXPECT_LE(seen.cpu.cores, seen.cpu.threads);
    for (const Disk& disk : seen.disks) EXPECT_LE(disk.free_bytes, disk.bytes);
}

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(InventoryContract);

}  // namespace vcity::ports::testing
