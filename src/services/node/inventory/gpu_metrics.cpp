// SPDX-License-Identifier: Apache-2.0
#include "services/node/inventory/gpu_metrics.hpp"

#include <fmt/core.h>

namespace vcity::node {
namespace {

using ports::Gpu;

constexpr double kMib = 1U << 20U;
constexpr double kMilli = 1000;

std::string escaped(std::string_view text) {
    std::string out;
    for (const char letter : text) {
        if (letter == '\\' || letter == '"') out += '\\';
        if (letter == '\n') {
            out += "\\n";
        } else {
            out += letter;
        }
    }
    return out;
}

template <class Value>
std::optional<double> number(const std::optional<Value>& value) {
    if (!value) return std::nullopt;
    return static_cast<double>(*value);
}

class Text {
  public:
    Text(const ports::MachineInventory& machine, const std::string& host) : machine_{machine} {
        for (std::size_t index = 0; index < machine.gpus.size(); ++index) {
            const Gpu& gpu = machine.gpus[index];
            const std::string kind = gpu.vendor == ports::GpuVendor::kNvidia ? "nvidia" : "card";
            labels_.push_back(fmt::format(
                "gpu=\"{}\",UUID=\"{}\",pci_bus_id=\"0000{}\",device=\"{}{}\",modelName=\"{}\",Hostname=\"{}\"", index,
                escaped(gpu.uuid), escaped(gpu.address), kind, index, escaped(gpu.model), escaped(host)));
        }
    }

    template <class Value>
    void family(std::string_view name, std::string_view kind, std::string_view help, Value value) {
        bool has_header = false;
        for (std::size_t index = 0; index < machine_.gpus.size(); ++index) {
            const std::optional<double> one = value(machine_.gpus[index]);
            if (!one) continue;
            if (!has_header) text_ += fmt::format("# HELP {} {}\n# TYPE {} {}\n", name, help, name, kind);
            has_header = true;
            text_ += fmt::format("{}{{{}}} {}\n", name, labels_[index], *one);
        }
    }

    std::string take() { return std::move(text_); }

  private:
    const ports::MachineInventory& machine_;
    std::vector<std::string> labels_;
    std::string text_;
};

std::optional<double> free_mib(const Gpu& gpu) {
    if (!gpu.load.vram_used_bytes) return std::nullopt;
    return static_cast<double>(gpu.vram_bytes - std::min(gpu.vram_bytes, *gpu.load.vram_used_bytes)) / kMib;
}

std::optional<double> used_mib(const Gpu& gpu) {
    if (!gpu.load.vram_used_bytes) return std::nullopt;
    return static_cast<double>(*gpu.load.vram_used_bytes) / kMib;
}

std::optional<double> energy_mj(const Gpu& gpu) {
    if (!gpu.load.energy_joules) return std::nullopt;
    return *gpu.load.energy_joules * kMilli;
}

}  // namespace

std::string gpu_metrics(const ports::MachineInventory& machine, const std::string& host) {
    Text text{machine, host};
    text.family("DCGM_FI_DEV_SM_CLOCK", "gauge", "SM clock frequency (in MHz)",
                [](const Gpu& gpu) { return gpu.load.sm_mhz; });
    text.family("DCGM_FI_DEV_MEM_CLOCK", "gauge", "Memory clock frequency (in MHz)",
                [](const Gpu& gpu) { return gpu.load.memory_mhz; });
    text.family("DCGM_FI_DEV_GPU_TEMP", "gauge", "GPU temperature (in C)",
                [](const Gpu& gpu) { return gpu.load.celsius; });
    text.family("DCGM_FI_DEV_POWER_USAGE", "gauge", "Power draw (in W)", [](const Gpu& gpu) { return gpu.load.watts; });
    text.family("DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION", "counter", "Energy since boot (in mJ)", energy_mj);
    text.family("DCGM_FI_DEV_PCIE_REPLAY_COUNTER", "counter", "Total number of PCIe retries",
                [](const Gpu& gpu) { return number(gpu.load.pcie_replays); });
    text.family("DCGM_FI_DEV_GPU_UTIL", "gauge", "GPU utilization (in %)",
                [](const Gpu& gpu) { return gpu.load.busy_percent; });
    text.family("DCGM_FI_DEV_MEM_COPY_UTIL", "gauge", "Memory utilization (in %)",
                [](const Gpu& gpu) { return gpu.load.memory_busy_percent; });
    text.family("DCGM_FI_DEV_FB_FREE", "gauge", "Framebuffer memory free (in MiB)", free_mib);
    text.family("DCGM_FI_DEV_FB_USED", "gauge", "Framebuffer memory used (in MiB)", used_mib);
    return text.take();
}

}  // namespace vcity::node
