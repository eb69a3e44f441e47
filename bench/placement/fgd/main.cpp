// SPDX-License-Identifier: Apache-2.0
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <functional>
#include <map>
#include <optional>
#include <sstream>

#include "procedure.hpp"

// placement_fgd FOLDER WORKLOAD:SEED... : the curves of each policy on unpacked traces, a JSON object a line.
// placement_fgd --parameters NAME=VALUE,... FOLDER WORKLOAD:SEED... : only ours, with these instead of the shipped
// ones.
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

using placement::PackingParameters;

// False: an unknown name, or no number.
bool set(PackingParameters* parameters, const std::string& name, const std::string& value) {
    const std::map<std::string, double PackingParameters::*> fields = {
        {"usable", &PackingParameters::usable},           {"stranded", &PackingParameters::stranded},
        {"power", &PackingParameters::stranded_power},    {"leftover", &PackingParameters::leftover},
        {"tau", &PackingParameters::tau_milli},           {"pressure", &PackingParameters::pressure},
        {"cpu_fit", &PackingParameters::cpu_fit},         {"scarce_from", &PackingParameters::scarce_from},
        {"scarce_need", &PackingParameters::scarce_need}, {"scarce_fit", &PackingParameters::scarce_fit},
    };
    const auto field = fields.find(name);
    if (field == fields.end()) return false;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), parameters->*field->second);
    return error == std::errc{} && end == value.data() + value.size();
}

std::optional<PackingParameters> parse(const std::string& words) {
    PackingParameters parameters;
    std::stringstream stream{words};
    std::string word;
    while (std::getline(stream, word, ',')) {
        const std::size_t equals = word.find('=');
        if (equals == std::string::npos || !set(&parameters, word.substr(0, equals), word.substr(equals + 1))) {
            return std::nullopt;
        }
    }
    return parameters;
}

void run_case(const std::string& folder,
              const Cluster& cluster,
              const std::string& workload,
              const std::string& seed,
              const std::optional<PackingParameters>& parameters) {
    const std::vector<Task> tasks = read_tasks(folder + "/pods-" + workload + ".csv", cluster);
    std::string path = folder;
    path.append("/").append(workload).append("-").append(seed).append(".txt");
    const Order order = read_order(path, tasks.size(), cluster.nodes.size());
    const auto show = [&](const char* policy, const std::function<Curve()>& run) {
        print(workload.c_str(), seed.c_str(), policy, run);
    };
    if (parameters) {
        show("ours", [&] { return run_ours(cluster, tasks, order, Learning::kRecord, *parameters); });
        return;
    }
    show("BestFit", [&] { return run_peer(cluster, tasks, order, BestFit{}); });
    show("FGD", [&] { return run_peer(cluster, tasks, order, Fgd{tasks}); });
    show("ours", [&] { return run_ours(cluster, tasks, order, Learning::kRecord); });
    show("ours, learning", [&] { return run_ours(cluster, tasks, order, Learning::kArrivals); });
}

}  // namespace
}  // namespace vcity::bench

int main(int count, char** words) {
    std::vector<std::string> rest{words + 1, words + count};
    std::optional<vcity::placement::PackingParameters> parameters;
    if (rest.size() > 1 && rest[0] == "--parameters") {
        parameters = vcity::bench::parse(rest[1]);
        if (!parameters) rest.clear();
        if (parameters) rest.erase(rest.begin(), rest.begin() + 2);
    }
    if (rest.size() < 2) {
        std::fprintf(stderr, "usage: placement_fgd [--parameters NAME=VALUE,...] FOLDER WORKLOAD:SEED...\n");
        return 2;
    }
    const std::string& folder = rest[0];
    const vcity::bench::Cluster cluster = vcity::bench::read_cluster(folder + "/nodes.csv");
    for (std::size_t at = 1; at < rest.size(); ++at) {
        const std::size_t colon = rest[at].find(':');
        if (colon == std::string::npos) return 2;
        vcity::bench::run_case(folder, cluster, rest[at].substr(0, colon), rest[at].substr(colon + 1), parameters);
    }
}
