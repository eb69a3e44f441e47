// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "adapters/inventory_nvml/abi.hpp"
#include "base/result.hpp"

namespace vcity::adapters::nvml {

// The library, loaded and initialised; nullptr for a call that this version does not have. What a function needs
// beyond the first six is optional: an old or cut-down library still tells which cards there are.
struct Calls {
    int (*init)() = nullptr;
    int (*shutdown)() = nullptr;
    int (*count)(unsigned*) = nullptr;
    int (*handle)(unsigned, Device*) = nullptr;
    int (*name)(Device, char*, unsigned) = nullptr;
    int (*pci)(Device, PciInfo*) = nullptr;

    int (*driver_version)(char*, unsigned) = nullptr;
    int (*cuda_version)(int*) = nullptr;
    int (*uuid)(Device, char*, unsigned) = nullptr;
    int (*memory)(Device, Memory*) = nullptr;
    int (*memory_v2)(Device, MemoryV2*) = nullptr;
    int (*utilization)(Device, Utilization*) = nullptr;
    int (*temperature)(Device, int, unsigned*) = nullptr;
    int (*power)(Device, unsigned*) = nullptr;        // milliwatts
    int (*power_limit)(Device, unsigned*) = nullptr;  // that is enforced
    int (*power_range)(Device, unsigned*, unsigned*) = nullptr;
    int (*set_power_limit)(Device, unsigned) = nullptr;
    int (*energy)(Device, unsigned long long*) = nullptr;  // millijoules
    int (*clock)(Device, int, unsigned*) = nullptr;
    int (*link_generation)(Device, unsigned*) = nullptr;
    int (*link_lanes)(Device, unsigned*) = nullptr;
    int (*link_generation_max)(Device, unsigned*) = nullptr;
    int (*link_lanes_max)(Device, unsigned*) = nullptr;
    int (*replays)(Device, unsigned*) = nullptr;
    int (*capability)(Device, int*, int*) = nullptr;
    int (*display)(Device, unsigned*) = nullptr;
    int (*mig_mode)(Device, unsigned*, unsigned*) = nullptr;
    int (*mig_count)(Device, unsigned*) = nullptr;
    int (*mig_handle)(Device, unsigned, Device*) = nullptr;
    int (*nvlink_state)(Device, unsigned, unsigned*) = nullptr;
    int (*nvlink_peer)(Device, unsigned, PciInfo*) = nullptr;
    int (*nvlink_kind)(Device, unsigned, int*) = nullptr;
    int (*compute_processes)(Device, unsigned*, Process*) = nullptr;
    int (*graphics_processes)(Device, unsigned*, Process*) = nullptr;
};

class Library {
  public:
    // kNotFound: no such library; kCorrupt: it lacks what every version has; kUnavailable: it does not start, with its
    // own code (the driver is not loaded, or of another version than the library).
    static Result<std::unique_ptr<Library>> open(const std::string& path);
    ~Library();
    Library(const Library&) = delete;
    Library& operator=(const Library&) = delete;

    const Calls& calls() const { return calls_; }
    // From the file name that the name leads to, libnvidia-ml.so.570.86.15; empty: it has none.
    const std::string& file_version() const { return file_version_; }

  private:
    Library(void* handle, const Calls& calls) : handle_{handle}, calls_{calls} {}

    void* handle_;
    Calls calls_;
    std::string file_version_;
};

// Why a call failed, for people.
std::string_view reason_of(int status);

}  // namespace vcity::adapters::nvml
