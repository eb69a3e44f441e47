// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "async/task.hpp"
#include "base/result.hpp"
#include "base/time.hpp"

namespace vcity::ports {

enum class GpuVendor : std::uint8_t { kOther = 0, kNvidia = 1, kAmd = 2, kIntel = 3 };
std::string_view to_string(GpuVendor vendor);
// By the vendor id of PCI.
GpuVendor vendor_of(std::uint16_t pci_vendor);

// Of the PCI link between card and machine; 0: not known.
struct PcieLink {
    std::uint32_t generation = 0;
    std::uint32_t lanes = 0;
    std::uint32_t generation_max = 0;
    std::uint32_t lanes_max = 0;

    bool operator==(const PcieLink&) const = default;
};

// A display adapter or accelerator as the PCI bus shows it, whatever a driver says.
struct PciCard {
    std::string address;  // "0000:3b:00.0", lower case
    std::uint16_t vendor = 0;
    std::uint16_t device = 0;
    std::uint16_t subsystem_vendor = 0;  // who made the board: many make boards with one chip
    std::uint16_t subsystem_device = 0;
    std::string name;             // from a list of ids; empty: not in it
    std::string driver;           // of the kernel; empty: none is bound
    std::int32_t numa = -1;       // node of memory; -1: not known
    std::uint64_t bar_bytes = 0;  // the largest window into the card's memory; a bound of nothing by itself
    PcieLink link;

    bool operator==(const PciCard&) const = default;
};

// A part of a GPU with memory and processors of its own.
struct MigInstance {
    std::string uuid;
    std::string profile;  // "1g.10gb"
    std::uint64_t vram_bytes = 0;

    bool operator==(const MigInstance&) const = default;
};

// A process that holds memory of a GPU.
struct GpuProcess {
    std::int64_t pid = 0;
    std::uint64_t vram_bytes = 0;  // 0: not known

    bool operator==(const GpuProcess&) const = default;
};

// What changes from moment to moment. Empty: the card or its driver does not tell.
struct GpuLoad {
    std::optional<double> busy_percent;
    std::optional<double> memory_busy_percent;
    std::optional<std::uint64_t> vram_used_bytes;
    std::optional<double> celsius;
    std::optional<double> watts;
    std::optional<double> energy_joules;  // since the driver was loaded
    std::optional<double> sm_mhz;
    std::optional<double> memory_mhz;
    std::optional<std::uint64_t> pcie_replays;
    std::vector<GpuProcess> processes;

    bool operator==(const GpuLoad&) const = default;
};

struct PowerLimit {
    double watts = 0;  // that holds now
    double watts_min = 0;
    double watts_max = 0;

    bool operator==(const PowerLimit&) const = default;
};

// A GPU as its driver describes it.
struct Gpu {
    GpuVendor vendor = GpuVendor::kOther;
    std::string model;    // as the driver calls it; a name that nobody has seen before is as good as any
    std::string uuid;     // stays the same after a restart; empty: the card has none
    std::string address;  // PCI, as in PciCard
    std::uint16_t pci_vendor = 0;
    std::uint16_t pci_device = 0;
    std::uint64_t vram_bytes = 0;
    std::optional<std::uint64_t> vram_bytes_again;  // by a second question to the driver
    std::string compute_capability;                 // "9.0"
    PcieLink link;
    std::vector<std::string> nvlink_peers;  // addresses of GPUs that one hop of NVLink or XGMI reaches
    bool is_on_nvswitch = false;            // reaches every GPU of this machine that is on it
    bool has_display = false;               // a screen hangs on it
    bool is_mig = false;
    std::vector<MigInstance> instances;  // where is_mig
    std::optional<PowerLimit> power;
    GpuLoad load;

    bool operator==(const Gpu&) const = default;
};

struct DriverFacts {
    std::string version;                    // as the library of the driver says it
    std::string library;                    // version in the file name of that library; empty: it has none
    std::string kernel;                     // of the module that the kernel has loaded; empty: none
    std::string cuda;                       // "12.8"
    std::vector<std::string> kernel_cards;  // PCI addresses that the kernel module drives, from /proc

    bool operator==(const DriverFacts&) const = default;
};

struct Cpu {
    std::string model;
    std::uint32_t sockets = 0;
    std::uint32_t cores = 0;
    std::uint32_t threads = 0;       // of the machine
    std::uint32_t usable_milli = 0;  // thousandths of a thread that this process may use: affinity and cgroup

    bool operator==(const Cpu&) const = default;
};

struct Disk {
    std::string path;  // that was asked for
    std::uint64_t bytes = 0;
    std::uint64_t free_bytes = 0;

    bool operator==(const Disk&) const = default;
};

struct NetworkCard {
    std::string name;
    std::uint32_t mbit = 0;  // 0: not known
    bool is_up = false;
    bool is_rdma = false;  // InfiniBand or RoCE

    bool operator==(const NetworkCard&) const = default;
};

// One source fills what it knows and leaves the rest empty; services/node/inventory merges several.
struct MachineInventory {
    std::string system;  // "Linux 6.1.0"
    Cpu cpu;
    std::uint64_t memory_bytes = 0;         // of the machine
    std::uint64_t memory_usable_bytes = 0;  // of this process, by its cgroup
    std::vector<Disk> disks;
    std::vector<NetworkCard> networks;
    std::vector<PciCard> cards;
    std::vector<Gpu> gpus;
    DriverFacts nvidia;
    bool has_pci = false;  // cards is what the bus shows, also when it is empty

    bool operator==(const MachineInventory&) const = default;
};

// Looks at this machine. One logical thread; calls may overlap and be repeated as often as every second.
class Inventory {
  public:
    virtual ~Inventory() = default;
    // What is there now, loads included. kNotFound: the machine has nothing of what this source can see (no driver, no
    // such bus), which is no fault; kUnavailable: it has, but it does not answer; kCorrupt: the answer breaks its own
    // bounds; kInvalid: a file that cannot be read, with line or field.
    virtual Task<Result<MachineInventory>> look() = 0;
};

// Acting is apart from looking.
class GpuPower {
  public:
    virtual ~GpuPower() = default;
    // kNotFound: no such GPU; kInvalid: outside what the card allows; kDenied: this user may not.
    virtual Task<Result<void>> limit(std::string uuid, double watts) = 0;
};

// What shows whether somebody else works on the machine. Empty: cannot be told.
struct ActivitySample {
    std::optional<Duration> input_idle;    // since keyboard, mouse or terminal was used
    std::optional<double> others_cores;    // busy with processes that are not ours
    std::optional<double> others_gpu_mib;  // held on GPUs by processes that are not ours
    std::optional<bool> on_battery;

    bool operator==(const ActivitySample&) const = default;
};

class OwnerActivity {
  public:
    virtual ~OwnerActivity() = default;
    // Since the last call, where it is a rate; the first one has none.
    virtual Task<Result<ActivitySample>> sample() = 0;
};

}  // namespace vcity::ports
