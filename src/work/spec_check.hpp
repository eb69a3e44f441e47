// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/result.hpp"
#include "model/work.hpp"

// What a job may ask for. Everything that a customer sends passes here before anything else looks at it.
namespace vcity::work {

struct SpecLimits {
    static constexpr std::size_t kGroupsMax = 64;
    static constexpr std::size_t kStepsMax = 4096;  // of all groups together
    static constexpr std::size_t kGangMax = 64;     // placement::Gang::kMembersMax
    static constexpr std::size_t kNameBytesMax = 128;
    static constexpr std::size_t kGroupNameBytesMax = 32;
    static constexpr std::size_t kArgumentsMax = 256;
    static constexpr std::size_t kCommandBytesMax = 64U << 10U;  // of all arguments of a group
    static constexpr std::size_t kVariablesMax = 128;
    static constexpr std::size_t kEnvironmentBytesMax = 32U << 10U;
    static constexpr std::size_t kInputsMax = 64;  // files of a group
    static constexpr std::size_t kInputNameBytesMax = 64;
    static constexpr std::size_t kInputBytesMax = 4U << 20U;  // of all groups together
    static constexpr std::size_t kNamesMax = 64;              // GPU models of a group, regions of a job
    static constexpr std::size_t kLabelBytesMax = 31;         // of a GPU model or a region
    static constexpr std::uint32_t kSecondsMax = 30U * 24U * 3600U;
    static constexpr std::uint32_t kRetriesMax = 100;
    static constexpr std::uint32_t kGpusMax = 8;  // of one unit; what follows is placement's
    static constexpr std::uint32_t kCpuMilliMax = 1U << 24U;
    static constexpr std::uint32_t kMemoryMibMax = 1U << 27U;
    static constexpr std::uint32_t kDiskMibMax = 1U << 30U;
    static constexpr std::uint32_t kVramMibMax = 1U << 24U;
    static constexpr std::uint64_t kFileBytesMax = std::uint64_t{1} << 40U;  // of an input that is fetched
    static constexpr std::size_t kTakenStepsMax = 1024;                      // whose files one step gets
    static constexpr std::size_t kUrlBytesMax = 2048;
    static constexpr std::size_t kImageBytesMax = 512;
    static constexpr std::size_t kHostsMax = 32;
    static constexpr std::size_t kHostBytesMax = 253;
    static constexpr std::size_t kPortsMax = 16;
    static constexpr std::uint32_t kCheckpointSecondsMin = 10;
    static constexpr std::uint32_t kPreferenceMax = 100;
    static constexpr std::uint32_t kReputationMax = 10'000;
    static constexpr std::uint32_t kLevelMax = 3;
    static constexpr std::size_t kSpreadBytesMax = 64;
};

// Nothing, or kInvalid with the group, the field, the value and what would do: names, counts, sizes, cycles in `needs`,
// paths, variables, asks that no unit can ever fulfil. Takes time linear in the size of the spec.
Result<void> check(const WorkSpec& spec);
// Also the identity, the money and the deadline as far as they need no clock.
Result<void> check(const WorkOrder& order);

}  // namespace vcity::work
