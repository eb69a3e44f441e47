// SPDX-License-Identifier: Apache-2.0
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <functional>

#include "procedure.hpp"

// placement_fgd FOLDER WORKLOAD:SEED... : the curves of each policy on unpacked traces, a JSON object a line.
namespace vcity::bench {
namespace {

void print(const char* workload, const char* seed, const char* policy, const std::function<Curve()>& run) {
    const auto start = std::chrono::steady_clock::now();
    const Curve curve = run();
    const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
    std::printf(R"({"workload": "%s", "seed": %s, "policy": "%s", "seconds": %.3f, "curve": [)", workload, seed, policy,
                taken.count());
    for (std::size_t k = 0; k < Curve::kPoints; ++k) {
        if (std::isnan(curve.at(k))) {
            std::printf("%snull", k == 0 ? "" : ", ");
        } else {
            std::printf("%s%.6f", k == 0 ? "" : ", ", curve.at(k));
        }
    }
    std::printf("]}\n");
    std::fflush(stdout);
}

void run_case(const std::string& folder, const Cluster& cluster, const std::string& workload, const std::string& seed) {
    const std::vector<Task> tasks = read_tasks(folder + "/pods-" + workload + ".csv", cluster);
    std::string path = folder;
    path.append("/").append(workload).append("-").append(seed).append(".txt");
    const Order order = read_order(path, tasks.size(), cluster.nodes.size());
    const auto show = [&](const char* policy, const std::function<Curve()>& run) {
        print(workload.c_str(), seed.c_str(), policy, run);
    };
    show("BestFit", [&] { return run_peer(cluster, tasks, order, BestFit{}); });
    show("FGD", [&] { return run_peer(cluster, tasks, order, Fgd{tasks}); });
    show("ours", [&] { return run_ours(cluster, tasks, order, Learning::kRecord); });
    show("ours, learning", [&] { return run_ours(cluster, tasks, order, Learning::kArrivals); });
}

}  // namespace
}  // namespace vcity::bench

int main(int count, char** words) {
    if (count < 3) {
        std::fprintf(stderr, "usage: placement_fgd FOLDER WORKLOAD:SEED...\n");
        return 2;
    }
    const std::string folder = words[1];
    const vcity::bench::Cluster cluster = vcity::bench::read_cluster(folder + "/nodes.csv");
    for (int at = 2; at < count; ++at) {
        const std::string name = words[at];
        const std::size_t colon = name.find(':');
        if (colon == std::string::npos) return 2;
        vcity::bench::run_case(folder, cluster, name.substr(0, colon), name.substr(colon + 1));
    }
}
