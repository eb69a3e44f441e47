// SPDX-License-Identifier: Apache-2.0
#include "procedure.hpp"

#include <cmath>
#include <limits>
#include <map>
#include <tuple>
#include <unordered_map>

namespace vcity::bench {
namespace {

constexpr std::int64_t kNotScored = std::numeric_limits<std::int64_t>::min();
constexpr std::int64_t kInfeasible = kNotScored + 1;

auto shape_of(const Task& task) {
    return std::tuple{task.cpu_milli, task.memory_mib, task.gpus, task.gpu_milli, task.models};
}

auto key_of(const Left& left) {
    return std::tuple{left.model, left.gpus, left.cpu_milli, left.memory_mib, left.gpu_milli};
}
using Key = decltype(key_of(Left{}));

struct KeyHash {
    std::size_t operator()(const Key& key) const {
        const auto& [model, gpus, cpu, memory, milli] = key;
        auto hash = static_cast<std::uint64_t>(model * 16 + gpus);
        const auto mix = [&](std::int64_t word) {
            hash = (hash ^ static_cast<std::uint64_t>(word)) * 0x9e3779b97f4a7c15ULL;
            hash ^= hash >> 29;
        };
        mix(cpu);
        mix(memory);
        for (const std::int64_t one : milli) mix(one);
        return hash;
    }
};

// Nodes in equal states have equal scores, so each (state, shape of task) is scored once.
class Scores {
  public:
    Scores(const Peer& peer, std::span<const Task> tasks) : peer_{peer} {
        std::map<decltype(shape_of(Task{})), std::size_t> shapes;
        for (const Task& task : tasks) {
            shapes_.push_back(shapes.emplace(shape_of(task), shapes.size()).first->second);
        }
        kept_.resize(shapes.size());
    }

    std::size_t intern(const Left& left) {
        const auto [at, is_new] = ids_.emplace(key_of(left), states_.size());
        if (is_new) states_.push_back(left);
        return at->second;
    }
    const Left& state(std::size_t id) const { return states_[id]; }

    Scored of(std::size_t id, std::size_t row, const Task& task) {
        std::vector<Scored>& kept = kept_[shapes_[row]];
        if (kept.size() <= id) kept.resize(states_.size() + 64, Scored{kNotScored, 0});
        Scored& scored = kept[id];
        if (scored.score == kNotScored) {
            scored = fits(states_[id], task) ? peer_.score(states_[id], task) : Scored{kInfeasible, 0};
        }
        return scored;
    }

  private:
    const Peer& peer_;
    std::vector<std::size_t> shapes_;  // [row]
    std::vector<Left> states_;
    std::unordered_map<Key, std::size_t, KeyHash> ids_;
    std::vector<std::vector<Scored>> kept_;  // [shape][state]
};

struct Range {
    std::int64_t least = std::numeric_limits<std::int64_t>::max();
    std::int64_t most = std::numeric_limits<std::int64_t>::min();

    std::int64_t spread(std::int64_t score) const { return most == least ? 0 : (score - least) * 100 / (most - least); }
};

}  // namespace

void Curve::arrived(const Task& task, bool is_placed) {
    requested_milli_ += task.asked_milli();
    if (is_placed) allocated_milli_ += task.asked_milli();
    const double per_cent = static_cast<double>(capacity_milli_) / 100.0;
    const auto k = static_cast<std::size_t>(std::nearbyint(static_cast<double>(requested_milli_) / per_cent));
    if (k >= kPoints) return;
    sums_[k] += std::round(static_cast<double>(allocated_milli_) / per_cent * 100) / 100;
    ++counts_[k];
}

double Curve::at(std::size_t k) const {
    return counts_[k] == 0 ? std::numeric_limits<double>::quiet_NaN() : sums_[k] / counts_[k];
}

Curve run_peer(const Cluster& cluster, std::span<const Task> tasks, const Order& order, const Peer& peer) {
    Scores scores{peer, tasks};
    std::vector<std::size_t> by_priority(cluster.nodes.size());  // state of the node with each priority
    for (std::size_t index = 0; index < cluster.nodes.size(); ++index) {
        const Node& node = cluster.nodes[index];
        Left left{node.cpu_milli, node.memory_mib, {}, node.gpus, node.model};
        for (std::size_t gpu = 0; gpu < static_cast<std::size_t>(node.gpus); ++gpu) left.gpu_milli[gpu] = 1000;
        by_priority[order.node_priority[index]] = scores.intern(left);
    }
    Curve curve{cluster.gpu_milli};
    for (const std::size_t row : order.tasks) {
        const Task& task = tasks[row];
        Range range;
        for (const std::size_t id : by_priority) {
            const std::int64_t score = scores.of(id, row, task).score;
            if (score == kInfeasible) continue;
            range.least = std::min(range.least, score);
            range.most = std::max(range.most, score);
        }
        std::size_t* best = nullptr;
        std::int64_t best_score = kInfeasible;
        for (std::size_t& id : by_priority) {
            std::int64_t score = scores.of(id, row, task).score;
            if (score != kInfeasible && peer.normalises()) score = range.spread(score);
            if (score <= best_score) continue;
            best_score = score;
            best = &id;
        }
        if (best != nullptr) {
            Left left = scores.state(*best);
            take(&left, task, scores.of(*best, row, task).gpu);
            *best = scores.intern(left);
        }
        curve.arrived(task, best != nullptr);
    }
    return curve;
}

}  // namespace vcity::bench
