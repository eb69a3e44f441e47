// SPDX-License-Identifier: Apache-2.0
#include "adapters/inventory_host/host.hpp"

#include <algorithm>
#include <set>

#include <sched.h>
#include <sys/statvfs.h>
#include <sys/utsname.h>

#include "adapters/inventory_host/pci.hpp"

namespace vcity::adapters {
namespace {

constexpr std::uint32_t kMilli = 1000;
constexpr std::uint64_t kKib = 1024;
constexpr std::size_t kPciIdsBytesMax = 8U << 20U;

// "name : value" of one line.
std::pair<std::string_view, std::string_view> field_of(std::string_view line) {
    const std::size_t colon = std::min(line.find(':'), line.size());
    return {trimmed(line.substr(0, colon)), trimmed(line.substr(std::min(colon + 1, line.size())))};
}

ports::Cpu cpu_of(const KernelTree& tree) {
    ports::Cpu cpu;
    std::set<std::string> sockets;
    std::set<std::string> cores;
    std::string socket = "0";
    const std::string text = tree.text("/proc/cpuinfo");
    for (const std::string_view line : lines_of(text)) {
        const auto [name, value] = field_of(line);
        if (name == "processor") ++cpu.threads;
        if (name == "model name" && cpu.model.empty()) cpu.model = value;
        if (name == "physical id") sockets.insert(socket = value);
        if (name == "core id") cores.insert(socket + "/" + std::string{value});
    }
    cpu.sockets = sockets.empty() ? 1U : static_cast<std::uint32_t>(sockets.size());
    cpu.cores = cores.empty() ? cpu.threads : static_cast<std::uint32_t>(cores.size());
    return cpu;
}

// "200000 100000" of cpu.max, or the two files of the first version of cgroups. nullopt: no limit.
std::optional<std::uint64_t> quota_milli(const KernelTree& tree) {
    const std::string both = tree.text("/sys/fs/cgroup/cpu.max");
    const std::size_t space = both.find(' ');
    std::optional<std::uint64_t> quota;
    std::optional<std::uint64_t> period;
    if (space != std::string::npos) {
        quota = number_of(std::string_view{both}.substr(0, space));
        period = number_of(trimmed(std::string_view{both}.substr(space)));
    } else {
        quota = tree.number("/sys/fs/cgroup/cpu/cpu.cfs_quota_us");
        period = tree.number("/sys/fs/cgroup/cpu/cpu.cfs_period_us");
    }
    if (!quota || !period || *period == 0) return std::nullopt;
    return *quota * kMilli / *period;
}

std::uint32_t usable_milli(const KernelTree& tree, bool is_this_machine, std::uint32_t threads) {
    std::uint64_t usable = std::uint64_t{threads} * kMilli;
    cpu_set_t allowed;
    CPU_ZERO(&allowed);
    if (is_this_machine && sched_getaffinity(0, sizeof(allowed), &allowed) == 0) {
        usable = std::min(usable, static_cast<std::uint64_t>(CPU_COUNT(&allowed)) * kMilli);
    }
    if (const auto quota = quota_milli(tree)) usable = std::min(usable, *quota);
    return static_cast<std::uint32_t>(usable);
}

void read_memory(const KernelTree& tree, ports::MachineInventory* seen) {
    const std::string text = tree.text("/proc/meminfo");
    for (const std::string_view line : lines_of(text)) {
        const auto [name, value] = field_of(line);
        if (name != "MemTotal") continue;
        seen->memory_bytes = number_of(value.substr(0, std::min(value.find(' '), value.size()))).value_or(0) * kKib;
    }
    seen->memory_usable_bytes = seen->memory_bytes;
    for (const char* file : {"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"}) {
        if (const auto limit = tree.number(file)) {
            seen->memory_usable_bytes = std::min(seen->memory_usable_bytes, *limit);
        }
    }
}

void read_networks(const KernelTree& tree, ports::MachineInventory* seen) {
    constexpr std::uint64_t kMbitMax = 10'000'000;
    for (const std::string& name : tree.names("/sys/class/net")) {
        const std::string folder = "/sys/class/net/" + name;
        if (!tree.has(folder + "/device")) continue;  // bridges, tunnels and loopback are no hardware
        const std::uint64_t mbit = tree.number(folder + "/speed").value_or(0);
        seen->networks.push_back({.name = name,
                                  .mbit = mbit <= kMbitMax ? static_cast<std::uint32_t>(mbit) : 0U,
                                  .is_up = tree.text(folder + "/operstate") == "up",
                                  .is_rdma = tree.has(folder + "/device/infiniband")});
    }
}

// What the kernel says of the NVIDIA module, which no library can change.
void read_nvidia(const KernelTree& tree, ports::MachineInventory* seen) {
    seen->nvidia.kernel = tree.text("/sys/module/nvidia/version");
    const std::string version = tree.text("/proc/driver/nvidia/version");
    if (seen->nvidia.kernel.empty()) {
        // "NVRM version: NVIDIA UNIX x86_64 Kernel Module  570.86.15  Thu Jan ..."
        constexpr std::string_view kBefore = "Kernel Module";
        const std::size_t found = version.find(kBefore);
        if (found != std::string::npos) {
            std::string_view rest = std::string_view{version}.substr(found + kBefore.size());
            rest = rest.substr(std::min(rest.find_first_of("0123456789"), rest.size()));
            seen->nvidia.kernel = rest.substr(0, std::min(rest.find_first_of(" \t\n"), rest.size()));
        }
    }
    for (std::string card : tree.names("/proc/driver/nvidia/gpus")) {
        seen->nvidia.kernel_cards.push_back(std::move(card));
    }
}

ports::MachineInventory read_host(const KernelTree& tree, const HostInventoryOptions& options) {
    const bool is_this_machine = options.root.empty();
    ports::MachineInventory seen;
    seen.system = "Linux " + tree.text("/proc/sys/kernel/osrelease");
    seen.cpu = cpu_of(tree);
    seen.cpu.usable_milli = usable_milli(tree, is_this_machine, seen.cpu.threads);
    read_memory(tree, &seen);
    read_networks(tree, &seen);
    read_nvidia(tree, &seen);
    for (const std::string& path : options.disks) {
        struct statvfs disk{};
        if (::statvfs(path.c_str(), &disk) != 0) continue;
        seen.disks.push_back({.path = path,
                              .bytes = std::uint64_t{disk.f_blocks} * disk.f_frsize,
                              .free_bytes = std::uint64_t{disk.f_bavail} * disk.f_frsize});
    }
    seen.has_pci = tree.has("/sys/bus/pci/devices");
    seen.cards = pci_cards(tree);
    if (seen.cards.empty()) return seen;
    for (const char* list : {"/usr/share/misc/pci.ids", "/usr/share/hwdata/pci.ids"}) {
        if (!tree.has(list)) continue;
        name_cards(tree.text(list, kPciIdsBytesMax), &seen.cards);
        break;
    }
    return seen;
}

}  // namespace

Task<Result<ports::MachineInventory>> HostInventory::look() {
    ports::MachineInventory seen;
    std::function<void()> work = [this, &seen] { seen = read_host(tree_, options_); };
    co_await runtime_->compute(std::move(work));
    if (seen.cpu.threads == 0) co_return make_error(Errc::kUnavailable, "/proc/cpuinfo names no processor");
    co_return seen;
}

}  // namespace vcity::adapters
