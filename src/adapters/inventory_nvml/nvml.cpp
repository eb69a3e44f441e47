// SPDX-License-Identifier: Apache-2.0
#include "adapters/inventory_nvml/nvml.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include <fmt/core.h>

namespace vcity::adapters {
namespace {

using nvml::Calls;
using nvml::Device;
using nvml::kSuccess;

constexpr unsigned kGpusMax = 64;
constexpr unsigned kInstancesMax = 16;
constexpr unsigned kLinksMax = 18;
constexpr unsigned kProcessesMax = 256;
constexpr double kMilli = 1000;
constexpr unsigned kIdShift = 16;
constexpr std::uint32_t kIdMask = 0xffff;

// A call that writes one value; nullopt when the library lacks it or the card does not answer.
template <class Value, class Call, class... Before>
std::optional<Value> ask(Call call, Before... before) {
    Value value{};
    if (call == nullptr || call(before..., &value) != kSuccess) return std::nullopt;
    return value;
}

template <class Call, class... Before>
std::string ask_text(Call call, Before... before) {
    std::array<char, nvml::kTextBytes> text{};
    if (call == nullptr || call(before..., text.data(), nvml::kTextBytes) != kSuccess) return {};
    text.back() = '\0';
    std::string result{text.data()};
    std::ranges::replace_if(result, [](char letter) { return letter < ' ' || letter > '~'; }, '?');
    return result;
}

template <class Value>
std::optional<double> in_units(const std::optional<Value>& value, double unit) {
    if (!value) return std::nullopt;
    return static_cast<double>(*value) / unit;
}

// As the kernel writes it: four digits of domain. The function is always 0.
std::string address_of(const nvml::PciInfo& pci) {
    return fmt::format("{:04x}:{:02x}:{:02x}.0", pci.domain & kIdMask, pci.bus & 0xffU, pci.device & 0x1fU);
}

void read_links(const Calls& calls, Device device, ports::Gpu* gpu) {
    gpu->link = {.generation = ask<unsigned>(calls.link_generation, device).value_or(0),
                 .lanes = ask<unsigned>(calls.link_lanes, device).value_or(0),
                 .generation_max = ask<unsigned>(calls.link_generation_max, device).value_or(0),
                 .lanes_max = ask<unsigned>(calls.link_lanes_max, device).value_or(0)};
    for (unsigned link = 0; link < kLinksMax; ++link) {
        if (ask<unsigned>(calls.nvlink_state, device, link).value_or(0) != 1) continue;
        if (ask<int>(calls.nvlink_kind, device, link).value_or(0) == nvml::kLinkToSwitch) {
            gpu->is_on_nvswitch = true;
            continue;
        }
        const auto peer = ask<nvml::PciInfo>(calls.nvlink_peer, device, link);
        if (!peer) continue;
        std::string address = address_of(*peer);
        const bool is_known = std::ranges::find(gpu->nvlink_peers, address) != gpu->nvlink_peers.end();
        if (!is_known) gpu->nvlink_peers.push_back(std::move(address));
    }
}

// "NVIDIA A100-SXM4-40GB MIG 1g.5gb" is the name of an instance.
std::string profile_of(const std::string& name) {
    constexpr std::string_view kBefore = " MIG ";
    const std::size_t found = name.find(kBefore);
    return found == std::string::npos ? std::string{} : name.substr(found + kBefore.size());
}

void read_instances(const Calls& calls, Device device, ports::Gpu* gpu) {
    unsigned now = 0;
    unsigned later = 0;
    if (calls.mig_mode == nullptr || calls.mig_mode(device, &now, &later) != kSuccess || now != 1) return;
    gpu->is_mig = true;
    const unsigned count = std::min(ask<unsigned>(calls.mig_count, device).value_or(0), kInstancesMax);
    for (unsigned index = 0; index < count; ++index) {
        const auto instance = ask<Device>(calls.mig_handle, device, index);
        if (!instance) continue;  // a place for one that nobody has made
        const auto memory = ask<nvml::Memory>(calls.memory, *instance);
        gpu->instances.push_back({.uuid = ask_text(calls.uuid, *instance),
                                  .profile = profile_of(ask_text(calls.name, *instance)),
                                  .vram_bytes = memory ? memory->total : 0});
    }
}

using ProcessCall = int (*)(Device, unsigned*, nvml::Process*);

void read_processes(ProcessCall call, Device device, std::vector<ports::GpuProcess>* processes) {
    std::array<nvml::Process, kProcessesMax> list{};
    unsigned count = kProcessesMax;
    if (call == nullptr || call(device, &count, list.data()) != kSuccess) return;
    for (unsigned index = 0; index < std::min(count, kProcessesMax); ++index) {
        const nvml::Process& one = list.at(index);
        const bool is_known = one.memory != ~0ULL;
        const auto same = std::ranges::find(*processes, std::int64_t{one.pid}, &ports::GpuProcess::pid);
        // One process may compute and draw.
        if (same != processes->end()) {
            same->vram_bytes = std::max<std::uint64_t>(same->vram_bytes, is_known ? one.memory : 0);
        } else {
            processes->push_back({.pid = one.pid, .vram_bytes = is_known ? one.memory : 0});
        }
    }
}

void read_load(const Calls& calls, Device device, ports::GpuLoad* load) {
    if (const auto busy = ask<nvml::Utilization>(calls.utilization, device)) {
        load->busy_percent = busy->gpu;
        load->memory_busy_percent = busy->memory;
    }
    load->celsius = in_units(ask<unsigned>(calls.temperature, device, nvml::kTemperatureGpu), 1);
    load->watts = in_units(ask<unsigned>(calls.power, device), kMilli);
    load->energy_joules = in_units(ask<unsigned long long>(calls.energy, device), kMilli);
    load->sm_mhz = in_units(ask<unsigned>(calls.clock, device, nvml::kClockSm), 1);
    load->memory_mhz = in_units(ask<unsigned>(calls.clock, device, nvml::kClockMemory), 1);
    if (const auto replays = ask<unsigned>(calls.replays, device)) load->pcie_replays = *replays;
    read_processes(calls.compute_processes, device, &load->processes);
    read_processes(calls.graphics_processes, device, &load->processes);
}

void read_power(const Calls& calls, Device device, ports::Gpu* gpu) {
    const auto limit = ask<unsigned>(calls.power_limit, device);
    unsigned least = 0;
    unsigned most = 0;
    if (!limit || calls.power_range == nullptr || calls.power_range(device, &least, &most) != kSuccess) return;
    gpu->power = ports::PowerLimit{.watts = *limit / kMilli, .watts_min = least / kMilli, .watts_max = most / kMilli};
}

std::uint64_t vram_of(const Calls& calls, Device device, ports::Gpu* gpu) {
    const auto memory = ask<nvml::Memory>(calls.memory, device);
    nvml::MemoryV2 again{};
    again.version = nvml::kMemoryV2;
    const bool has_again = calls.memory_v2 != nullptr && calls.memory_v2(device, &again) == kSuccess;
    if (has_again) gpu->vram_bytes_again = again.total;
    if (memory) gpu->load.vram_used_bytes = memory->used;
    return memory ? memory->total : again.total;
}

Result<ports::Gpu> read_gpu(const Calls& calls, unsigned index) {
    Device device = nullptr;
    if (const int status = calls.handle(index, &device); status != kSuccess) {
        return make_error(Errc::kUnavailable, fmt::format("NVML: GPU {}: {}", index, nvml::reason_of(status)));
    }
    const auto pci = ask<nvml::PciInfo>(calls.pci, device);
    if (!pci) return make_error(Errc::kUnavailable, fmt::format("NVML: GPU {} has no PCI address", index));
    ports::Gpu gpu;
    gpu.vendor = ports::GpuVendor::kNvidia;
    gpu.address = address_of(*pci);
    gpu.pci_vendor = static_cast<std::uint16_t>(pci->device_id & kIdMask);
    gpu.pci_device = static_cast<std::uint16_t>(pci->device_id >> kIdShift);
    gpu.model = ask_text(calls.name, device);
    gpu.uuid = ask_text(calls.uuid, device);
    gpu.vram_bytes = vram_of(calls, device, &gpu);
    if (gpu.model.empty() || gpu.vram_bytes == 0) {
        return make_error(Errc::kUnavailable, fmt::format("NVML: GPU {} has no name or no memory", index));
    }
    int major = 0;
    int minor = 0;
    const bool has_capability = calls.capability != nullptr && calls.capability(device, &major, &minor) == kSuccess;
    if (has_capability) gpu.compute_capability = fmt::format("{}.{}", major, minor);
    gpu.has_display = ask<unsigned>(calls.display, device).value_or(0) == 1;
    read_links(calls, device, &gpu);
    read_instances(calls, device, &gpu);
    read_power(calls, device, &gpu);
    read_load(calls, device, &gpu.load);
    return gpu;
}

Result<ports::MachineInventory> read_all(const nvml::Library& library) {
    const Calls& calls = library.calls();
    ports::MachineInventory seen;
    seen.nvidia.version = ask_text(calls.driver_version);
    seen.nvidia.library = library.file_version();
    constexpr int kMajor = 1000;
    constexpr int kMinor = 10;
    if (const auto cuda = ask<int>(calls.cuda_version)) {
        seen.nvidia.cuda = fmt::format("{}.{}", *cuda / kMajor, *cuda % kMajor / kMinor);
    }
    unsigned count = 0;
    if (const int status = calls.count(&count); status != kSuccess) {
        return make_error(Errc::kUnavailable, fmt::format("NVML: number of GPUs: {}", nvml::reason_of(status)));
    }
    if (count > kGpusMax) return make_error(Errc::kCorrupt, fmt::format("NVML claims {} GPUs", count));
    for (unsigned index = 0; index < count; ++index) {
        TRY(ports::Gpu gpu, read_gpu(calls, index));
        seen.gpus.push_back(std::move(gpu));
    }
    return seen;
}

Result<void> set_limit(const Calls& calls, const std::string& uuid, double watts) {
    unsigned count = 0;
    if (calls.count(&count) != kSuccess) return make_error(Errc::kUnavailable, "NVML: number of GPUs");
    for (unsigned index = 0; index < std::min(count, kGpusMax); ++index) {
        const auto device = ask<Device>(calls.handle, index);
        if (!device || ask_text(calls.uuid, *device) != uuid) continue;
        ports::Gpu gpu;
        read_power(calls, *device, &gpu);
        if (!gpu.power || calls.set_power_limit == nullptr) {
            return make_error(Errc::kInvalid, uuid + ": its power cannot be limited");
        }
        if (!(watts >= gpu.power->watts_min && watts <= gpu.power->watts_max)) {
            return make_error(Errc::kInvalid, fmt::format("{}: {} W; it takes {} to {} W", uuid, watts,
                                                          gpu.power->watts_min, gpu.power->watts_max));
        }
        const int status = calls.set_power_limit(*device, static_cast<unsigned>(std::lround(watts * kMilli)));
        if (status == kSuccess) return {};
        const Errc code = status == nvml::kNoPermission ? Errc::kDenied : Errc::kUnavailable;
        return make_error(code, fmt::format("{}: power limit: {}", uuid, nvml::reason_of(status)));
    }
    return make_error(Errc::kNotFound, "no GPU " + uuid);
}

}  // namespace

Result<std::unique_ptr<NvmlInventory>> NvmlInventory::open(Runtime* runtime, const std::string& library) {
    TRY(std::unique_ptr<nvml::Library> opened, nvml::Library::open(library));
    return std::unique_ptr<NvmlInventory>{new NvmlInventory{runtime, std::move(opened)}};
}

Task<Result<ports::MachineInventory>> NvmlInventory::look() {
    Result<ports::MachineInventory> seen = make_error(Errc::kInternal, "not asked");
    std::function<void()> work = [this, &seen] { seen = read_all(*library_); };
    co_await runtime_->compute(std::move(work));
    co_return seen;
}

Task<Result<void>> NvmlInventory::limit(std::string uuid, double watts) {
    Result<void> done = make_error(Errc::kInternal, "not asked");
    std::function<void()> work = [this, &uuid, watts, &done] { done = set_limit(library_->calls(), uuid, watts); };
    co_await runtime_->compute(std::move(work));
    co_return done;
}

}  // namespace vcity::adapters
