// SPDX-License-Identifier: Apache-2.0
#include "services/node/steps/units_file.hpp"

#include <algorithm>
#include <array>
#include <set>

#include <fmt/core.h>

#include "codec/json.hpp"

namespace vcity::node {
namespace {

using codec::Json;

// As the scheduler's index of units holds them.
constexpr std::uint64_t kCpuMilliMax = 1U << 24U;
constexpr std::uint64_t kMemoryMibMax = 1U << 27U;
constexpr std::uint64_t kDiskMibMax = 1U << 30U;
constexpr Usd kHourlyMax{0xffff'fffe};
constexpr std::size_t kGpusMax = 8;
constexpr std::size_t kModelBytesMax = 31;
constexpr std::size_t kCdiNameBytesMax = 128;

Error wrong(std::size_t unit, std::string_view field, std::string_view what) {
    return make_error(Errc::kInvalid, fmt::format("units[{}].{}: {}", unit, field, what));
}

struct Range {
    std::uint64_t min;
    std::uint64_t max;
};

Result<std::uint32_t> number_of(const Json& json, std::size_t unit, std::string_view field, Range range) {
    const Json* member = json.find(field);
    if (member == nullptr && range.min == 0) return 0U;
    if (member == nullptr) return wrong(unit, field, "is missing");
    std::uint64_t value = 0;
    if (!member->get_u64(&value) || value < range.min || value > range.max) {
        return wrong(unit, field, fmt::format("must be an integer from {} to {}", range.min, range.max));
    }
    return static_cast<std::uint32_t>(value);
}

Result<Usd> price_of(const Json& member, std::size_t unit, std::string_view field) {
    const std::string* text = member.get_string();
    const Result<Usd> price = text == nullptr ? Result<Usd>{Usd{}} : parse_usd(*text);
    if (text == nullptr || !price) return wrong(unit, field, "must be dollars as text, such as \"0.01\"");
    if (*price > kHourlyMax) return wrong(unit, field, "is more than " + to_string(kHourlyMax));
    return *price;
}

Result<void> check_names(const Json& json, std::size_t unit) {
    constexpr std::array<std::string_view, 9> kNames{"cpu_milli", "memory_mib",  "disk_mib",
                                                     "hourly",    "spot_hourly", "gpu_model",
                                                     "gpus",      "vram_mib",    "interconnect"};
    const codec::JsonObject* members = json.get_object();
    if (members == nullptr) return make_error(Errc::kInvalid, fmt::format("units[{}]: must be an object", unit));
    for (const auto& [name, value] : *members) {
        if (std::ranges::find(kNames, name) == kNames.end()) return wrong(unit, name, "is not known");
    }
    return {};
}

bool is_printable(std::string_view text, std::size_t bytes_max) {
    return !text.empty() && text.size() <= bytes_max &&
           std::ranges::all_of(text, [](char character) { return character > ' ' - 1 && character < 0x7f; });
}

// CDI: vendor/class=name.
Result<std::vector<std::string>> gpus_of(const Json& json, std::size_t unit) {
    const Json* member = json.find("gpus");
    std::vector<std::string> names;
    if (member == nullptr) return names;
    const codec::JsonArray* list = member->get_array();
    if (list == nullptr || list->empty() || list->size() > kGpusMax) {
        return wrong(unit, "gpus", fmt::format("must be a list of 1 to {} CDI names", kGpusMax));
    }
    for (const Json& one : *list) {
        const std::string* name = one.get_string();
        const bool is_name = name != nullptr && is_printable(*name, kCdiNameBytesMax) &&
                             name->find('/') != std::string::npos && name->find('=') != std::string::npos;
        if (!is_name) return wrong(unit, "gpus", "holds what is no CDI name, such as \"nvidia.com/gpu=0\"");
        names.push_back(*name);
    }
    return names;
}

Result<void> read_gpus(const Json& json, std::size_t unit, UnitOffer* offer) {
    constexpr std::array<std::string_view, 3> kOthers{"gpu_model", "vram_mib", "interconnect"};
    if (offer->gpus == 0) {
        for (const std::string_view name : kOthers) {
            if (json.find(name) != nullptr) return wrong(unit, name, "needs gpus");
        }
        return {};
    }
    const Json* model = json.find("gpu_model");
    const std::string* name = model == nullptr ? nullptr : model->get_string();
    if (name == nullptr || !is_printable(*name, kModelBytesMax)) {
        return wrong(unit, "gpu_model", fmt::format("must be a name of at most {} bytes", kModelBytesMax));
    }
    offer->gpu_model = *name;
    TRY(offer->vram_mib, number_of(json, unit, "vram_mib", {1, kMemoryMibMax}));
    const Json* link = json.find("interconnect");
    if (link == nullptr) return {};
    const std::string* kind = link->get_string();
    for (const Interconnect one :
         {Interconnect::kNone, Interconnect::kPcie, Interconnect::kNvlink, Interconnect::kFabric}) {
        if (kind == nullptr || *kind != to_string(one)) continue;
        offer->interconnect = one;
        return {};
    }
    return wrong(unit, "interconnect", "must be none, pcie, nvlink or fabric");
}

Result<UnitOffer> unit_of(const Json& json, std::size_t unit, std::vector<std::string>* gpus) {
    TRY_OK(check_names(json, unit));
    UnitOffer offer;
    offer.number = static_cast<std::uint32_t>(unit);
    TRY(offer.cpu_milli, number_of(json, unit, "cpu_milli", {1, kCpuMilliMax}));
    TRY(offer.memory_mib, number_of(json, unit, "memory_mib", {1, kMemoryMibMax}));
    TRY(*gpus, gpus_of(json, unit));
    offer.gpus = static_cast<std::uint32_t>(gpus->size());
    TRY_OK(read_gpus(json, unit, &offer));
    TRY(offer.disk_mib, number_of(json, unit, "disk_mib", {0, kDiskMibMax}));
    const Json* hourly = json.find("hourly");
    if (hourly == nullptr) return wrong(unit, "hourly", "is missing");
    TRY(offer.hourly, price_of(*hourly, unit, "hourly"));
    const Json* spot = json.find("spot_hourly");
    if (spot == nullptr) return offer;
    TRY(const Usd floor, price_of(*spot, unit, "spot_hourly"));
    offer.spot_hourly = floor;
    return offer;
}

}  // namespace

Result<OwnUnits> parse_units_file(std::string_view text) {
    if (text.size() > kUnitsFileBytesMax) return make_error(Errc::kInvalid, "a file of units has at most 1 MiB");
    TRY(const Json json, codec::parse_json(text));
    const Json* list = json.find("units");
    const codec::JsonArray* units = list == nullptr ? nullptr : list->get_array();
    const bool is_alone = json.get_object() != nullptr && json.get_object()->size() == 1;
    if (units == nullptr || !is_alone) {
        return make_error(Errc::kInvalid, "a file of units is an object with the one member \"units\", an array");
    }
    if (units->empty() || units->size() > kUnitsMax) {
        return make_error(Errc::kInvalid, fmt::format("{} units: 1 to {} may be offered", units->size(), kUnitsMax));
    }
    OwnUnits own;
    std::set<std::string> taken;
    for (std::size_t unit = 0; unit < units->size(); ++unit) {
        std::vector<std::string> gpus;
        TRY(UnitOffer offer, unit_of((*units)[unit], unit, &gpus));
        for (const std::string& gpu : gpus) {
            if (!taken.insert(gpu).second) return wrong(unit, "gpus", gpu + " stands in a unit already");
        }
        if (!gpus.empty()) own.gpus[offer.number] = std::move(gpus);
        own.offers.push_back(std::move(offer));
    }
    return own;
}

}  // namespace vcity::node
