// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <utility>

#include <fmt/core.h>

#include "ports/inventory.hpp"

// Machines for tests: honest ones, that a test makes lie.
namespace vcity::node {

inline ports::Gpu a_4090(int bus) {
    ports::Gpu gpu;
    gpu.vendor = ports::GpuVendor::kNvidia;
    gpu.model = "NVIDIA GeForce RTX 4090";
    gpu.uuid = fmt::format("GPU-{}", bus);
    gpu.address = fmt::format("0000:{:02x}:00.0", bus);
    gpu.pci_vendor = 0x10de;
    gpu.pci_device = 0x2684;
    gpu.vram_bytes = 24564ULL << 20U;
    gpu.vram_bytes_again = gpu.vram_bytes;
    return gpu;
}

inline ports::Gpu with_chip(ports::Gpu gpu, std::uint16_t device, std::string model) {
    gpu.pci_device = device;
    gpu.model = std::move(model);
    return gpu;
}

inline ports::Gpu an_h100(int bus) {
    ports::Gpu gpu = with_chip(a_4090(bus), 0x2330, "NVIDIA H100 80GB HBM3");
    gpu.vram_bytes = 81559ULL << 20U;
    gpu.vram_bytes_again = gpu.vram_bytes;
    gpu.is_on_nvswitch = true;
    return gpu;
}

inline ports::Gpu an_amd(int bus) {
    ports::Gpu gpu = with_chip(a_4090(bus), 0x744c, "AMD Radeon RX 7900 XTX");
    gpu.vendor = ports::GpuVendor::kAmd;
    gpu.pci_vendor = 0x1002;
    return gpu;
}

// With what bus and kernel say of these GPUs when they are real.
inline ports::MachineInventory a_machine(std::vector<ports::Gpu> gpus) {
    ports::MachineInventory machine;
    machine.system = "Linux 6.1.0";
    machine.cpu = {.model = "AMD EPYC", .sockets = 1, .cores = 16, .threads = 32, .usable_milli = 32'000};
    machine.memory_bytes = 128ULL << 30U;
    machine.memory_usable_bytes = machine.memory_bytes;
    machine.has_pci = true;
    machine.nvidia = {
        .version = "570.86.15", .library = "570.86.15", .kernel = "570.86.15", .cuda = "12.8", .kernel_cards = {}};
    for (const ports::Gpu& gpu : gpus) {
        ports::PciCard card;
        card.address = gpu.address;
        card.vendor = gpu.pci_vendor;
        card.device = gpu.pci_device;
        card.driver = gpu.vendor == ports::GpuVendor::kNvidia ? "nvidia" : "amdgpu";
        machine.cards.push_back(std::move(card));
        if (gpu.vendor == ports::GpuVendor::kNvidia) machine.nvidia.kernel_cards.push_back(gpu.address);
    }
    machine.gpus = std::move(gpus);
    return machine;
}

}  // namespace vcity::node
