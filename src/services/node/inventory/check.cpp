// SPDX-License-Identifier: Apache-2.0
#include "services/node/inventory/check.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <map>

#include <fmt/core.h>

#include "services/node/inventory/known_cards.hpp"

namespace vcity::node {
namespace {

using ports::Gpu;
using ports::GpuVendor;
using ports::MachineInventory;
using ports::PciCard;

constexpr std::array<std::string_view, 16> kDoubts{
    "windows_driver",     "driver_versions", "no_kernel_module", "more_gpus_than_pci",
    "not_on_pci",         "not_driven",      "other_chip",       "other_name",
    "same_place",         "same_uuid",       "more_memory",      "less_memory",
    "memory_contradicts", "idle_card",       "fewer_cores",      "no_bus"};

constexpr double kGib = 1U << 30U;

// From 430 on, drivers for Linux are numbered in branches of five (535, 570, 590 ...); what lies between is for
// Windows.
bool is_windows_number(std::string_view version) {
    constexpr unsigned kFirst = 430;
    constexpr unsigned kStep = 5;
    unsigned branch = 0;
    const auto [stop, error] = std::from_chars(version.data(), version.data() + version.size(), branch);
    return error == std::errc{} && branch >= kFirst && branch % kStep != 0;
}

class Checker {
  public:
    explicit Checker(const MachineInventory& machine) : machine_{machine} {}

    std::vector<Finding> run() {
        if (count_gpus(GpuVendor::kNvidia) > 0) check_driver();
        if (machine_.has_pci) {
            check_count(GpuVendor::kNvidia);
            check_count(GpuVendor::kAmd);
        } else if (!machine_.gpus.empty()) {
            add(Doubt::kNoBus, Weight::kNote, "", "/sys/bus/pci is not there: GPUs cannot be held against the bus");
        }
        check_doubles();
        for (const Gpu& gpu : machine_.gpus) check_gpu(gpu);
        check_idle_cards();
        check_cores();
        return std::move(findings_);
    }

  private:
    void add(Doubt doubt, Weight weight, std::string address, std::string text) {
        findings_.push_back({doubt, weight, std::move(address), std::move(text)});
    }

    std::size_t count_gpus(GpuVendor vendor) const {
        return static_cast<std::size_t>(std::ranges::count(machine_.gpus, vendor, &Gpu::vendor));
    }

    void check_driver() {
        const ports::DriverFacts& driver = machine_.nvidia;
        const bool is_of_windows = is_windows_number(driver.version);
        if (is_of_windows && driver.version != driver.kernel) {
            const bool is_wsl = machine_.system.find("icrosoft") != std::string::npos;
            add(Doubt::kWindowsDriver, Weight::kRefused, "",
                fmt::format("NVML reports driver {}, a number that only drivers for Windows have; {}. {}",
                            driver.version,
                            driver.kernel.empty() ? "the kernel has no nvidia module loaded"
                                                  : "the module that the kernel has loaded is " + driver.kernel,
                            is_wsl ? "This is WSL: run the node on Linux itself"
                                   : "libnvidia-ml.so.1 is not the one of this machine's driver: install the driver "
                                     "again, and do not allow-list the number"));
            return;
        }
        // Who forges the kernel's word as well may choose any number: nothing is won by refusing this one.
        if (is_of_windows) {
            add(Doubt::kWindowsDriver, Weight::kNote, "",
                fmt::format("driver {} has the number of a driver for Windows, and so has the kernel module",
                            driver.version));
        }
        if (driver.kernel.empty()) {
            add(Doubt::kNoKernelModule, Weight::kRefused, "",
                fmt::format("NVML tells of {} GPUs with driver {}, but the kernel has no nvidia module loaded",
                            count_gpus(GpuVendor::kNvidia), driver.version));
            return;
        }
        const bool is_of_library = driver.library.empty() || driver.library == driver.kernel;
        if (driver.version == driver.kernel && is_of_library) return;
        add(Doubt::kDriverVersions, Weight::kRefused, "",
            fmt::format(
                "NVML reports driver {}{}, the module that the kernel has loaded is {}: restart after an update, "
                "or install the driver again",
                driver.version, driver.library.empty() ? std::string{} : " (its file is of " + driver.library + ")",
                driver.kernel));
    }

    void check_count(GpuVendor vendor) {
        const std::size_t told = count_gpus(vendor);
        const auto on_bus = static_cast<std::size_t>(std::ranges::count_if(
            machine_.cards, [&](const PciCard& card) { return ports::vendor_of(card.vendor) == vendor; }));
        if (told <= on_bus) return;
        // Of the machine: which of them is the invented one cannot be told.
        add(Doubt::kMoreGpusThanPci, Weight::kRefused, "",
            fmt::format("the driver tells of {} {} GPUs, the PCI bus has {} cards of that vendor", told,
                        to_string(vendor), on_bus));
    }

    void check_doubles() {
        std::map<std::string, const Gpu*> places;
        std::map<std::string, const Gpu*> uuids;
        for (const Gpu& gpu : machine_.gpus) {
            const auto place = places.emplace(gpu.address, &gpu);
            if (!place.second) {
                add(Doubt::kSamePlace, Weight::kRefused, gpu.address,
                    fmt::format("{} and {} are both at PCI address {}", place.first->second->model, gpu.model,
                                gpu.address));
            }
            if (gpu.uuid.empty()) continue;
            const auto same = uuids.emplace(gpu.uuid, &gpu);
            if (same.second) continue;
            for (const std::string& address : {same.first->second->address, gpu.address}) {
                add(Doubt::kSameUuid, Weight::kRefused, address,
                    fmt::format("the GPUs at {} and {} have one identity, {}", same.first->second->address, gpu.address,
                                gpu.uuid));
            }
        }
    }

    void check_gpu(const Gpu& gpu) {
        check_memory(gpu);
        if (!machine_.has_pci) return;
        const auto card = std::ranges::find(machine_.cards, gpu.address, &PciCard::address);
        if (card == machine_.cards.end()) {
            add(Doubt::kNotOnPci, Weight::kRefused, gpu.address,
                fmt::format("the driver tells of {} at {}, where the PCI bus has no card", gpu.model, gpu.address));
            return;
        }
        const auto& driven = machine_.nvidia.kernel_cards;
        if (gpu.vendor == GpuVendor::kNvidia && !driven.empty() &&
            std::ranges::find(driven, gpu.address) == driven.end()) {
            add(Doubt::kNotDriven, Weight::kRefused, gpu.address,
                fmt::format("NVML tells of {} at {}, which the kernel module does not drive (/proc/driver/nvidia/gpus)",
                            gpu.model, gpu.address));
        }
        if (card->vendor != gpu.pci_vendor || card->device != gpu.pci_device) {
            add(Doubt::kOtherChip, Weight::kRefused, gpu.address,
                fmt::format("the driver says that {} at {} is chip {:04x}:{:04x}, the PCI bus says {:04x}:{:04x}{}",
                            gpu.model, gpu.address, gpu.pci_vendor, gpu.pci_device, card->vendor, card->device,
                            card->name.empty() ? std::string{} : ", " + card->name));
        }
        check_name(gpu, *card);
    }

    void check_name(const Gpu& gpu, const PciCard& card) {
        const KnownCard* known = known_card(card.vendor, card.device);
        if (known == nullptr) return;
        std::string word;
        for (const char letter : gpu.model + " ") {
            if (std::isalnum(static_cast<unsigned char>(letter)) != 0) {
                word += static_cast<char>(std::tolower(static_cast<unsigned char>(letter)));
                continue;
            }
            if (word == known->word) return;
            word.clear();
        }
        add(Doubt::kOtherName, Weight::kRefused, gpu.address,
            fmt::format("the driver calls the card at {} \"{}\", but its chip {:04x}:{:04x} is a {}", gpu.address,
                        gpu.model, card.vendor, card.device, card.name.empty() ? std::string{known->word} : card.name));
    }

    void check_memory(const Gpu& gpu) {
        constexpr double kSlack = 0.03;
        constexpr double kReserved = 0.15;  // ECC, firmware
        const auto bytes = static_cast<double>(gpu.vram_bytes);
        if (gpu.vram_bytes_again) {
            const auto again = static_cast<double>(*gpu.vram_bytes_again);
            if (again < bytes * (1 - kReserved) || again > bytes * (1 + kSlack)) {
                add(Doubt::kMemoryContradicts, Weight::kRefused, gpu.address,
                    fmt::format("NVML gives {} {:.1f} GiB in one answer (nvmlDeviceGetMemoryInfo) and {:.1f} GiB in "
                                "another (nvmlDeviceGetMemoryInfo_v2)",
                                gpu.model, bytes / kGib, again / kGib));
            }
        }
        // By what the bus says, where it says something.
        const auto card = std::ranges::find(machine_.cards, gpu.address, &PciCard::address);
        const bool is_on_bus = card != machine_.cards.end();
        const KnownCard* known =
            is_on_bus ? known_card(card->vendor, card->device) : known_card(gpu.pci_vendor, gpu.pci_device);
        if (known == nullptr) return;
        const double most = *std::ranges::max_element(known->gib) * kGib;
        const double least = *std::ranges::min_element(known->gib) * kGib;
        if (bytes > most * (1 + kSlack)) {
            add(Doubt::kMoreMemory, Weight::kRefused, gpu.address,
                fmt::format(
                    "the driver gives {} at {} {:.1f} GiB; its chip {:04x}:{:04x} is made with {:.0f} GiB. A card "
                    "that was rebuilt can be offered in a file of units",
                    gpu.model, gpu.address, bytes / kGib, known->vendor, known->device, most / kGib));
        }
        if (bytes < least * (1 - kReserved)) {
            add(Doubt::kLessMemory, Weight::kNote, gpu.address,
                fmt::format(
                    "the driver gives {} at {} {:.1f} of the {:.0f} GiB that its chip is made with: a share of a "
                    "card",
                    gpu.model, gpu.address, bytes / kGib, least / kGib));
        }
    }

    void check_idle_cards() {
        for (const PciCard& card : machine_.cards) {
            const GpuVendor vendor = ports::vendor_of(card.vendor);
            if (vendor != GpuVendor::kNvidia && vendor != GpuVendor::kAmd) continue;  // screens of servers, mostly
            if (std::ranges::find(machine_.gpus, card.address, &Gpu::address) != machine_.gpus.end()) continue;
            add(Doubt::kIdleCard, Weight::kNote, card.address,
                fmt::format("{} at {} cannot be used: {}",
                            card.name.empty() ? fmt::format("card {:04x}:{:04x}", card.vendor, card.device) : card.name,
                            card.address,
                            card.driver.empty()
                                ? "no driver is bound to it"
                                : "driver " + card.driver + " is bound to it, but tells nothing of it"));
        }
    }

    void check_cores() {
        constexpr std::uint32_t kMilli = 1000;
        const ports::Cpu& cpu = machine_.cpu;
        if (cpu.usable_milli >= cpu.threads * kMilli) return;
        add(Doubt::kFewerCores, Weight::kNote, "",
            fmt::format("the machine has {} threads, this process may use {:.1f} of them: units get those", cpu.threads,
                        static_cast<double>(cpu.usable_milli) / kMilli));
    }

    const MachineInventory& machine_;
    std::vector<Finding> findings_;
};

template <class Value>
void fill(Value* into, const Value& from) {
    if (*into == Value{}) *into = from;
}

template <class Value>
void join(std::vector<Value>* into, const std::vector<Value>& from) {
    into->insert(into->end(), from.begin(), from.end());
}

}  // namespace

std::string_view to_string(Doubt doubt) {
    return kDoubts.at(static_cast<std::size_t>(doubt));
}

std::string_view to_string(Weight weight) {
    return weight == Weight::kNote ? "note" : "refused";
}

bool CheckedInventory::is_refused(const Gpu& gpu) const {
    return std::ranges::any_of(findings, [&](const Finding& finding) {
        if (finding.weight != Weight::kRefused) return false;
        return finding.address == gpu.address || (finding.address.empty() && gpu.vendor == GpuVendor::kNvidia);
    });
}

MachineInventory merge(std::span<const MachineInventory> parts) {
    MachineInventory all;
    for (const MachineInventory& part : parts) {
        fill(&all.system, part.system);
        fill(&all.cpu, part.cpu);
        fill(&all.memory_bytes, part.memory_bytes);
        fill(&all.memory_usable_bytes, part.memory_usable_bytes);
        join(&all.disks, part.disks);
        join(&all.networks, part.networks);
        join(&all.cards, part.cards);
        join(&all.gpus, part.gpus);
        fill(&all.nvidia.version, part.nvidia.version);
        fill(&all.nvidia.library, part.nvidia.library);
        fill(&all.nvidia.kernel, part.nvidia.kernel);
        fill(&all.nvidia.cuda, part.nvidia.cuda);
        join(&all.nvidia.kernel_cards, part.nvidia.kernel_cards);
        all.has_pci = all.has_pci || part.has_pci;
    }
    return all;
}

std::vector<Finding> cross_check(const MachineInventory& machine) {
    return Checker{machine}.run();
}

CheckedInventory checked(std::span<const MachineInventory> parts) {
    CheckedInventory result;
    result.machine = merge(parts);
    result.findings = cross_check(result.machine);
    return result;
}

}  // namespace vcity::node
