// SPDX-License-Identifier: Apache-2.0
#include "adapters/inventory_nvml/library.hpp"

#include <filesystem>

#include <dlfcn.h>
#include <link.h>

namespace vcity::adapters::nvml {
namespace {

template <class Function>
void find(void* handle, const char* name, Function* function) {
    *function = reinterpret_cast<Function>(::dlsym(handle, name));
}

Calls calls_of(void* handle) {
    Calls calls;
    find(handle, "nvmlInit_v2", &calls.init);
    find(handle, "nvmlShutdown", &calls.shutdown);
    find(handle, "nvmlDeviceGetCount_v2", &calls.count);
    find(handle, "nvmlDeviceGetHandleByIndex_v2", &calls.handle);
    find(handle, "nvmlDeviceGetName", &calls.name);
    find(handle, "nvmlDeviceGetPciInfo_v3", &calls.pci);
    find(handle, "nvmlSystemGetDriverVersion", &calls.driver_version);
    find(handle, "nvmlSystemGetCudaDriverVersion_v2", &calls.cuda_version);
    find(handle, "nvmlDeviceGetUUID", &calls.uuid);
    find(handle, "nvmlDeviceGetMemoryInfo", &calls.memory);
    find(handle, "nvmlDeviceGetMemoryInfo_v2", &calls.memory_v2);
    find(handle, "nvmlDeviceGetUtilizationRates", &calls.utilization);
    find(handle, "nvmlDeviceGetTemperature", &calls.temperature);
    find(handle, "nvmlDeviceGetPowerUsage", &calls.power);
    find(handle, "nvmlDeviceGetEnforcedPowerLimit", &calls.power_limit);
    find(handle, "nvmlDeviceGetPowerManagementLimitConstraints", &calls.power_range);
    find(handle, "nvmlDeviceSetPowerManagementLimit", &calls.set_power_limit);
    find(handle, "nvmlDeviceGetTotalEnergyConsumption", &calls.energy);
    find(handle, "nvmlDeviceGetClockInfo", &calls.clock);
    find(handle, "nvmlDeviceGetCurrPcieLinkGeneration", &calls.link_generation);
    find(handle, "nvmlDeviceGetCurrPcieLinkWidth", &calls.link_lanes);
    find(handle, "nvmlDeviceGetMaxPcieLinkGeneration", &calls.link_generation_max);
    find(handle, "nvmlDeviceGetMaxPcieLinkWidth", &calls.link_lanes_max);
    find(handle, "nvmlDeviceGetPcieReplayCounter", &calls.replays);
    find(handle, "nvmlDeviceGetCudaComputeCapability", &calls.capability);
    find(handle, "nvmlDeviceGetDisplayActive", &calls.display);
    find(handle, "nvmlDeviceGetMigMode", &calls.mig_mode);
    find(handle, "nvmlDeviceGetMaxMigDeviceCount", &calls.mig_count);
    find(handle, "nvmlDeviceGetMigDeviceHandleByIndex", &calls.mig_handle);
    find(handle, "nvmlDeviceGetNvLinkState", &calls.nvlink_state);
    find(handle, "nvmlDeviceGetNvLinkRemotePciInfo_v2", &calls.nvlink_peer);
    find(handle, "nvmlDeviceGetNvLinkRemoteDeviceType", &calls.nvlink_kind);
    find(handle, "nvmlDeviceGetComputeRunningProcesses_v3", &calls.compute_processes);
    find(handle, "nvmlDeviceGetGraphicsRunningProcesses_v3", &calls.graphics_processes);
    return calls;
}

// "1" of libnvidia-ml.so.1 is the version of the interface, no driver's.
std::string version_of_file(void* handle) {
    const link_map* map = nullptr;
    if (::dlinfo(handle, RTLD_DI_LINKMAP, static_cast<void*>(&map)) != 0 || map == nullptr) return {};
    std::error_code error;
    const std::string name = std::filesystem::canonical(map->l_name, error).filename().string();
    constexpr std::string_view kBefore = ".so.";
    const std::size_t found = name.find(kBefore);
    if (error || found == std::string::npos) return {};
    std::string version = name.substr(found + kBefore.size());
    return version.find('.') == std::string::npos ? std::string{} : version;
}

}  // namespace

Result<std::unique_ptr<Library>> Library::open(const std::string& path) {
    void* handle = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (handle == nullptr) return make_error(Errc::kNotFound, path + " is not there: no NVIDIA driver");
    const Calls calls = calls_of(handle);
    const bool has_all = calls.init != nullptr && calls.shutdown != nullptr && calls.count != nullptr &&
                         calls.handle != nullptr && calls.name != nullptr && calls.pci != nullptr;
    if (!has_all) {
        ::dlclose(handle);
        return make_error(Errc::kCorrupt, path + " lacks calls that every version of NVML has");
    }
    if (const int status = calls.init(); status != kSuccess) {
        ::dlclose(handle);
        return make_error(Errc::kUnavailable, path + " does not start: " + std::string{reason_of(status)});
    }
    std::unique_ptr<Library> library{new Library{handle, calls}};
    library->file_version_ = version_of_file(handle);
    return library;
}

Library::~Library() {
    calls_.shutdown();
    ::dlclose(handle_);
}

std::string_view reason_of(int status) {
    switch (status) {
        case kSuccess: return "success";
        case kInvalidArgument: return "an argument is refused";
        case kNotSupported: return "the card does not support it";
        case kNoPermission: return "this user may not do that";
        case kNotFound: return "there is no such card";
        case kInsufficientSize: return "the answer is too long";
        case 9: return "the kernel module is not loaded";
        case 15: return "a card has fallen off the bus";
        case 18: return "library and kernel module are of different versions";
        default: return "an error of the driver";
    }
}

}  // namespace vcity::adapters::nvml
