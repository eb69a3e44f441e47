// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace vcity::bench {

// The files of Alibaba's cluster-trace-gpu-v2023 as the FGD procedure uses them, unpacked: nodes.csv,
// pods-<workload>.csv and <workload>-<seed>.txt with the arrival order and the tie priority of the nodes.
struct Node {
    std::int64_t cpu_milli = 0;
    std::int64_t memory_mib = 0;
    int gpus = 0;
    int model = 0;  // index into Cluster::models
};

struct Cluster {
    std::vector<Node> nodes;
    std::vector<std::string> models;
    std::int64_t gpu_milli = 0;
};

struct Task {
    std::int64_t cpu_milli = 0;
    std::int64_t memory_mib = 0;
    int gpus = 0;
    std::int64_t gpu_milli = 0;  // of each GPU; zero without any
    std::string spec;            // as in the file: model names divided by '|', or empty
    std::uint64_t models = 0;    // bits of Cluster::models; all of them when spec is empty

    std::int64_t asked_milli() const { return gpus * gpu_milli; }
};

struct Order {
    std::vector<std::size_t> tasks;            // row numbers of the workload, in order of arrival
    std::vector<std::uint32_t> node_priority;  // [node]: the smallest wins ties
};

// Each ends the program with a message when the file is not as it should be.
Cluster read_cluster(const std::string& path);
std::vector<Task> read_tasks(const std::string& path, const Cluster& cluster);
Order read_order(const std::string& path, std::size_t tasks, std::size_t nodes);

// What a node has left.
inline constexpr int kGpus = 8;
struct Left {
    std::int64_t cpu_milli = 0;
    std::int64_t memory_mib = 0;
    std::array<std::int64_t, kGpus> gpu_milli{};  // by GPU number
    int gpus = 0;
    int model = 0;

    std::int64_t gpu_total() const;
};

bool fits(const Left& left, const Task& task);
// `gpu` is looked at for a share of one GPU only; whole GPUs are taken lowest number first.
void take(Left* left, const Task& task, int gpu);

}  // namespace vcity::bench
