// SPDX-License-Identifier: Apache-2.0
#include "placement/unit_test_world.hpp"
#include "placement/value_packing.hpp"

namespace vcity::placement {
namespace {

// The 1,213 GPU nodes of Alibaba's cluster-trace-gpu-v2023 (Weng et al., ATC'23), which come in fifteen shapes.
struct Shape {
    std::uint32_t count;
    std::uint8_t model;
    std::uint8_t gpus;
    std::uint32_t cpu_milli;
    std::uint32_t memory_mib;
};
constexpr Shape kShapes[] = {{2, 0, 1, 128000, 1048576}, {549, 1, 8, 96000, 393216},  {39, 2, 8, 128000, 786432},
                             {3, 3, 1, 8000, 61440},     {107, 3, 2, 16000, 122880},  {2, 3, 2, 8000, 61440},
                             {22, 3, 2, 64000, 262144},  {387, 4, 2, 104000, 524288}, {17, 4, 4, 96000, 393216},
                             {19, 5, 1, 8000, 32768},    {28, 5, 4, 32000, 131072},   {1, 5, 8, 82000, 344064},
                             {7, 5, 8, 64000, 262144},   {9, 6, 4, 48000, 376832},    {21, 6, 8, 96000, 786432}};

// Median round trips between twelve Azure regions, milliseconds, as published.
const std::vector<std::string> kRegions = {"Brazil South",       "Central India",  "East Asia",  "East US",
                                           "Germany North",      "Israel Central", "Japan East", "North Europe",
                                           "South Africa North", "Sweden Central", "UK South",   "West US 2"};
constexpr std::uint32_t kLatenciesMs[] = {
    0,   331, 321, 119, 194, 239, 271, 172, 319, 215, 180, 178, 329, 0,   89,  235, 136, 181, 128, 139, 205,
    202, 129, 221, 320, 90,  0,   216, 193, 224, 53,  196, 209, 225, 187, 151, 117, 234, 214, 0,   92,  137,
    163, 70,  217, 111, 78,  68,  194, 142, 194, 95,  0,   64,  240, 27,  170, 31,  21,  160, 239, 179, 224,
    139, 63,  0,   257, 78,  198, 94,  210, 212, 270, 126, 53,  164, 239, 257, 0,   232, 249, 277, 230, 100,
    171, 139, 196, 74,  27,  78,  233, 0,   170, 38,  13,  137, 319, 205, 209, 218, 169, 198, 249, 170, 0,
    197, 161, 277, 217, 204, 223, 113, 32,  95,  278, 34,  199, 0,   38,  184, 180, 129, 187, 79,  21,  210,
    231, 13,  161, 37,  0,   145, 177, 220, 152, 69,  159, 208, 100, 137, 278, 184, 145, 0};

Catalogue real_catalogue() {
    std::vector<GpuModel> models = {{"A10", 24576}, {"G2", 24576},      {"G3", 81920},     {"P100", 16384},
                                    {"T4", 16384},  {"V100M16", 16384}, {"V100M32", 32768}};
    std::vector<std::uint32_t> latencies;
    for (const std::uint32_t ms : kLatenciesMs) latencies.push_back(ms == 0 ? 500 : ms * 1000);
    return *Catalogue::make(std::move(models), kRegions, std::move(latencies));
}

UnitDemand real_demand(const Catalogue& catalogue, std::mt19937_64* random) {
    UnitDemand demand = random_demand(catalogue, random);
    // As the trace asks: mostly shares, some CPU each.
    if (demand.gpus == 1 && draw(random, 2) == 0)
        demand.gpu_milli = static_cast<std::uint16_t>(10 * (1 + draw(random, 99)));
    demand.cpu_milli = static_cast<std::uint32_t>(1000 * (1 + draw(random, 12)));
    return demand;
}

// The nodes of the trace spread over the regions, filled until they are busy, under the packing policy in use: every
// decision is the one of a full scan.
TEST(UnitIndexOnRealInputs, AgreesWithAFullScan) {
    std::mt19937_64 random{2023};
    const Catalogue catalogue = real_catalogue();
    PackingPlanner planner{{}, {50, 4000}};
    for (int demand = 0; demand < 100; ++demand) planner.mix().add(gpu_request(real_demand(catalogue, &random)));
    const auto policy = planner.plan({});
    UnitIndexOptions options;
    options.states_max = 2048;
    UnitIndex index{catalogue, policy.get(), options};
    PlainWorld world{&catalogue, policy.get()};
    std::uint32_t number = 0;
    for (const Shape& shape : kShapes) {
        for (std::uint32_t node = 0; node < shape.count; node += 16) {  // one in sixteen
            ExecutionUnit unit = random_unit(catalogue, number++, &random);
            unit.capacity = {shape.model,     unit.capacity.region, shape.gpus,
                             shape.cpu_milli, shape.memory_mib,     1U << 20};
            world.join(unit, *index.join(unit));
        }
    }
    int placed = 0;
    std::vector<Grant> grants;
    for (int step = 0; step < 600; ++step) {
        const UnitDemand demand = real_demand(catalogue, &random);
        const Result<Decision> decision = index.place(demand);
        if (!decision) continue;
        if (step % 4 == 0 || step > 450) {
            const PlainWorld::Best best = world.best(demand);
            ASSERT_EQ(decision->outcome == Outcome::kPlaced, best.unit != nullptr) << step;
            if (best.unit != nullptr) ASSERT_EQ(decision->grant.unit, best.unit->handle) << step;
        }
        if (decision->outcome != Outcome::kPlaced) continue;
        ++placed;
        world.apply(decision->grant, -1);
        grants.push_back(decision->grant);
        if (step % 3 != 0) continue;
        const std::size_t at = draw(&random, grants.size());
        ASSERT_TRUE(index.release(grants[at]));
        world.apply(grants[at], +1);
        grants.erase(grants.begin() + static_cast<std::ptrdiff_t>(at));
    }
    EXPECT_GT(placed, 200);
}

}  // namespace
}  // namespace vcity::placement
