// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/work/offer_search.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <numeric>
#include <utility>

#include "codec/hex.hpp"
#include "services/gateway/work/spec_reader.hpp"

namespace vcity::gateway {
namespace {

using search::Field;
using search::FieldType;
using search::Value;
using Entry = OfferedUnit;

constexpr double kMicro = 1e6;
constexpr double kMibPerGib = 1024;
constexpr double kPerMille = 1000;
constexpr double kBasisPoints = 10'000;

double parts_of(const UnitOffer& offer) {
    return offer.gpus > 0 ? offer.gpus : offer.cpu_milli / kPerMille;
}

double dollars(Usd amount) {
    return static_cast<double>(amount.micro) / kMicro;
}

double gib(std::uint64_t mib) {
    return static_cast<double>(mib) / kMibPerGib;
}

// What only a unit with GPUs has.
Value of_gpus(const UnitOffer& offer, double value) {
    return offer.gpus > 0 ? Value{value} : Value{};
}

struct Column {
    Field field;
    Value (*read)(const Entry& entry);
};

constexpr std::array kColumns = {
    Column{{"num_gpus", FieldType::kNumber, "GPUs of the unit"},
           [](const Entry& entry) { return Value{static_cast<double>(entry.offer.gpus)}; }},
    Column{{"gpu_name", FieldType::kText, "model of the GPUs; unknown without GPUs"},
           [](const Entry& entry) { return entry.offer.gpus > 0 ? Value{entry.offer.gpu_model} : Value{}; }},
    Column{{"gpu_ram", FieldType::kNumber, "memory of each GPU, GiB"},
           [](const Entry& entry) { return of_gpus(entry.offer, gib(entry.offer.vram_mib)); }},
    Column{{"gpu_total_ram", FieldType::kNumber, "memory of all GPUs of the unit, GiB"},
           [](const Entry& entry) {
               return of_gpus(entry.offer, gib(std::uint64_t{entry.offer.vram_mib} * entry.offer.gpus));
           }},
    Column{{"gpus_free", FieldType::kNumber, "GPUs that nobody uses now"},
           [](const Entry& entry) { return Value{static_cast<double>(entry.gpus_free)}; }},
    Column{{"interconnect", FieldType::kText, "between the GPUs: none, pcie, nvlink or fabric"},
           [](const Entry& entry) { return Value{std::string{to_string(entry.offer.interconnect)}}; }},
    Column{{"cpu_cores", FieldType::kNumber, "cores of the unit"},
           [](const Entry& entry) { return Value{entry.offer.cpu_milli / kPerMille}; }},
    Column{{"cpu_cores_free", FieldType::kNumber, "cores that nobody uses now"},
           [](const Entry& entry) { return Value{entry.cpu_milli_free / kPerMille}; }},
    Column{{"cpu_ram", FieldType::kNumber, "main memory, GiB"},
           [](const Entry& entry) { return Value{gib(entry.offer.memory_mib)}; }},
    Column{{"disk_space", FieldType::kNumber, "working space, GiB"},
           [](const Entry& entry) { return Value{gib(entry.offer.disk_mib)}; }},
    Column{{"dph", FieldType::kNumber, "dollars per hour of the whole unit"},
           [](const Entry& entry) { return Value{dollars(entry.offer.hourly) * parts_of(entry.offer)}; }},
    Column{{"dph_each", FieldType::kNumber, "dollars per hour of one GPU, or of one core of a unit without GPUs"},
           [](const Entry& entry) { return Value{dollars(entry.offer.hourly)}; }},
    Column{{"min_bid", FieldType::kNumber, "least dollars per hour of the whole unit for best-effort work"},
           [](const Entry& entry) {
               if (!entry.offer.spot_hourly) return Value{};
               return Value{dollars(*entry.offer.spot_hourly) * parts_of(entry.offer)};
           }},
    Column{{"kind", FieldType::kText, "stable (there for long) or flexible (idle machines)"},
           [](const Entry& entry) { return Value{std::string{to_string(entry.kind)}}; }},
    Column{{"geolocation", FieldType::kText, "region that the node names"},
           [](const Entry& entry) { return entry.region.empty() ? Value{} : Value{entry.region}; }},
    Column{{"reliability", FieldType::kNumber, "reputation of the node, 0 to 1"},
           [](const Entry& entry) { return Value{entry.reputation_bp / kBasisPoints}; }},
    Column{{"verification", FieldType::kNumber, "level of verification of the node, 0 to 3"},
           [](const Entry& entry) { return Value{static_cast<double>(entry.level)}; }},
    Column{{"verified", FieldType::kFlag, "whether the level of verification is 1 at least"},
           [](const Entry& entry) { return Value{entry.level > 0}; }},
    Column{{"stake", FieldType::kNumber, "stake of the node, whole VCAI"},
           [](const Entry& entry) { return Value{static_cast<double>(entry.stake_vcai)}; }},
    Column{{"rentable", FieldType::kFlag, "whether some of it is free now"},
           [](const Entry& entry) {
               return Value{entry.offer.gpus > 0 ? entry.gpus_free > 0 : entry.cpu_milli_free > 0};
           }},
    Column{{"node", FieldType::kText, "address of the node"},
           [](const Entry& entry) { return Value{codec::to_hex(entry.node)}; }},
    Column{{"scheduler", FieldType::kText, "address of the scheduler that leases it"},
           [](const Entry& entry) { return Value{codec::to_hex(entry.scheduler)}; }},
    Column{{"unit", FieldType::kNumber, "number of the node's unit"},
           [](const Entry& entry) { return Value{static_cast<double>(entry.offer.number)}; }},
};

constexpr std::array kFields = [] {
    std::array<Field, kColumns.size()> fields{};
    for (std::size_t at = 0; at < fields.size(); ++at) fields[at] = kColumns[at].field;
    return fields;
}();

codec::Json to_json(const Value& value) {
    if (const auto* number = std::get_if<double>(&value)) return *number;
    if (const auto* flag = std::get_if<bool>(&value)) return *flag;
    if (const auto* text = std::get_if<std::string>(&value)) return *text;
    return {};
}

ApiError refusal(const char* parameter, const std::string& message) {
    return spec::refusal(ErrorCode::kInvalidValue, parameter, "'" + std::string{parameter} + "': " + message);
}

}  // namespace

std::span<const Field> offer_fields() {
    return kFields;
}

ApiResult<OfferSearch> parse_offer_search(std::string_view query, std::string_view order, std::string_view limit) {
    OfferSearch found;
    Result<search::Query> conditions = search::parse_query(kFields, query);
    if (!conditions) return refusal("q", conditions.error().message);
    found.query = *std::move(conditions);
    Result<search::Order> keys = search::parse_order(kFields, order.empty() ? "dph" : order);
    if (!keys) return refusal("order", keys.error().message);
    found.order = *std::move(keys);
    found.limit = kOffersDefault;
    if (limit.empty()) return found;
    const char* end = limit.data() + limit.size();
    const auto [stop, code] = std::from_chars(limit.data(), end, found.limit);
    if (code != std::errc{} || stop != end || found.limit < 1 || found.limit > kOffersMax) {
        return refusal("limit", "it must be a whole number from 1 to " + std::to_string(kOffersMax));
    }
    return found;
}

codec::Json offers_json(const std::vector<OfferedUnit>& units, const OfferSearch& search) {
    using Row = std::array<Value, kColumns.size()>;
    std::vector<Row> rows;
    for (const Entry& entry : units) {
        Row row;
        for (std::size_t at = 0; at < row.size(); ++at) row[at] = kColumns[at].read(entry);
        if (search::matches(search.query, row)) rows.push_back(std::move(row));
    }
    const auto total = static_cast<std::uint64_t>(rows.size());
    std::vector<std::size_t> order(rows.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    // Equal ones stay as they came, the cheapest first.
    std::ranges::sort(order, [&](std::size_t a, std::size_t b) {
        if (search::comes_before(search.order, rows[a], rows[b])) return true;
        return !search::comes_before(search.order, rows[b], rows[a]) && a < b;
    });
    order.resize(std::min(order.size(), search.limit));
    codec::JsonArray data;
    for (const std::size_t number : order) {
        codec::JsonObject object;
        for (std::size_t at = 0; at < kFields.size(); ++at) {
            object.emplace_back(std::string{kFields[at].name}, to_json(rows[number][at]));
        }
        data.emplace_back(std::move(object));
    }
    return codec::JsonObject{{"object", "list"}, {"data", std::move(data)}, {"total", total}};
}

}  // namespace vcity::gateway
