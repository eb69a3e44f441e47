// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "adapters/inventory_host/tree.hpp"
#include "async/runtime.hpp"
#include "ports/inventory.hpp"

namespace vcity::adapters {

struct HostInventoryOptions {
    std::string root;                // of /proc, /sys and /usr/share; empty: this machine
    std::vector<std::string> disks;  // folders whose file system is to be told
};

// The machine as its kernel shows it: processor, memory, disks, network cards, the PCI bus, and what the kernel knows
// of the NVIDIA driver. No vendor's library has a part in it, so the others are checked against it.
class HostInventory final : public ports::Inventory {
  public:
    HostInventory(Runtime* runtime, HostInventoryOptions options)
        : runtime_{runtime}, options_{std::move(options)}, tree_{options_.root} {}

    Task<Result<ports::MachineInventory>> look() override;

  private:
    Runtime* runtime_;
    HostInventoryOptions options_;
    KernelTree tree_;
};

// AMD GPUs by the files of amdgpu in /sys/class/drm. kNotFound: there are none.
class AmdInventory final : public ports::Inventory {
  public:
    AmdInventory(Runtime* runtime, std::string root) : runtime_{runtime}, tree_{std::move(root)} {}

    Task<Result<ports::MachineInventory>> look() override;

  private:
    Runtime* runtime_;
    KernelTree tree_;
};

}  // namespace vcity::adapters
