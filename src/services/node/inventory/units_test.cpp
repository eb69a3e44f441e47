// SPDX-License-Identifier: Apache-2.0
#include "services/node/inventory/units.hpp"

#include <algorithm>
#include <random>
#include <set>

#include <gtest/gtest.h>

#include "services/node/inventory/check_test_machines.hpp"
#include "services/node/inventory/gpu_metrics.hpp"

namespace vcity::node {
namespace {

using ports::Gpu;
using ports::MachineInventory;

CheckedInventory check(const MachineInventory& machine) {
    return {machine, cross_check(machine)};
}

UnitTerms terms_of(Grain grain) {
    UnitTerms terms;
    terms.grain = grain;
    terms.gpu_hourly = Usd{400'000};
    terms.core_hourly = Usd{10'000};
    terms.gpu_spot = Usd{100'000};
    terms.disk_mib = 8192;
    return terms;
}

std::vector<std::uint32_t> sizes(const OwnUnits& units) {
    std::vector<std::uint32_t> sizes;
    for (const UnitOffer& offer : units.offers) sizes.push_back(offer.gpus);
    std::ranges::sort(sizes);
    return sizes;
}

TEST(UnitsOf, AMachineWithoutGpusIsOneUnitOfItsCores) {
    const OwnUnits units = units_of(check(a_machine({})), terms_of(Grain::kIsland)).value();

    ASSERT_EQ(units.offers.size(), 1U);
    EXPECT_EQ(units.offers[0].gpus, 0U);
    EXPECT_EQ(units.offers[0].gpu_model, "");
    EXPECT_EQ(units.offers[0].cpu_milli, 31'000U);
    EXPECT_EQ(units.offers[0].memory_mib, 127U * 1024);
    EXPECT_EQ(units.offers[0].disk_mib, 8192U);
    EXPECT_EQ(units.offers[0].hourly, Usd{10'000});
    EXPECT_TRUE(units.gpus.empty());
}

TEST(UnitsOf, EachGpuIsAUnitWithItsShareOfTheMachine) {
    const OwnUnits units = units_of(check(a_machine({a_4090(1), a_4090(2)})), terms_of(Grain::kGpu)).value();

    ASSERT_EQ(units.offers.size(), 2U);
    for (const UnitOffer& offer : units.offers) {
        EXPECT_EQ(offer.gpu_model, "NVIDIA GeForce RTX 4090");
        EXPECT_EQ(offer.gpus, 1U);
        EXPECT_EQ(offer.vram_mib, 24564U);
        EXPECT_EQ(offer.cpu_milli, 15'500U);
        EXPECT_EQ(offer.hourly, Usd{400'000});
        EXPECT_EQ(offer.spot_hourly, Usd{100'000});
        EXPECT_EQ(offer.interconnect, Interconnect::kNone);
    }
    EXPECT_EQ(units.gpus.at(0), std::vector<std::string>{"nvidia.com/gpu=GPU-1"});
    EXPECT_EQ(units.gpus.at(1), std::vector<std::string>{"nvidia.com/gpu=GPU-2"});
}

TEST(UnitsOf, AlikeGpusOfAMachineAreOneUnitWhoeverJoinsThem) {
    const OwnUnits pcie = units_of(check(a_machine({a_4090(1), a_4090(2)})), terms_of(Grain::kMachine)).value();
    const OwnUnits nvlink = units_of(check(a_machine({an_h100(1), an_h100(2)})), terms_of(Grain::kMachine)).value();

    ASSERT_EQ(pcie.offers.size(), 1U);
    EXPECT_EQ(pcie.offers[0].interconnect, Interconnect::kPcie);
    ASSERT_EQ(nvlink.offers.size(), 1U);
    EXPECT_EQ(nvlink.offers[0].interconnect, Interconnect::kNvlink);
}

TEST(UnitsOf, GpusThatNvlinkJoinsAreOneUnitAndOthersAreAlone) {
    std::vector<Gpu> gpus{a_4090(1), a_4090(2), a_4090(3), a_4090(4), a_4090(5)};
    gpus[0].nvlink_peers = {gpus[2].address};
    gpus[2].nvlink_peers = {gpus[0].address};
    gpus[3].nvlink_peers = {gpus[4].address};  // only one end tells

    const OwnUnits units = units_of(check(a_machine(gpus)), terms_of(Grain::kIsland)).value();

    EXPECT_EQ(sizes(units), (std::vector<std::uint32_t>{1, 2, 2}));
    const auto pair = std::ranges::find(units.offers, 2U, &UnitOffer::gpus);
    ASSERT_NE(pair, units.offers.end());
    EXPECT_EQ(pair->interconnect, Interconnect::kNvlink);
    EXPECT_EQ(units.gpus.at(pair->number), (std::vector<std::string>{"nvidia.com/gpu=GPU-1", "nvidia.com/gpu=GPU-3"}));
}

TEST(UnitsOf, MixedCardsOfAMachineAreUnitsOfTheirOwnInAnyOrder) {
    std::vector<Gpu> gpus{a_4090(1), with_chip(a_4090(2), 0x2d04, "NVIDIA GeForce RTX 5060 Ti"), a_4090(3)};
    const OwnUnits one = units_of(check(a_machine(gpus)), terms_of(Grain::kMachine)).value();
    std::ranges::reverse(gpus);
    const OwnUnits other = units_of(check(a_machine(gpus)), terms_of(Grain::kMachine)).value();

    ASSERT_EQ(one.offers.size(), 2U);
    EXPECT_EQ(one.offers, other.offers);
    EXPECT_EQ(sizes(one), (std::vector<std::uint32_t>{1, 2}));
    EXPECT_NE(one.offers[0].gpu_model, one.offers[1].gpu_model);
}

TEST(UnitsOf, OneNameWithTwoSizesOfMemoryIsTwoUnits) {
    std::vector<Gpu> gpus{with_chip(a_4090(1), 0x2803, "NVIDIA GeForce RTX 4060 Ti"),
                          with_chip(a_4090(2), 0x2803, "NVIDIA GeForce RTX 4060 Ti")};
    gpus[0].vram_bytes = 8ULL << 30U;
    gpus[1].vram_bytes = 16ULL << 30U;
    gpus[0].vram_bytes_again = gpus[1].vram_bytes_again = std::nullopt;

    EXPECT_EQ(units_of(check(a_machine(gpus)), terms_of(Grain::kMachine)).value().offers.size(), 2U);
}

TEST(UnitsOf, SixteenGpusAreTwoUnitsOfEight) {
    std::vector<Gpu> gpus;
    for (int bus = 1; bus <= 16; ++bus) gpus.push_back(an_h100(bus));

    EXPECT_EQ(sizes(units_of(check(a_machine(gpus)), terms_of(Grain::kIsland)).value()),
              (std::vector<std::uint32_t>{8, 8}));
}

TEST(UnitsOf, InstancesOfAGpuAreUnitsPricedByTheirMemory) {
    Gpu gpu = an_h100(1);
    gpu.is_mig = true;
    gpu.instances = {{.uuid = "MIG-1", .profile = "3g.40gb", .vram_bytes = gpu.vram_bytes / 2},
                     {.uuid = "MIG-2", .profile = "1g.10gb", .vram_bytes = gpu.vram_bytes / 8}};

    const OwnUnits units = units_of(check(a_machine({gpu})), terms_of(Grain::kMachine)).value();

    ASSERT_EQ(units.offers.size(), 2U);
    EXPECT_EQ(units.offers[0].gpus, 1U);
    EXPECT_EQ(units.offers[0].hourly, Usd{200'000});
    EXPECT_EQ(units.offers[1].hourly, Usd{50'000});
    EXPECT_EQ(units.gpus.at(0), std::vector<std::string>{"nvidia.com/gpu=MIG-1"});
    EXPECT_NE(units.offers[0].gpu_model, units.offers[1].gpu_model);
    EXPECT_GT(units.offers[0].cpu_milli, units.offers[1].cpu_milli);
}

TEST(UnitsOf, AGpuThatIsDoubtedIsLeftOut) {
    MachineInventory machine = a_machine({a_4090(1), a_4090(2)});
    machine.gpus[1].vram_bytes = 80ULL << 30U;

    const OwnUnits units = units_of(check(machine), terms_of(Grain::kMachine)).value();

    EXPECT_EQ(sizes(units), std::vector<std::uint32_t>{1});
    machine.nvidia.version = "591.86";
    EXPECT_EQ(sizes(units_of(check(machine), terms_of(Grain::kMachine)).value()), std::vector<std::uint32_t>{0});
}

TEST(UnitsOf, CardsOfAmdAreNamedByTheirNumberForTheSandbox) {
    const OwnUnits units = units_of(check(a_machine({a_4090(1), an_amd(2)})), terms_of(Grain::kGpu)).value();

    ASSERT_EQ(units.offers.size(), 2U);
    EXPECT_EQ(units.gpus.at(1), std::vector<std::string>{"amd.com/gpu=0"});
}

TEST(UnitsOf, APriceOfTheModelGoesBefore) {
    UnitTerms terms = terms_of(Grain::kGpu);
    terms.model_hourly["NVIDIA GeForce RTX 4090"] = Usd{50'000};

    const UnitOffer offer = units_of(check(a_machine({a_4090(1)})), terms).value().offers[0];

    EXPECT_EQ(offer.hourly, Usd{50'000});
    EXPECT_EQ(offer.spot_hourly, Usd{50'000});  // never above it
}

TEST(UnitsOf, WithoutASandboxForDevicesOnlyCoresAreOffered) {
    UnitTerms terms = terms_of(Grain::kGpu);
    terms.with_gpus = false;

    EXPECT_EQ(sizes(units_of(check(a_machine({a_4090(1)})), terms).value()), std::vector<std::uint32_t>{0});
}

TEST(UnitsOf, NothingIsOfferedWhereAllIsReserved) {
    UnitTerms terms = terms_of(Grain::kGpu);
    terms.reserve_cpu_milli = 32'000;

    const auto units = units_of(check(a_machine({})), terms);

    EXPECT_EQ(units.error().code, Errc::kExhausted);
    EXPECT_NE(units.error().message.find("32000"), std::string::npos) << units.error().message;
}

TEST(UnitsOf, WhateverTheMachineItIsNeverMoreThanIsThereAndEachGpuStandsInOneUnit) {
    std::mt19937 random{7};
    for (int round = 0; round < 300; ++round) {
        std::vector<Gpu> gpus;
        const auto count = random() % 20;
        for (unsigned index = 0; index < count; ++index) {
            Gpu gpu = random() % 2 == 0 ? a_4090(static_cast<int>(index) + 1) : an_h100(static_cast<int>(index) + 1);
            gpu.is_on_nvswitch = random() % 2 == 0;
            if (index > 0 && random() % 3 == 0) gpu.nvlink_peers = {gpus[random() % index].address};
            gpus.push_back(gpu);
        }
        const MachineInventory machine = a_machine(gpus);
        const UnitTerms terms = terms_of(static_cast<Grain>(random() % 3));

        const OwnUnits units = units_of(check(machine), terms).value();

        std::uint64_t cpu_milli = 0;
        std::uint64_t memory_mib = 0;
        std::multiset<std::string> used;
        for (const UnitOffer& offer : units.offers) {
            cpu_milli += offer.cpu_milli;
            memory_mib += offer.memory_mib;
            EXPECT_LE(offer.gpus, kUnitGpusMax);
            EXPECT_LE(offer.gpu_model.size(), kModelLabelBytesMax);
            if (offer.gpus == 0) continue;
            const auto& names = units.gpus.at(offer.number);
            EXPECT_EQ(names.size(), offer.gpus);
            used.insert(names.begin(), names.end());
        }
        EXPECT_LE(cpu_milli, machine.cpu.usable_milli - terms.reserve_cpu_milli);
        EXPECT_LE(memory_mib, (machine.memory_usable_bytes >> 20U) - terms.reserve_memory_mib);
        EXPECT_EQ(used.size(), gpus.size());
        for (const Gpu& gpu : gpus) EXPECT_EQ(used.count("nvidia.com/gpu=" + gpu.uuid), 1U);
    }
}

TEST(ModelLabel, FitsAndTellsModelsApart) {
    EXPECT_EQ(model_label("NVIDIA GeForce RTX 4090"), "NVIDIA GeForce RTX 4090");
    EXPECT_EQ(model_label("NVIDIA RTX 6000 Ada Generation XX"), "RTX 6000 Ada Generation XX");
    const std::string server = model_label("NVIDIA RTX PRO 6000 Blackwell Server Edition");
    const std::string desk = model_label("NVIDIA RTX PRO 6000 Blackwell Workstation Edition");
    EXPECT_LE(server.size(), kModelLabelBytesMax);
    EXPECT_TRUE(server.starts_with("RTX PRO 6000 Blackwell"));
    EXPECT_NE(server, desk);
    EXPECT_EQ(model_label("a\nb"), "a?b");
}

TEST(Grain, IsReadByItsName) {
    for (const Grain grain : {Grain::kMachine, Grain::kIsland, Grain::kGpu}) {
        EXPECT_EQ(parse_grain(to_string(grain)).value(), grain);
    }
    EXPECT_EQ(parse_grain("rack").error().code, Errc::kInvalid);
}

TEST(GpuMetrics, HaveTheNamesAndLabelsOfDcgm) {
    MachineInventory machine = a_machine({a_4090(1), an_amd(2)});
    machine.gpus[0].load.busy_percent = 97;
    machine.gpus[0].load.vram_used_bytes = 1024ULL << 20U;
    machine.gpus[0].load.energy_joules = 2.5;
    machine.gpus[1].load.celsius = 45;
    machine.gpus[1].model = "a \"quoted\" card";

    const std::string text = gpu_metrics(machine, "host-1");

    const std::string labels =
        "{gpu=\"0\",UUID=\"GPU-1\",pci_bus_id=\"00000000:01:00.0\",device=\"nvidia0\","
        "modelName=\"NVIDIA GeForce RTX 4090\",Hostname=\"host-1\"}";
    EXPECT_NE(text.find("# TYPE DCGM_FI_DEV_GPU_UTIL gauge\nDCGM_FI_DEV_GPU_UTIL" + labels + " 97\n"),
              std::string::npos)
        << text;
    EXPECT_NE(text.find("DCGM_FI_DEV_FB_USED" + labels + " 1024\n"), std::string::npos);
    EXPECT_NE(text.find("DCGM_FI_DEV_FB_FREE" + labels + " 23540\n"), std::string::npos);
    EXPECT_NE(text.find("DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION" + labels + " 2500\n"), std::string::npos);
    EXPECT_NE(text.find("modelName=\"a \\\"quoted\\\" card\""), std::string::npos);
    EXPECT_EQ(text.find("POWER_USAGE"), std::string::npos);  // nobody told it
}

TEST(GpuMetrics, WithoutGpusThereIsNothing) {
    EXPECT_EQ(gpu_metrics(a_machine({}), "host-1"), "");
}

}  // namespace
}  // namespace vcity::node
