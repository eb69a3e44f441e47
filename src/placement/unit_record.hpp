// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "placement/index/gpu_lanes.hpp"
#include "placement/index/lane_kernels.hpp"
#include "placement/units.hpp"

namespace vcity::placement {

// A joined unit as the search sees it: one cache line. Part of the index.
struct alignas(64) UnitRecord {
    static constexpr std::uint16_t kNoRow = UINT16_MAX;

    std::array<std::uint16_t, kGpusMax> left_milli{};  // by GPU number
    std::uint32_t cpu_left_milli = 0;
    std::uint32_t memory_left_mib = 0;
    std::uint32_t disk_left_mib = 0;
    std::uint32_t price_micro = 0;
    std::uint32_t stake_vcai = 0;
    std::uint32_t priority = 0;
    std::uint32_t state = UINT32_MAX;  // in the StateTable
    std::uint32_t place = 0;           // in the GroupTable
    std::uint32_t generation = 0;      // 0: nobody is here
    std::uint16_t row = kNoRow;        // none while the unit takes no work
    std::uint16_t reputation_bp = 0;
    std::uint8_t model = 0;
    std::uint8_t region = 0;
    std::uint8_t gpus = 0;
    std::uint8_t level = 0;
    UnitKind kind = UnitKind::kFlexible;
    Interconnect interconnect = Interconnect::kNone;
    bool is_open = false;
};
static_assert(sizeof(UnitRecord) == 64);

// In the order of the questions: a unit counts for the first one it fails.
enum class UnitFilter : std::uint8_t {
    kClosed,
    kExcluded,
    kModel,
    kVram,
    kRegion,
    kKind,
    kInterconnect,
    kUnitGpus,
    kLevel,
    kStake,
    kReputation,
    kPrice,
    kGpus,
    kCpu,
    kMemory,
    kDisk,
    kPassed,
};

UnitFilter first_failed(const UnitRecord& unit,
                        UnitHandle handle,
                        const UnitDemand& demand,
                        const Catalogue& catalogue);

inline bool is_excluded(UnitHandle handle, const UnitDemand& demand) {
    for (std::size_t index = 0; index < demand.excluded_count; ++index) {
        if (demand.excluded[index] == handle) return true;
    }
    return false;
}

inline bool fits_gpus(const UnitRecord& unit, const UnitDemand& demand) {
    return count_from(lanes_of(unit.left_milli), demand.gpu_milli) >= demand.gpus;
}

// Everything but what the row and the region of the unit say.
inline bool fits_record(const UnitRecord& unit, const UnitDemand& demand) {
    return unit.price_micro <= demand.price_micro_max && unit.reputation_bp >= demand.reputation_bp_min &&
           unit.level >= demand.level_min && (kind_bit(unit.kind) & demand.kinds) != 0 &&
           unit.interconnect >= demand.interconnect_min && unit.cpu_left_milli >= demand.cpu_milli &&
           unit.memory_left_mib >= demand.memory_mib && unit.disk_left_mib >= demand.disk_mib &&
           unit.stake_vcai >= demand.stake_vcai_min && unit.gpus >= demand.unit_gpus_min && fits_gpus(unit, demand);
}

// Free capacity in coarse classes: GPUs wholly free times quarters of the largest free share of a used one. Units
// without any free GPU, most of a busy network, are told apart by the CPU they have left.
inline constexpr std::size_t kSliceLevels = 5;
inline constexpr std::size_t kFullClasses = 4;                                 // less than 2, 4, 8 cores, and more
inline constexpr std::size_t kFirstFullClass = (kGpusMax + 1) * kSliceLevels;  // after class 0
inline constexpr std::size_t kCapacityClasses = kFirstFullClass + kFullClasses - 1;
using ClassMask = std::uint64_t;  // bit per class
// A row is a GPU model and a class; the rows of a model fill whole vectors.
inline constexpr std::size_t kRowsPerModel = (kCapacityClasses + kLaneStep - 1) / kLaneStep * kLaneStep;
static_assert(kRowsPerModel <= kLanesMax);

std::size_t capacity_class(const UnitRecord& unit);
// The classes that can hold the GPUs asked for, or the CPU where no GPU is; a unit of such a class may still not.
ClassMask classes_for(const UnitDemand& demand);

// The unit's state with its GPUs in descending order of what is left, equal ones by number, and that order.
struct OrderedState {
    GpuState state;
    std::array<std::uint8_t, kGpusMax> numbers{};
};
OrderedState ordered_state(const UnitRecord& unit);
GpuState state_of(const UnitRecord& unit);  // the same without the order

GpuRequest gpu_request(const UnitDemand& demand);

}  // namespace vcity::placement
