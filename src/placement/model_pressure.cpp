// SPDX-License-Identifier: Apache-2.0
#include "placement/model_pressure.hpp"

#include <algorithm>
#include <map>
#include <vector>

namespace vcity::placement {
namespace {

constexpr int kRounds = 12;
constexpr double kLeastShare = 0.03;     // of the capacity: so much more demand is foreseen however little is free
constexpr double kSoft = 0.05;           // added to a pressure before it repels
constexpr double kLeastMilli = 1000;     // a model with less free counts as having one GPU
constexpr double kPressureGone = 9;      // where to start for a model with nothing free
constexpr double kPressureLeast = 1e-3;  // and for the others

struct Constrained {
    std::uint64_t models = 0;
    double milli = 0;
};

std::vector<Constrained> constrained_demand(std::span<const RequestMix::Shape> shapes, const PackingSupply& supply) {
    std::map<std::uint64_t, double> by_models;
    double total = 0;
    for (const RequestMix::Shape& shape : shapes) {
        const double milli =
            static_cast<double>(shape.count) * shape.request.gpus * static_cast<double>(shape.request.gpu_milli);
        total += milli;
        const std::uint64_t models = shape.request.models & supply.models;
        if (milli > 0 && models != supply.models) by_models[models] += milli;
    }
    const double coming = std::max(static_cast<double>(supply.free_gpu_milli_total()),
                                   kLeastShare * static_cast<double>(supply.gpu_milli));
    std::vector<Constrained> demand;
    for (const auto& [models, milli] : by_models) demand.push_back({models, milli / total * coming});
    return demand;
}

}  // namespace

std::array<double, kPackingModels> model_pressures(std::span<const RequestMix::Shape> shapes,
                                                   const PackingSupply& supply) {
    std::array<double, kPackingModels> pressures{};
    const std::vector<Constrained> demand = constrained_demand(shapes, supply);
    if (demand.empty()) return pressures;
    const auto free = [&](std::size_t model, double least) {
        return std::max(static_cast<double>(supply.free_gpu_milli[model]), least);
    };
    for (std::size_t model = 0; model < kPackingModels; ++model) {
        pressures[model] = supply.free_gpu_milli[model] > 0 ? kPressureLeast : kPressureGone;
    }
    for (int round = 0; round < kRounds; ++round) {
        std::array<double, kPackingModels> loads{};
        for (const Constrained& one : demand) {
            std::array<double, kPackingModels> pull{};
            double pulls = 0;
            for (std::size_t model = 0; model < kPackingModels; ++model) {
                if ((one.models >> model & 1U) == 0) continue;
                const double repelling = kSoft + pressures[model];
                pull[model] = free(model, 1) / (repelling * repelling);
                pulls += pull[model];
            }
            if (pulls <= 0) continue;
            for (std::size_t model = 0; model < kPackingModels; ++model)
                loads[model] += one.milli * pull[model] / pulls;
        }
        for (std::size_t model = 0; model < kPackingModels; ++model) {
            const double now = loads[model] / free(model, kLeastMilli);
            pressures[model] = round == 0 ? now : (pressures[model] + now) / 2;
        }
    }
    return pressures;
}

}  // namespace vcity::placement
