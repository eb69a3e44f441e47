// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "model/unit.hpp"
#include "placement/packing_policy.hpp"

namespace vcity::placement {

inline constexpr std::size_t kModelsMax = 64;
inline constexpr std::size_t kRegionsMax = 64;
inline constexpr std::uint16_t kReputationMax = 10'000;  // basis points: a perfect record
inline constexpr std::uint8_t kLevelMax = 3;
inline constexpr std::uint32_t kWeightMax = 1'000'000;
inline constexpr std::uint32_t kNoPriceCap = UINT32_MAX;
inline constexpr std::uint32_t kCpuMilliMax = 1U << 24;
inline constexpr std::uint32_t kMemoryMibMax = 1U << 27;
inline constexpr std::uint32_t kDiskMibMax = 1U << 30;

struct GpuModel {
    std::string name;
    std::uint32_t vram_mib = 0;  // of one GPU
};

// The names that units and demands share, and how far regions lie apart. Models and regions are numbers from here on.
class Catalogue {
  public:
    // `latency_us[from * regions + to]`: round trip from a customer in one region to a unit in another.
    // kInvalid: none or too many of either, an empty or repeated name, a matrix of another size.
    static Result<Catalogue> make(std::vector<GpuModel> models,
                                  std::vector<std::string> regions,
                                  std::vector<std::uint32_t> latency_us);

    const std::vector<GpuModel>& models() const { return models_; }
    const std::vector<std::string>& regions() const { return regions_; }
    const std::vector<std::uint32_t>& latencies_us() const { return latency_us_; }
    std::span<const std::uint32_t> latencies_us_from(std::size_t region) const {
        return std::span{latency_us_}.subspan(region * regions_.size(), regions_.size());
    }
    std::uint64_t all_models() const { return mask_of(models_.size()); }
    std::uint64_t all_regions() const { return mask_of(regions_.size()); }
    std::uint64_t models_with_vram(std::uint32_t vram_mib) const;  // at least so much a GPU

    // kInvalid names the unknown one and those there are.
    Result<std::uint8_t> model(std::string_view name) const;
    Result<std::uint8_t> region(std::string_view name) const;

    static constexpr std::uint64_t mask_of(std::size_t count) { return count >= 64 ? ~0ULL : (1ULL << count) - 1; }

  private:
    std::vector<GpuModel> models_;
    std::vector<std::string> regions_;
    std::vector<std::uint32_t> latency_us_;
    struct VramStep {
        std::uint32_t vram_mib = 0;
        std::uint64_t models = 0;  // with at least so much
    };
    std::vector<VramStep> vram_steps_;  // ascending
};

enum class UnitKind : std::uint8_t { kStable, kFlexible };  // a data centre's, or a home's that comes and goes
using vcity::Interconnect;

constexpr std::uint8_t kind_bit(UnitKind kind) {
    return static_cast<std::uint8_t>(1U << static_cast<unsigned>(kind));
}
inline constexpr std::uint8_t kAnyKind = 0b11;

struct UnitId {
    Address node;
    std::uint32_t unit = 0;  // of that node

    auto operator<=>(const UnitId&) const = default;
};

// What a unit can hold when nothing runs on it.
struct UnitCapacity {
    std::uint8_t model = 0;
    std::uint8_t region = 0;
    std::uint8_t gpus = 0;
    std::uint32_t cpu_milli = 0;
    std::uint32_t memory_mib = 0;
    std::uint32_t disk_mib = 0;

    bool operator==(const UnitCapacity&) const = default;
};

// What changes while a unit is connected, without anything being placed.
struct UnitTerms {
    std::uint32_t price_micro = 0;    // micro-dollars per hour of one GPU
    std::uint16_t reputation_bp = 0;  // 0 to kReputationMax
    std::uint8_t level = 0;           // of verification, 0 to kLevelMax
    UnitKind kind = UnitKind::kFlexible;
    Interconnect interconnect = Interconnect::kNone;
    std::uint32_t stake_vcai = 0;  // whole tokens
    std::uint32_t priority = 0;    // among equal scores the smallest goes first, then the smallest id
    bool is_open = true;           // takes new work

    bool operator==(const UnitTerms&) const = default;
};

struct ExecutionUnit {
    UnitId id;
    UnitCapacity capacity;
    UnitTerms terms;
};

// Names a unit as long as it is joined; a later unit never has the same handle.
struct UnitHandle {
    std::uint32_t slot = UINT32_MAX;
    std::uint32_t generation = 0;

    bool operator==(const UnitHandle&) const = default;
};

// The score is the sum of weight times term over these four; the smallest score wins. Each weight is at most
// kWeightMax.
//   latency: round trip from the customer's region, in microseconds
//   price:   micro-dollars per GPU hour
//   quality: kReputationMax less the reputation, in basis points
//   packing: penalty of the packing policy, 0 to kPenaltyMax
struct Weights {
    std::uint32_t latency = 0;
    std::uint32_t price = 0;
    std::uint32_t quality = 0;
    std::uint32_t packing = 0;

    bool operator==(const Weights&) const = default;
};

// What one unit must give. Everything but the weights is a hard filter.
struct UnitDemand {
    static constexpr std::size_t kExcludedMax = 8;

    std::uint8_t customer_region = 0;
    std::uint64_t models = ~0ULL;  // bit i: model i of the catalogue will do; bits beyond the catalogue are ignored
    std::uint64_t models_denied = 0;
    std::uint64_t regions = ~0ULL;   // likewise
    std::uint32_t vram_mib = 0;      // of each GPU, the whole of it
    std::uint8_t gpus = 0;           // 0: no GPU at all
    std::uint16_t gpu_milli = 0;     // of each; kWholeGpuMilli unless gpus is 1
    std::uint8_t unit_gpus_min = 0;  // the unit has so many, busy ones included
    std::uint32_t cpu_milli = 0;
    std::uint32_t memory_mib = 0;
    std::uint32_t disk_mib = 0;
    std::uint32_t price_micro_max = kNoPriceCap;
    std::uint16_t reputation_bp_min = 0;
    std::uint8_t level_min = 0;
    std::uint32_t stake_vcai_min = 0;
    std::uint8_t kinds = kAnyKind;  // kind_bit()s
    Interconnect interconnect_min = Interconnect::kNone;
    Weights weights;
    std::array<UnitHandle, kExcludedMax> excluded{};  // the first `excluded_count`: failed this job before
    std::uint8_t excluded_count = 0;
};

// Nothing, or kInvalid with the field and the value: zero resources, more than a unit can have, shares that are no
// share, models or regions that leave none. Allocates only for the message.
Result<void> check(const Catalogue& catalogue, const UnitDemand& demand);
Result<void> check(const Catalogue& catalogue, const ExecutionUnit& unit);
Result<void> check(const UnitTerms& terms);

// What a demand took from a unit; hand it back to release it.
struct Grant {
    UnitHandle unit;
    std::uint8_t gpu_mask = 0;    // bit i: GPU i of the unit
    std::uint16_t gpu_milli = 0;  // of each
    std::uint32_t cpu_milli = 0;
    std::uint32_t memory_mib = 0;
    std::uint32_t disk_mib = 0;

    bool operator==(const Grant&) const = default;
};

struct Terms {  // each times its weight
    std::uint64_t latency = 0;
    std::uint64_t price = 0;
    std::uint64_t quality = 0;
    std::uint64_t packing = 0;

    std::uint64_t score() const { return latency + price + quality + packing; }
    bool operator==(const Terms&) const = default;
};

// Equal members on units of their own, for work that needs all of them at once.
struct Gang {
    static constexpr std::size_t kMembersMax = 64;

    UnitDemand member;
    std::size_t members = 0;
    bool is_one_region = false;  // all in one region, as an interconnect between units needs it
};
inline constexpr std::size_t kPartsMax = 256;

enum class Outcome : std::uint8_t { kPlaced, kNoUnit };

struct Decision {
    Outcome outcome = Outcome::kNoUnit;
    Grant grant;  // when placed
    Terms terms;
};

}  // namespace vcity::placement
