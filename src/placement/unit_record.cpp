// SPDX-License-Identifier: Apache-2.0
#include "placement/unit_record.hpp"

#include <algorithm>
#include <bit>

namespace vcity::placement {
namespace {

constexpr std::uint16_t kSliceMilli = kWholeGpuMilli / (kSliceLevels - 1);

constexpr std::size_t slice_level(std::uint16_t milli) {
    return (milli + kSliceMilli - 1U) / kSliceMilli;
}

std::size_t full_class(std::uint32_t cpu_milli) {
    constexpr std::uint32_t kStepMilli = 2000;
    const auto octave = static_cast<std::size_t>(std::bit_width(cpu_milli / kStepMilli));
    return octave == 0 ? 0 : kFirstFullClass + std::min(octave, kFullClasses - 1) - 1;
}

// [0][level]: of shares that need so many quarters; [gpus][0]: of whole GPUs; [0][0]: every class with a free GPU, and
// class 0.
constexpr auto kClassMasks = [] {
    std::array<std::array<ClassMask, kSliceLevels>, kGpusMax + 1> masks{};
    for (std::size_t whole = 0; whole <= kGpusMax; ++whole) {
        for (std::size_t level = 0; level < kSliceLevels; ++level) {
            const ClassMask bit = 1ULL << (whole * kSliceLevels + level);
            for (std::size_t gpus = 0; gpus <= whole; ++gpus) masks[gpus][0] |= bit;
            for (std::size_t need = 1; need < kSliceLevels; ++need) {
                if (whole > 0 || level >= need) masks[0][need] |= bit;
            }
        }
    }
    return masks;
}();

}  // namespace

UnitFilter first_failed(const UnitRecord& unit,
                        UnitHandle handle,
                        const UnitDemand& demand,
                        const Catalogue& catalogue) {
    if (!unit.is_open) return UnitFilter::kClosed;
    if (is_excluded(handle, demand)) return UnitFilter::kExcluded;
    if (((demand.models & ~demand.models_denied) >> unit.model & 1U) == 0) return UnitFilter::kModel;
    if (catalogue.models()[unit.model].vram_mib < demand.vram_mib) return UnitFilter::kVram;
    if ((demand.regions >> unit.region & 1U) == 0) return UnitFilter::kRegion;
    if ((demand.kinds & kind_bit(unit.kind)) == 0) return UnitFilter::kKind;
    if (unit.interconnect < demand.interconnect_min) return UnitFilter::kInterconnect;
    if (unit.gpus < std::max(demand.unit_gpus_min, demand.gpus)) return UnitFilter::kUnitGpus;
    if (unit.level < demand.level_min) return UnitFilter::kLevel;
    if (unit.stake_vcai < demand.stake_vcai_min) return UnitFilter::kStake;
    if (unit.reputation_bp < demand.reputation_bp_min) return UnitFilter::kReputation;
    if (unit.price_micro > demand.price_micro_max) return UnitFilter::kPrice;
    if (!fits_gpus(unit, demand)) return UnitFilter::kGpus;
    if (unit.cpu_left_milli < demand.cpu_milli) return UnitFilter::kCpu;
    if (unit.memory_left_mib < demand.memory_mib) return UnitFilter::kMemory;
    if (unit.disk_left_mib < demand.disk_mib) return UnitFilter::kDisk;
    return UnitFilter::kPassed;
}

std::size_t capacity_class(const UnitRecord& unit) {
    const GpuLanes left = lanes_of(unit.left_milli);
    const std::size_t whole = count_from(left, kWholeGpuMilli);
    const auto is_whole = std::bit_cast<GpuLanes>(left == all_lanes(kWholeGpuMilli));
    const std::uint16_t slice = greatest(left & ~is_whole);
    if (whole == 0 && slice == 0) return full_class(unit.cpu_left_milli);
    return whole * kSliceLevels + slice_level(slice);
}

ClassMask classes_for(const UnitDemand& demand) {
    if (demand.gpu_milli == kWholeGpuMilli) return kClassMasks[demand.gpus][0];
    ClassMask mask = kClassMasks[0][slice_level(demand.gpu_milli)];
    if (demand.gpus > 0) return mask;
    const std::size_t least = full_class(demand.cpu_milli);
    if (least > 0) mask &= ~ClassMask{1};
    for (std::size_t index = std::max(least, kFirstFullClass); index < kCapacityClasses; ++index) mask |= 1ULL << index;
    return mask;
}

GpuState state_of(const UnitRecord& unit) {
    return {unit.model, unit.gpus, milli_of(descending(lanes_of(unit.left_milli))), unit.cpu_left_milli,
            unit.memory_left_mib};
}

OrderedState ordered_state(const UnitRecord& unit) {
    OrderedState ordered;
    GpuState& state = ordered.state;
    state.model = unit.model;
    state.gpus = unit.gpus;
    state.cpu_left_milli = unit.cpu_left_milli;
    state.memory_left_mib = unit.memory_left_mib;
    for (std::uint8_t number = 0; number < unit.gpus; ++number) {
        const std::uint16_t left = unit.left_milli[number];
        std::size_t at = number;
        for (; at > 0 && state.left_milli[at - 1] < left; --at) {
            state.left_milli[at] = state.left_milli[at - 1];
            ordered.numbers[at] = ordered.numbers[at - 1];
        }
        state.left_milli[at] = left;
        ordered.numbers[at] = number;
    }
    return ordered;
}

GpuRequest gpu_request(const UnitDemand& demand) {
    return {demand.models & ~demand.models_denied, demand.gpus, demand.gpu_milli, demand.cpu_milli, demand.memory_mib};
}

}  // namespace vcity::placement
