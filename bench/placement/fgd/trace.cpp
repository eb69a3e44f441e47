// SPDX-License-Identifier: Apache-2.0
#include "trace.hpp"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>
#include <numeric>
#include <sstream>
#include <string_view>

namespace vcity::bench {
namespace {

constexpr std::int64_t kWhole = 1000;

[[noreturn]] void fail(const std::string& message) {
    std::fprintf(stderr, "%s\n", message.c_str());
    std::exit(2);
}

std::ifstream open(const std::string& path) {
    std::ifstream file{path};
    if (!file) fail("cannot read " + path);
    return file;
}

std::vector<std::string> split(const std::string& line, char at) {
    std::vector<std::string> words;
    std::stringstream stream{line};
    std::string word;
    while (std::getline(stream, word, at)) words.push_back(word);
    return words;
}

std::int64_t number(const std::string& word, const std::string& path) {
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
    if (error != std::errc{} || end != word.data() + word.size() || value < 0) fail(path + ": not a number: " + word);
    return value;
}

// Rows as maps from column names, so that files with more or fewer columns read alike.
template <class Use>
void for_each_row(const std::string& path, Use use) {
    std::ifstream file = open(path);
    std::string line;
    std::vector<std::string> names;
    while (std::getline(file, line)) {
        if (!line.empty() && line.back() == '\r') line.pop_back();
        const std::vector<std::string> words = split(line, ',');
        if (names.empty()) {
            names = words;
            continue;
        }
        std::map<std::string, std::string> row;
        for (std::size_t at = 0; at < std::min(names.size(), words.size()); ++at) row[names[at]] = words[at];
        use(row);
    }
}

std::uint64_t models_of(const std::string& spec, const Cluster& cluster) {
    const std::uint64_t all = (std::uint64_t{1} << cluster.models.size()) - 1;
    if (spec.empty()) return all;
    std::uint64_t models = 0;
    for (const std::string& name : split(spec, '|')) {
        const auto known = std::ranges::find(cluster.models, name);
        if (known != cluster.models.end()) models |= std::uint64_t{1} << (known - cluster.models.begin());
    }
    return models;
}

}  // namespace

Cluster read_cluster(const std::string& path) {
    Cluster cluster;
    for_each_row(path, [&](auto& row) {
        Node node{number(row["cpu_milli"], path), number(row["memory_mib"], path),
                  static_cast<int>(number(row["gpu"], path)), 0};
        if (node.gpus > kGpus) fail(path + ": more than eight GPUs in a node");
        auto known = std::ranges::find(cluster.models, row["model"]);
        if (known == cluster.models.end()) known = cluster.models.insert(cluster.models.end(), row["model"]);
        node.model = static_cast<int>(known - cluster.models.begin());
        cluster.gpu_milli += node.gpus * kWhole;
        cluster.nodes.push_back(node);
    });
    if (cluster.nodes.empty() || cluster.models.size() > 63) fail(path + ": no nodes, or too many models");
    return cluster;
}

std::vector<Task> read_tasks(const std::string& path, const Cluster& cluster) {
    std::vector<Task> tasks;
    for_each_row(path, [&](auto& row) {
        Task task;
        task.cpu_milli = number(row["cpu_milli"], path);
        task.memory_mib = number(row["memory_mib"], path);
        task.gpus = static_cast<int>(number(row["num_gpu"], path));
        task.gpu_milli = task.gpus == 0 ? 0 : number(row["gpu_milli"], path);
        task.spec = row["gpu_spec"];
        task.models = models_of(task.spec, cluster);
        if (task.gpus > kGpus || task.gpu_milli > kWhole || (task.gpus > 1 && task.gpu_milli != kWhole)) {
            fail(path + ": a task of " + std::to_string(task.gpus) + " x " + std::to_string(task.gpu_milli));
        }
        tasks.push_back(std::move(task));
    });
    return tasks;
}

Order read_order(const std::string& path, std::size_t tasks, std::size_t nodes) {
    std::ifstream file = open(path);
    Order order;
    std::string line;
    while (std::getline(file, line)) {
        std::stringstream words{line};
        std::string what;
        words >> what;
        std::size_t value = 0;
        while (words >> value) {
            if (what == "pods") order.tasks.push_back(value);
            if (what == "nodeprio") order.node_priority.push_back(static_cast<std::uint32_t>(value));
        }
    }
    const bool is_known = std::ranges::all_of(order.tasks, [&](std::size_t task) { return task < tasks; });
    std::vector<std::uint32_t> sorted = order.node_priority;
    std::ranges::sort(sorted);
    bool is_order = sorted.size() == nodes;
    for (std::size_t at = 0; at < sorted.size(); ++at) is_order = is_order && sorted[at] == at;
    if (!is_known || !is_order) fail(path + ": does not belong to this workload and these nodes");
    return order;
}

std::int64_t Left::gpu_total() const {
    return std::accumulate(gpu_milli.begin(), gpu_milli.end(), std::int64_t{0});
}

bool fits(const Left& left, const Task& task) {
    if (left.cpu_milli < task.cpu_milli || left.memory_mib < task.memory_mib) return false;
    if (task.gpus == 0) return true;
    if ((task.models >> left.model & 1U) == 0) return false;
    const auto begin = left.gpu_milli.begin();
    return std::count_if(begin, begin + left.gpus, [&](auto milli) { return milli >= task.gpu_milli; }) >= task.gpus;
}

void take(Left* left, const Task& task, int gpu) {
    left->cpu_milli -= task.cpu_milli;
    left->memory_mib -= task.memory_mib;
    if (task.gpus == 1 && task.gpu_milli < kWhole) {
        left->gpu_milli[static_cast<std::size_t>(gpu)] -= task.gpu_milli;
        return;
    }
    int missing = task.gpus;
    for (std::int64_t& milli : left->gpu_milli) {
        if (missing == 0) break;
        if (milli != kWhole) continue;
        milli = 0;
        --missing;
    }
}

}  // namespace vcity::bench
