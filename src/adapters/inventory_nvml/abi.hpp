// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

// The binary interface of NVIDIA's management library (libnvidia-ml.so.1), as far as it is used here: own declarations
// of what the library exports under these names since driver 450. Sizes are checked below.
namespace vcity::adapters::nvml {

using Device = void*;

enum Status : int {  // any other value is a failure as well
    kSuccess = 0,
    kInvalidArgument = 2,
    kNotSupported = 3,
    kNoPermission = 4,
    kNotFound = 6,
    kInsufficientSize = 7,
};

inline constexpr unsigned kTextBytes = 96;

struct PciInfo {
    char address_legacy[16];
    unsigned domain;
    unsigned bus;
    unsigned device;
    unsigned device_id;     // device in the high half, vendor in the low one
    unsigned subsystem_id;  // likewise
    char address[32];       // "00000000:3B:00.0"
};
static_assert(sizeof(PciInfo) == 68);

struct Memory {
    unsigned long long total;
    unsigned long long free;
    unsigned long long used;
};
static_assert(sizeof(Memory) == 24);

struct MemoryV2 {
    unsigned version;
    unsigned long long total;
    unsigned long long reserved;
    unsigned long long free;
    unsigned long long used;
};
static_assert(sizeof(MemoryV2) == 40);
inline constexpr unsigned kMemoryV2 = sizeof(MemoryV2) | 2U << 24U;

struct Utilization {
    unsigned gpu;
    unsigned memory;
};

struct Process {
    unsigned pid;
    unsigned long long memory;  // all ones: not known
    unsigned gpu_instance;
    unsigned compute_instance;
};
static_assert(sizeof(Process) == 24);

inline constexpr int kClockSm = 1;
inline constexpr int kClockMemory = 2;
inline constexpr int kTemperatureGpu = 0;
inline constexpr int kLinkToSwitch = 2;  // nvmlIntNvLinkDeviceType_t: 0 GPU, 1 IBM NPU, 2 switch

}  // namespace vcity::adapters::nvml
