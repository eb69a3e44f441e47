// SPDX-License-Identifier: Apache-2.0
#include "peers.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <tuple>

namespace vcity::bench {
namespace {

constexpr std::int64_t kWhole = 1000;
constexpr std::int64_t kLeastCpu = 100;  // a task that asks for none counts as asking for this in scores

// Why a node cannot serve a typical task. Idle GPU is summed for each apart and the sums are added up in this order.
enum Lack { kBoth, kGpu, kNothing, kCpu, kCpuTaskFits, kCpuTaskDoesNot, kNoAccess, kLacks };

bool is_share(const Task& task) {
    return task.gpus == 1 && task.gpu_milli < kWhole;
}

Task scored(const Task& task) {
    Task as = task;
    as.cpu_milli = std::max(as.cpu_milli, task.cpu_milli == 0 ? kLeastCpu : 0);
    return as;
}

std::int64_t percent_of(double gain_milli) {
    return static_cast<std::int64_t>(1 / (1 + std::exp(-gain_milli / 1000)) * 100);
}

}  // namespace

Fgd::Fgd(std::span<const Task> tasks) {
    using Shape = std::tuple<std::int64_t, std::int64_t, int, std::string>;
    std::map<Shape, std::pair<std::int64_t, std::uint64_t>> counts;
    for (const Task& task : tasks) {
        auto& [count, models] = counts[{task.cpu_milli, task.gpu_milli, task.gpus, task.spec}];
        ++count;
        models = task.models;
    }
    std::vector<std::tuple<std::int64_t, Shape, std::uint64_t>> sorted;
    for (const auto& [shape, counted] : counts) sorted.emplace_back(counted.first, shape, counted.second);
    std::ranges::sort(sorted, std::greater{});
    const auto total = static_cast<double>(tasks.size());
    const double wanted = 95.0 * total / 100.0;
    double counted = 0;
    for (const auto& [count, shape, models] : sorted) {
        if (counted >= wanted) break;
        counted += static_cast<double>(count);
        const auto& [cpu, milli, gpus, spec] = shape;
        typical_.push_back({cpu, milli, gpus, models, static_cast<double>(count) / total});
    }
    if (typical_.size() == sorted.size()) return;
    for (Typical& one : typical_) one.frequency /= counted / total;
}

double Fgd::fragmentation(const Left& node) const {
    std::array<double, kLacks> idle{};
    const std::int64_t all = node.gpu_total();
    for (const Typical& task : typical_) {
        const bool has_cpu = node.cpu_milli >= task.cpu_milli;
        Lack lack = kNothing;
        std::int64_t too_small = 0;
        if (task.gpu_milli == 0) {
            lack = has_cpu ? kCpuTaskFits : kCpuTaskDoesNot;
        } else if ((task.models >> node.model & 1U) == 0) {
            lack = kNoAccess;
        } else {
            int fitting = 0;
            for (std::size_t gpu = 0; gpu < static_cast<std::size_t>(node.gpus); ++gpu) {
                if (node.gpu_milli[gpu] >= task.gpu_milli) {
                    ++fitting;
                } else {
                    too_small += node.gpu_milli[gpu];
                }
            }
            const bool has_gpu = fitting >= task.gpus;
            if (!has_cpu) lack = has_gpu ? kCpu : kBoth;
            if (has_cpu && !has_gpu) lack = kGpu;
        }
        if (lack == kNothing) {
            idle[kGpu] += task.frequency * static_cast<double>(too_small);
        } else {
            idle[lack] += task.frequency * static_cast<double>(all);
        }
    }
    double sum = 0;
    for (const Lack lack : {kBoth, kGpu, kCpu, kCpuTaskFits, kCpuTaskDoesNot, kNoAccess}) sum += idle[lack];
    return sum;
}

Scored Fgd::score(const Left& node, const Task& task) const {
    const Task asked = scored(task);
    const double before = fragmentation(node);
    const auto after = [&](int gpu) {
        Left left = node;
        take(&left, asked, gpu);
        return percent_of(before - fragmentation(left));
    };
    if (!is_share(task)) return {after(0), 0};
    Scored best{-1, 0};
    for (int gpu = 0; gpu < node.gpus; ++gpu) {
        if (node.gpu_milli[static_cast<std::size_t>(gpu)] < task.gpu_milli) continue;
        const std::int64_t here = after(gpu);
        if (here > best.score) best = {here, gpu};
    }
    return best;
}

Scored BestFit::score(const Left& node, const Task& task) const {
    const Task asked = scored(task);
    const double cpu = 0.5 * static_cast<double>(node.cpu_milli - asked.cpu_milli) / 128000.0;
    const double gpu = 0.5 * static_cast<double>(node.gpu_total() - asked.asked_milli()) / 8000.0;
    Scored result{static_cast<std::int64_t>(100.0 * (1 - (cpu + gpu))), 0};
    std::int64_t tightest = kWhole + 1;
    for (int at = 0; at < node.gpus; ++at) {
        const std::int64_t left = node.gpu_milli[static_cast<std::size_t>(at)];
        if (left < task.gpu_milli || left >= tightest) continue;
        tightest = left;
        result.gpu = at;
    }
    return result;
}

}  // namespace vcity::bench
