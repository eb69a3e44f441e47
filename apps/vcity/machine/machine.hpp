// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "adapters/inventory_nvml/nvml.hpp"
#include "async/runtime.hpp"
#include "codec/json.hpp"
#include "services/node/inventory/units.hpp"

namespace vcity::wiring {

struct MachineOptions {
    std::string file;  // an inventory as JSON instead of this machine
    std::string nvml = adapters::kNvmlLibrary;
    std::vector<std::string> disks;
};

// All sources of an inventory that this machine has, merged and held against each other.
class Machine {
  public:
    Machine(Runtime* runtime, const MachineOptions& options);

    // A source that finds nothing of its kind is left out; one that fails is named in trouble().
    Task<Result<node::CheckedInventory>> look();
    // Of the last look, a line for each source that should have answered.
    const std::vector<std::string>& trouble() const { return trouble_; }
    // nullptr: no NVIDIA driver.
    ports::GpuPower* power() { return nvml_.get(); }
    ports::Inventory* nvidia() { return nvml_.get(); }

  private:
    struct Source {
        std::string name;
        std::unique_ptr<ports::Inventory> inventory;
    };

    std::vector<Source> sources_;
    std::unique_ptr<adapters::NvmlInventory> nvml_;
    std::vector<std::string> start_trouble_;
    std::vector<std::string> trouble_;
};

// For a command that only looks: on a runtime of its own.
Result<node::CheckedInventory> look_once(const MachineOptions& options, std::vector<std::string>* trouble);

}  // namespace vcity::wiring
