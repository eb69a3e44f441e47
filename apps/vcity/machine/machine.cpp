// SPDX-License-Identifier: Apache-2.0
#include "machine/machine.hpp"

#include "adapters/inventory_file/file.hpp"
#include "adapters/inventory_host/host.hpp"
#include "wiring/run.hpp"

namespace vcity::wiring {

Machine::Machine(Runtime* runtime, const MachineOptions& options) {
    if (!options.file.empty()) {
        sources_.push_back({options.file, std::make_unique<adapters::FileInventory>(options.file)});
        return;
    }
    adapters::HostInventoryOptions host{.root = {}, .disks = options.disks};
    sources_.push_back({"kernel", std::make_unique<adapters::HostInventory>(runtime, std::move(host))});
    sources_.push_back({"amdgpu", std::make_unique<adapters::AmdInventory>(runtime, std::string{})});
    auto nvml = adapters::NvmlInventory::open(runtime, options.nvml);
    if (nvml) {
        nvml_ = *std::move(nvml);
    } else if (nvml.error().code != Errc::kNotFound || options.nvml != adapters::kNvmlLibrary) {
        start_trouble_.push_back(nvml.error().message);
    }
}

Task<Result<node::CheckedInventory>> Machine::look() {
    trouble_ = start_trouble_;
    std::vector<ports::MachineInventory> parts;
    for (const Source& source : sources_) {
        Result<ports::MachineInventory> part = co_await source.inventory->look();
        if (part) {
            parts.push_back(*std::move(part));
        } else if (part.error().code != Errc::kNotFound || sources_.size() == 1) {
            trouble_.push_back(source.name + ": " + part.error().message);
        }
    }
    if (nvml_ != nullptr) {
        Result<ports::MachineInventory> part = co_await nvml_->look();
        if (part) {
            parts.push_back(*std::move(part));
        } else {
            trouble_.push_back("NVML: " + part.error().message);
        }
    }
    if (parts.empty()) {
        co_return make_error(Errc::kUnavailable, trouble_.empty() ? "nothing is known of it" : trouble_.front());
    }
    co_return node::checked(parts);
}

Result<node::CheckedInventory> look_once(const MachineOptions& options, std::vector<std::string>* trouble) {
    adapters::AsioRuntime runtime;
    Machine machine{&runtime, options};
    Result<node::CheckedInventory> seen = run_task(&runtime, machine.look());
    if (trouble != nullptr) *trouble = machine.trouble();
    return seen;
}

}  // namespace vcity::wiring
