// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/amount.hpp"

// Execution units: the indivisible grains in which the capacity of a home PC and of a data centre are offered.
namespace vcity {

enum class Interconnect : std::uint8_t { kNone = 0, kPcie = 1, kNvlink = 2, kFabric = 3 };
std::string_view to_string(Interconnect interconnect);

// What a node can do for a step beyond running a command of its own /usr. Bits of UnitOffer::features.
enum class UnitFeature : std::uint32_t {
    kFiles = 1U << 0U,       // fetches large inputs, keeps outputs and checkpoints
    kContainers = 1U << 1U,  // images
    kPublicNetwork = 1U << 2U,
    kPorts = 1U << 3U,  // ports of a step can be reached through the node's link
    kFinetune = 1U << 4U,
    kRender = 1U << 5U,
    kGenerate = 1U << 6U,
};
inline constexpr std::uint32_t kAllFeatures = (1U << 7U) - 1;
constexpr std::uint32_t bit(UnitFeature feature) {
    return static_cast<std::uint32_t>(feature);
}
std::string_view to_string(UnitFeature feature);
// "containers, ports"; "nothing" for none.
std::string feature_names(std::uint32_t features);

// What a step needs of one unit. A step without GPUs goes to a unit without GPUs.
struct UnitAsk {
    std::vector<std::string> gpu_models;  // any of these; empty: any
    std::uint32_t gpus = 0;
    std::uint32_t gpu_milli = 1000;  // of each; less than 1000 only with one GPU
    std::uint32_t vram_mib = 0;      // of each GPU
    std::uint32_t cpu_milli = 1000;
    std::uint32_t memory_mib = 256;
    std::uint32_t disk_mib = 0;
    Interconnect interconnect = Interconnect::kNone;  // at least

    bool operator==(const UnitAsk&) const = default;
};

// A unit as its node offers it.
struct UnitOffer {
    std::uint32_t number = 0;  // of the node's units
    std::string gpu_model;     // empty without GPUs; at most 31 bytes
    std::uint32_t gpus = 0;
    std::uint32_t vram_mib = 0;  // of each GPU
    std::uint32_t cpu_milli = 0;
    std::uint32_t memory_mib = 0;
    std::uint32_t disk_mib = 0;
    Interconnect interconnect = Interconnect::kNone;
    Usd hourly;                      // for one GPU, or for one core of a unit without GPUs
    std::optional<Usd> spot_hourly;  // floor for best-effort work; none: not offered
    std::uint32_t features = 0;      // bits of UnitFeature

    bool operator==(const UnitOffer&) const = default;
};

}  // namespace vcity
