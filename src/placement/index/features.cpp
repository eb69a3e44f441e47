// SPDX-License-Identifier: Apache-2.0
#include "placement/index/features.hpp"

#include <algorithm>

namespace vcity::placement {
namespace {

constexpr std::uint16_t kShareStepMilli = 5;
constexpr std::uint8_t kWholeGpus = kWholeGpuMilli / kShareStepMilli;  // and one more for each whole GPU
constexpr std::uint32_t kCpuStepMilli = 500;
constexpr std::uint32_t kMemoryStepMib = 1024;
constexpr std::uint32_t kDiskStepMib = 4096;
constexpr std::uint32_t kStakeStep = 250;

Features byte_of(std::uint32_t value, std::uint32_t step) {
    return std::min<std::uint32_t>(value / step, UINT8_MAX);
}

struct Parts {
    std::uint8_t free_gpus;
    std::uint32_t cpu_milli;
    std::uint32_t memory_mib;
    std::uint32_t disk_mib;
    std::uint32_t stake_vcai;
    std::uint8_t level;
    Interconnect interconnect;
};

Features packed(const Parts& parts) {
    const bool is_handy =
        parts.cpu_milli >= kHandyCpuMilli && parts.memory_mib >= kHandyMemoryMib && parts.disk_mib >= kHandyDiskMib;
    const Features handy = is_handy ? parts.free_gpus : 0;
    return Features{parts.free_gpus} | byte_of(parts.cpu_milli, kCpuStepMilli) << 8U |
           byte_of(parts.memory_mib, kMemoryStepMib) << 16U | byte_of(parts.disk_mib, kDiskStepMib) << 24U |
           byte_of(parts.stake_vcai, kStakeStep) << 32U | Features{parts.level} << 40U |
           static_cast<Features>(parts.interconnect) << 48U | handy << kHandyShift;
}

}  // namespace

std::uint8_t free_gpus_feature(std::size_t gpus, std::uint16_t milli) {
    if (milli == kWholeGpuMilli) return static_cast<std::uint8_t>(kWholeGpus + gpus);
    return static_cast<std::uint8_t>(milli / kShareStepMilli);
}

Features features_of(const UnitRecord& unit) {
    const GpuLanes left = lanes_of(unit.left_milli);
    const std::size_t whole = count_from(left, kWholeGpuMilli);
    const std::uint16_t most = greatest(left);
    return packed({free_gpus_feature(whole, most), unit.cpu_left_milli, unit.memory_left_mib, unit.disk_left_mib,
                   unit.stake_vcai, unit.level, unit.interconnect});
}

Features features_for(const UnitDemand& demand) {
    return packed({free_gpus_feature(demand.gpus, demand.gpu_milli), demand.cpu_milli, demand.memory_mib,
                   demand.disk_mib, demand.stake_vcai_min, demand.level_min, demand.interconnect_min});
}

}  // namespace vcity::placement
