// SPDX-License-Identifier: Apache-2.0
#include <cstdio>
#include <cstdlib>
#include <memory>

#include "placement/unit_index.hpp"
#include "placement/value_packing.hpp"
#include "procedure.hpp"

namespace vcity::bench {
namespace {

using placement::Catalogue;
using placement::ExecutionUnit;
using placement::GpuModel;
using placement::Outcome;
using placement::PackingPlanner;
using placement::PackingSupply;
using placement::UnitDemand;
using placement::UnitHandle;
using placement::UnitIndex;
using placement::UnitIndexOptions;
using placement::UnitRecord;
using placement::ValuePacking;

// A new policy at 0, 32, 64 and 128 arrivals and then after every 128.
constexpr std::size_t kFirstPlan = 32;
constexpr std::size_t kPlanEvery = 128;

std::size_t plan_after(std::size_t arrivals) {
    if (arrivals == 0) return kFirstPlan;
    return arrivals < kPlanEvery ? arrivals * 2 : arrivals + kPlanEvery;
}

template <class T>
T expect(Result<T> result) {
    if (result) return *std::move(result);
    std::fprintf(stderr, "%s\n", result.error().message.c_str());
    std::exit(1);
}

Catalogue catalogue_of(const Cluster& cluster) {
    std::vector<GpuModel> models;
    for (const std::string& name : cluster.models) models.push_back({name, 16 * 1024});
    return expect(Catalogue::make(std::move(models), {"cluster"}, {0}));
}

UnitDemand demand_of(const Task& task) {
    UnitDemand demand;
    demand.models = task.models;
    demand.gpus = static_cast<std::uint8_t>(task.gpus);
    demand.gpu_milli = static_cast<std::uint16_t>(task.gpu_milli);
    demand.cpu_milli = static_cast<std::uint32_t>(task.cpu_milli);
    demand.memory_mib = static_cast<std::uint32_t>(task.memory_mib);
    demand.weights.packing = 1;
    if (task.gpus == 0) demand.models = ~std::uint64_t{0};
    return demand;
}

void join(UnitIndex* index, const Cluster& cluster, const Order& order) {
    for (std::size_t number = 0; number < cluster.nodes.size(); ++number) {
        const Node& node = cluster.nodes[number];
        ExecutionUnit unit;
        unit.id.unit = static_cast<std::uint32_t>(number);
        unit.capacity.model = static_cast<std::uint8_t>(node.model);
        unit.capacity.gpus = static_cast<std::uint8_t>(node.gpus);
        unit.capacity.cpu_milli = static_cast<std::uint32_t>(node.cpu_milli);
        unit.capacity.memory_mib = static_cast<std::uint32_t>(node.memory_mib);
        unit.terms.priority = order.node_priority[number];
        expect(index->join(unit));
    }
}

PackingSupply supply_of(const UnitIndex& index) {
    PackingSupply supply;
    index.for_each([&](UnitHandle handle, const UnitRecord& record) {
        supply.add(ordered_state(record).state, index.unit(handle).capacity.cpu_milli);
    });
    return supply;
}

}  // namespace

Curve run_ours(const Cluster& cluster,
               std::span<const Task> tasks,
               const Order& order,
               Learning learning,
               const placement::PackingParameters& parameters) {
    PackingPlanner planner{parameters};
    if (learning == Learning::kRecord) {
        for (const Task& task : tasks) planner.mix().add(gpu_request(demand_of(task)));
    }
    std::unique_ptr<ValuePacking> policy = planner.plan(PackingSupply{});
    UnitIndexOptions options;
    options.request_classes = 255;
    UnitIndex index{catalogue_of(cluster), policy.get(), options};
    join(&index, cluster, order);

    Curve curve{cluster.gpu_milli};
    std::size_t arrivals = 0;
    std::size_t next_plan = 0;
    for (const std::size_t row : order.tasks) {
        if (arrivals == next_plan) {
            next_plan = plan_after(arrivals);
            std::unique_ptr<ValuePacking> fresh = planner.plan(supply_of(index));
            index.replace_policy(fresh.get());
            policy = std::move(fresh);
        }
        ++arrivals;
        const UnitDemand demand = demand_of(tasks[row]);
        if (learning == Learning::kArrivals) planner.mix().add(gpu_request(demand));
        // A task for models that the cluster does not have is dropped like any other that does not fit.
        const bool is_placed = demand.models != 0 && expect(index.place(demand)).outcome == Outcome::kPlaced;
        curve.arrived(tasks[row], is_placed);
    }
    return curve;
}

}  // namespace vcity::bench
