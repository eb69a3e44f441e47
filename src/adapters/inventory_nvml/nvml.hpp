// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "adapters/inventory_nvml/library.hpp"
#include "async/runtime.hpp"
#include "ports/inventory.hpp"

namespace vcity::adapters {

inline constexpr const char* kNvmlLibrary = "libnvidia-ml.so.1";

// NVIDIA GPUs as the driver's own library describes them. It is believed in nothing that services/node/inventory can
// check elsewhere. Every call runs on a thread of Runtime::compute(), because the driver may block.
class NvmlInventory final : public ports::Inventory, public ports::GpuPower {
  public:
    // Errors: see nvml::Library::open().
    static Result<std::unique_ptr<NvmlInventory>> open(Runtime* runtime, const std::string& library = kNvmlLibrary);

    Task<Result<ports::MachineInventory>> look() override;
    // Needs the rights of root.
    Task<Result<void>> limit(std::string uuid, double watts) override;

  private:
    NvmlInventory(Runtime* runtime, std::unique_ptr<nvml::Library> library)
        : runtime_{runtime}, library_{std::move(library)} {}

    Runtime* runtime_;
    std::unique_ptr<nvml::Library> library_;
};

}  // namespace vcity::adapters
