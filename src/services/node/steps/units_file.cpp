// SPDX-License-Identifier: Apache-2.0
#include "services/node/steps/units_file.hpp"

#include <algorithm>
#include <array>

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
    constexpr std::array<std::string_view, 5> kNames{"cpu_milli", "memory_mib", "disk_mib", "hourly", "spot_hourly"};
    const codec::JsonObject* members = json.get_object();
    if (members == nullptr) return make_error(Errc::kInvalid, fmt::format("units[{}]: must be an object", unit));
    for (const auto& [name, value] : *members) {
        if (name == "gpus" || name == "gpu_model" || name == "vram_mib") {
            return wrong(unit, name, "the sandbox of this node cannot pass a GPU on");
        }
        if (std::ranges::find(kNames, name) == kNames.end()) return wrong(unit, name, "is not known");
    }
    return {};
}

Result<UnitOffer> unit_of(const Json& json, std::size_t unit) {
    TRY_OK(check_names(json, unit));
    UnitOffer offer;
    offer.number = static_cast<std::uint32_t>(unit);
    TRY(offer.cpu_milli, number_of(json, unit, "cpu_milli", {1, kCpuMilliMax}));
    TRY(offer.memory_mib, number_of(json, unit, "memory_mib", {1, kMemoryMibMax}));
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

Result<std::vector<UnitOffer>> parse_units_file(std::string_view text) {
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
    std::vector<UnitOffer> offers;
    for (std::size_t unit = 0; unit < units->size(); ++unit) {
        TRY(UnitOffer offer, unit_of((*units)[unit], unit));
        offers.push_back(std::move(offer));
    }
    return offers;
}

}  // namespace vcity::node
