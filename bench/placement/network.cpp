// SPDX-License-Identifier: Apache-2.0
#include "network.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <string>

namespace vcity::bench {
namespace {

using placement::Interconnect;
using placement::UnitKind;

struct Model {
    const char* name;
    std::uint32_t vram_gib;
    std::uint32_t price_micro;  // typical ask per hour
    std::uint32_t share;        // of the units, in thousandths
    bool is_home;
};
// Sixteen models, common ones first, asks as on today's markets.
constexpr std::array<Model, 16> kModels = {{{"rtx3060", 12, 60'000, 150, true},
                                            {"rtx3070", 8, 70'000, 90, true},
                                            {"rtx3080", 10, 110'000, 90, true},
                                            {"rtx3090", 24, 170'000, 140, true},
                                            {"rtx4070", 12, 120'000, 70, true},
                                            {"rtx4080", 16, 200'000, 60, true},
                                            {"rtx4090", 24, 340'000, 130, true},
                                            {"rtx5090", 32, 560'000, 40, true},
                                            {"t4", 16, 120'000, 60, false},
                                            {"a10", 24, 350'000, 40, false},
                                            {"l4", 24, 360'000, 30, false},
                                            {"l40s", 48, 780'000, 25, false},
                                            {"a100-40", 40, 950'000, 25, false},
                                            {"a100-80", 80, 1'300'000, 20, false},
                                            {"h100", 80, 2'200'000, 20, false},
                                            {"h200", 141, 2'900'000, 10, false}}};

struct Shape {
    std::uint8_t gpus;
    std::uint16_t milli;
    std::uint32_t cpu_milli;
    std::uint32_t memory_gib;
    std::uint32_t share;
};
// What customers ask for: mostly shares and single GPUs, sometimes a whole machine, now and then no GPU at all.
constexpr std::array<Shape, 24> kShapes = {
    {{1, 100, 500, 2, 60},      {1, 150, 1000, 2, 40},     {1, 200, 1000, 4, 60},     {1, 250, 1000, 4, 60},
     {1, 300, 2000, 4, 40},     {1, 400, 2000, 6, 40},     {1, 500, 2000, 8, 90},     {1, 500, 4000, 8, 30},
     {1, 600, 2000, 8, 30},     {1, 700, 3000, 12, 30},    {1, 750, 4000, 12, 20},    {1, 800, 4000, 16, 20},
     {1, 1000, 2000, 8, 80},    {1, 1000, 4000, 16, 140},  {1, 1000, 6000, 24, 60},   {1, 1000, 8000, 32, 40},
     {2, 1000, 8000, 32, 50},   {2, 1000, 16000, 64, 20},  {3, 1000, 12000, 48, 10},  {4, 1000, 16000, 64, 30},
     {4, 1000, 32000, 128, 10}, {8, 1000, 32000, 128, 10}, {8, 1000, 64000, 256, 10}, {0, 0, 2000, 4, 5}}};

std::uint64_t draw(std::mt19937_64* random, std::uint64_t below) {
    return (*random)() % below;
}

double uniform(std::mt19937_64* random) {
    return static_cast<double>((*random)() >> 11U) * 0x1p-53;
}

template <class Table>
std::size_t pick(const Table& table, std::mt19937_64* random) {
    std::uint64_t total = 0;
    for (const auto& one : table) total += one.share;
    std::uint64_t at = draw(random, total);
    std::size_t index = 0;
    while (at >= table[index].share) at -= table[index++].share;
    return index;
}

std::uint8_t gpus_of(const Model& model, std::mt19937_64* random) {
    const std::uint64_t dice = draw(random, 100);
    if (model.is_home) return dice < 70 ? 1 : dice < 88 ? 2 : dice < 97 ? 4 : 8;
    return dice < 20 ? 1 : dice < 35 ? 2 : dice < 60 ? 4 : 8;
}

// A third each: one of four named mixes, anything between them, and a single goal with the others as tie-breakers.
placement::Weights weights(std::mt19937_64* random) {
    constexpr std::array<placement::Weights, 4> kNamed = {
        {{1, 1, 50, 20}, {4, 1, 50, 20}, {1, 4, 50, 20}, {1, 1, 500, 20}}};
    const std::uint64_t dice = draw(random, 3);
    if (dice == 0) return kNamed[draw(random, kNamed.size())];
    const auto log_uniform = [&](double low, double high) {
        return static_cast<std::uint32_t>(low * std::pow(high / low, uniform(random)));
    };
    placement::Weights mix{log_uniform(10, 100), log_uniform(10, 100), log_uniform(300, 5000), log_uniform(100, 1000)};
    if (dice == 2) {
        const std::uint64_t goal = draw(random, 3);
        if (goal == 0) mix.latency *= 20;
        if (goal == 1) mix.price *= 20;
        if (goal == 2) mix.quality *= 20;
    }
    return mix;
}

}  // namespace

Network::Network(std::vector<std::uint32_t> latencies_us) : latencies_us_{std::move(latencies_us)} {}

placement::Catalogue Network::catalogue() const {
    std::vector<placement::GpuModel> models;
    for (const Model& model : kModels) models.push_back({model.name, model.vram_gib * 1024});
    std::vector<std::string> regions;
    for (std::size_t region = 0; region < kRegions; ++region) regions.push_back("site" + std::to_string(region));
    return *placement::Catalogue::make(std::move(models), std::move(regions), latencies_us_);
}

placement::ExecutionUnit Network::unit(std::uint32_t number, std::mt19937_64* random) const {
    placement::ExecutionUnit unit;
    for (std::uint8_t& byte : unit.id.node.bytes) byte = static_cast<std::uint8_t>((*random)());
    unit.id.unit = number;
    const std::size_t model = pick(kModels, random);
    const Model& kind = kModels[model];
    unit.capacity.model = static_cast<std::uint8_t>(model);
    // Regions differ in size: the largest holds some ten times as many as the smallest.
    const double skew = uniform(random);
    unit.capacity.region = static_cast<std::uint8_t>(static_cast<double>(kRegions) * skew * std::sqrt(skew));
    unit.capacity.gpus = gpus_of(kind, random);
    const auto gpus = std::uint32_t{unit.capacity.gpus};
    unit.capacity.cpu_milli =
        gpus * (kind.is_home ? 6000U : 8000U) + 2000U * static_cast<std::uint32_t>(draw(random, 5));
    unit.capacity.memory_mib =
        gpus * 1024U * (kind.is_home ? 24U : 48U) + 8192U * static_cast<std::uint32_t>(draw(random, 4));
    unit.capacity.disk_mib = 1024U * (200U + static_cast<std::uint32_t>(draw(random, 4000)));
    const double spread = std::exp((uniform(random) + uniform(random) - 1.0) * 0.7);
    unit.terms.price_micro = static_cast<std::uint32_t>(kind.price_micro * spread);
    const double flaw = uniform(random);
    unit.terms.reputation_bp = static_cast<std::uint16_t>(10'000.0 - 6000.0 * flaw * flaw * flaw);
    unit.terms.kind = kind.is_home && draw(random, 20) != 0 ? UnitKind::kFlexible : UnitKind::kStable;
    const std::uint64_t dice = draw(random, 100);
    unit.terms.level = static_cast<std::uint8_t>(dice < 40 ? 0 : dice < 80 ? 1 : dice < 95 ? 2 : 3);
    unit.terms.interconnect = gpus == 1       ? Interconnect::kNone
                              : kind.is_home  ? Interconnect::kPcie
                              : dice % 2 == 0 ? Interconnect::kNvlink
                                              : Interconnect::kFabric;
    unit.terms.stake_vcai = gpus * static_cast<std::uint32_t>(1000 + draw(random, 9000));
    unit.terms.priority = static_cast<std::uint32_t>(draw(random, 1000));
    return unit;
}

placement::UnitDemand Network::demand(std::mt19937_64* random) const {
    placement::UnitDemand demand;
    const auto percent = [&](std::uint64_t chance) { return draw(random, 100) < chance; };
    const Shape& shape = kShapes[pick(kShapes, random)];
    demand.customer_region = static_cast<std::uint8_t>(draw(random, kRegions));
    demand.gpus = shape.gpus;
    demand.gpu_milli = shape.milli;
    demand.cpu_milli = shape.cpu_milli;
    demand.memory_mib = shape.memory_gib * 1024;
    demand.disk_mib = percent(50) ? 20 * 1024 : 100 * 1024;
    // Most name what will do: one model and those that are as good; others only say how much memory.
    std::size_t wanted = pick(kModels, random);
    // Who needs several GPUs goes where machines have them.
    while (shape.gpus > (kModels[wanted].is_home ? 1 : 8) && !percent(10)) wanted = pick(kModels, random);
    if (percent(70)) {
        demand.models = 1ULL << wanted;
        for (std::size_t other = wanted + 1; other < kModels.size() && other < wanted + 3; ++other) {
            if (percent(50)) demand.models |= 1ULL << other;
        }
    } else {
        demand.vram_mib = kModels[wanted].vram_gib * 1024;
        if (percent(20)) demand.models_denied = 1ULL << draw(random, kModels.size()) & ~(1ULL << wanted);
    }
    if (percent(40))
        demand.price_micro_max = static_cast<std::uint32_t>(kModels[wanted].price_micro * (0.9 + uniform(random)));
    if (percent(40)) demand.reputation_bp_min = static_cast<std::uint16_t>(5000 + 1000 * draw(random, 5));
    if (percent(30)) demand.level_min = percent(80) ? 1 : 2;
    if (percent(20)) demand.stake_vcai_min = 2000;
    if (percent(10)) demand.kinds = kind_bit(kModels[wanted].is_home ? UnitKind::kFlexible : UnitKind::kStable);
    if (demand.gpus > 1 && percent(50)) demand.interconnect_min = Interconnect::kPcie;
    if (percent(10)) demand.regions = (*random)() | (1ULL << demand.customer_region);
    demand.weights = weights(random);
    return demand;
}

}  // namespace vcity::bench
