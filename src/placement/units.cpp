// SPDX-License-Identifier: Apache-2.0
#include "placement/units.hpp"

#include <algorithm>
#include <set>

namespace vcity::placement {
namespace {

constexpr std::size_t kNameBytesMax = 64;
constexpr std::size_t kShownMax = 96;  // bytes of a stranger's name in a message

Error invalid(std::string message) {
    return make_error(Errc::kInvalid, std::move(message));
}

std::string shown(std::string_view name) {
    std::string text;
    for (const char letter : name.substr(0, kShownMax)) text += letter >= ' ' && letter <= '~' ? letter : '?';
    return "\"" + text + (name.size() > kShownMax ? "...\"" : "\"");
}

Result<void> check_names(const std::vector<std::string>& names, std::string_view what, std::size_t limit) {
    if (names.empty() || names.size() > limit) {
        return invalid(std::to_string(names.size()) + " " + std::string{what} + "s; 1 to " + std::to_string(limit));
    }
    std::set<std::string_view> seen;
    for (const std::string& name : names) {
        if (name.empty() || name.size() > kNameBytesMax) {
            return invalid(std::string{what} + " " + shown(name) + " is empty or too long");
        }
        if (!seen.insert(name).second) return invalid(std::string{what} + " " + shown(name) + " appears twice");
    }
    return {};
}

std::vector<std::string> names_of(const std::vector<GpuModel>& models) {
    std::vector<std::string> names;
    for (const GpuModel& model : models) names.push_back(model.name);
    return names;
}

Result<std::uint8_t> find(const std::vector<std::string>& names, std::string_view name, std::string_view what) {
    const auto found = std::ranges::find(names, name);
    if (found != names.end()) return static_cast<std::uint8_t>(found - names.begin());
    std::string text = "unknown " + std::string{what} + " " + shown(name) + "; there are";
    for (const std::string& known : names) text += " " + known;
    return invalid(std::move(text));
}

[[gnu::cold, gnu::noinline]] Error above(std::string_view what, std::uint64_t value, std::uint64_t limit) {
    return invalid(std::string{what} + " " + std::to_string(value) + " is above " + std::to_string(limit));
}

inline Result<void> at_most(std::string_view what, std::uint64_t value, std::uint64_t limit) {
    if (value > limit) return above(what, value, limit);
    return {};
}

// Whether check() has nothing to say, in one expression: nearly every demand comes through here.
bool is_good(const Catalogue& catalogue, const UnitDemand& demand) {
    const std::uint64_t models = demand.models & ~demand.models_denied & catalogue.all_models();
    const Weights& weights = demand.weights;
    const bool has_gpus = demand.gpus > 0;
    const bool is_share = demand.gpu_milli < kWholeGpuMilli;
    const unsigned in_range =
        unsigned{demand.gpus <= kGpusMax} & unsigned{demand.gpu_milli <= kWholeGpuMilli} &
        unsigned{(demand.gpu_milli > 0) == has_gpus} & unsigned{demand.gpus <= 1 || !is_share} &
        unsigned{demand.unit_gpus_min <= kGpusMax} & unsigned{demand.customer_region < catalogue.regions().size()} &
        unsigned{(demand.regions & catalogue.all_regions()) != 0} & unsigned{(demand.kinds & kAnyKind) != 0} &
        unsigned{demand.cpu_milli <= kCpuMilliMax} & unsigned{demand.memory_mib <= kMemoryMibMax} &
        unsigned{demand.disk_mib <= kDiskMibMax} &
        unsigned{has_gpus || (demand.cpu_milli | demand.memory_mib | demand.disk_mib) != 0} &
        unsigned{demand.reputation_bp_min <= kReputationMax} & unsigned{demand.level_min <= kLevelMax} &
        unsigned{demand.interconnect_min <= Interconnect::kFabric} &
        unsigned{demand.excluded_count <= UnitDemand::kExcludedMax} & unsigned{weights.latency <= kWeightMax} &
        unsigned{weights.price <= kWeightMax} & unsigned{weights.quality <= kWeightMax} &
        unsigned{weights.packing <= kWeightMax};
    return in_range != 0 && models != 0 &&
           (demand.vram_mib == 0 || (models & catalogue.models_with_vram(demand.vram_mib)) != 0);
}

Result<void> check_gpus(const UnitDemand& demand) {
    TRY_OK(at_most("gpus", demand.gpus, kGpusMax));
    TRY_OK(at_most("gpu_milli", demand.gpu_milli, kWholeGpuMilli));
    if (demand.gpus == 0 && demand.gpu_milli != 0) {
        return invalid("gpu_milli " + std::to_string(demand.gpu_milli) + " of no GPU");
    }
    if (demand.gpus > 0 && demand.gpu_milli == 0) return invalid("gpu_milli 0: ask for a share of 1 to 1000");
    if (demand.gpus > 1 && demand.gpu_milli != kWholeGpuMilli) {
        return invalid("gpu_milli " + std::to_string(demand.gpu_milli) + " of " + std::to_string(demand.gpus) +
                       " GPUs: more than one GPU is whole GPUs, 1000 each");
    }
    return at_most("unit_gpus_min", demand.unit_gpus_min, kGpusMax);
}

Result<void> check_sets(const Catalogue& catalogue, const UnitDemand& demand) {
    if (demand.customer_region >= catalogue.regions().size()) {
        return invalid("customer_region " + std::to_string(demand.customer_region) + ": there are " +
                       std::to_string(catalogue.regions().size()) + " regions");
    }
    const std::uint64_t models = demand.models & catalogue.all_models();
    if (models == 0) return invalid("no GPU model of the catalogue is allowed");
    if ((models & ~demand.models_denied) == 0) return invalid("every allowed GPU model is also denied");
    if ((models & ~demand.models_denied & catalogue.models_with_vram(demand.vram_mib)) == 0) {
        return invalid("vram_mib " + std::to_string(demand.vram_mib) + ": no allowed GPU model has as much");
    }
    if ((demand.regions & catalogue.all_regions()) == 0) return invalid("no region of the catalogue is allowed");
    if ((demand.kinds & kAnyKind) == 0) return invalid("neither stable nor flexible units are allowed");
    return {};
}

}  // namespace

Result<Catalogue> Catalogue::make(std::vector<GpuModel> models,
                                  std::vector<std::string> regions,
                                  std::vector<std::uint32_t> latency_us) {
    TRY_OK(check_names(names_of(models), "GPU model", kModelsMax));
    TRY_OK(check_names(regions, "region", kRegionsMax));
    if (latency_us.size() != regions.size() * regions.size()) {
        return invalid(std::to_string(latency_us.size()) + " latencies for " + std::to_string(regions.size()) +
                       " regions");
    }
    Catalogue catalogue;
    std::set<std::uint32_t> vram;
    for (const GpuModel& model : models) vram.insert(model.vram_mib);
    for (const std::uint32_t step : vram) {
        std::uint64_t mask = 0;
        for (std::size_t model = 0; model < models.size(); ++model) {
            mask |= std::uint64_t{models[model].vram_mib >= step} << model;
        }
        catalogue.vram_steps_.push_back({step, mask});
    }
    catalogue.models_ = std::move(models);
    catalogue.regions_ = std::move(regions);
    catalogue.latency_us_ = std::move(latency_us);
    return catalogue;
}

std::uint64_t Catalogue::models_with_vram(std::uint32_t vram_mib) const {
    for (const VramStep& step : vram_steps_) {
        if (step.vram_mib >= vram_mib) return step.models;
    }
    return 0;
}

Result<std::uint8_t> Catalogue::model(std::string_view name) const {
    return find(names_of(models_), name, "GPU model");
}

Result<std::uint8_t> Catalogue::region(std::string_view name) const {
    return find(regions_, name, "region");
}

Result<void> check(const Catalogue& catalogue, const UnitDemand& demand) {
    if (is_good(catalogue, demand)) return {};
    TRY_OK(check_gpus(demand));
    TRY_OK(check_sets(catalogue, demand));
    TRY_OK(at_most("cpu_milli", demand.cpu_milli, kCpuMilliMax));
    TRY_OK(at_most("memory_mib", demand.memory_mib, kMemoryMibMax));
    TRY_OK(at_most("disk_mib", demand.disk_mib, kDiskMibMax));
    if (demand.gpus == 0 && demand.cpu_milli == 0 && demand.memory_mib == 0 && demand.disk_mib == 0) {
        return invalid("asks for nothing: no GPU, CPU, memory or disk");
    }
    TRY_OK(at_most("reputation_bp_min", demand.reputation_bp_min, kReputationMax));
    TRY_OK(at_most("level_min", demand.level_min, kLevelMax));
    TRY_OK(at_most("interconnect_min", static_cast<std::uint64_t>(demand.interconnect_min),
                   static_cast<std::uint64_t>(Interconnect::kFabric)));
    TRY_OK(at_most("excluded_count", demand.excluded_count, UnitDemand::kExcludedMax));
    TRY_OK(at_most("weights.latency", demand.weights.latency, kWeightMax));
    TRY_OK(at_most("weights.price", demand.weights.price, kWeightMax));
    TRY_OK(at_most("weights.quality", demand.weights.quality, kWeightMax));
    return at_most("weights.packing", demand.weights.packing, kWeightMax);
}

Result<void> check(const UnitTerms& terms) {
    TRY_OK(at_most("reputation_bp", terms.reputation_bp, kReputationMax));
    TRY_OK(at_most("level", terms.level, kLevelMax));
    TRY_OK(at_most("kind", static_cast<std::uint64_t>(terms.kind), static_cast<std::uint64_t>(UnitKind::kFlexible)));
    return at_most("interconnect", static_cast<std::uint64_t>(terms.interconnect),
                   static_cast<std::uint64_t>(Interconnect::kFabric));
}

Result<void> check(const Catalogue& catalogue, const ExecutionUnit& unit) {
    const UnitCapacity& capacity = unit.capacity;
    TRY_OK(at_most("model", capacity.model, catalogue.models().size() - 1));
    TRY_OK(at_most("region", capacity.region, catalogue.regions().size() - 1));
    TRY_OK(at_most("gpus", capacity.gpus, kGpusMax));
    TRY_OK(at_most("cpu_milli", capacity.cpu_milli, kCpuMilliMax));
    TRY_OK(at_most("memory_mib", capacity.memory_mib, kMemoryMibMax));
    TRY_OK(at_most("disk_mib", capacity.disk_mib, kDiskMibMax));
    return check(unit.terms);
}

}  // namespace vcity::placement
