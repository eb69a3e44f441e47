// SPDX-License-Identifier: Apache-2.0
#include <cstdio>
#include <cstring>

#include "figures.hpp"

namespace {

void print_json(const vcity::verify::bench::Figures& figures) {
    std::puts("{");
    for (std::size_t i = 0; i < figures.size(); ++i) {
        std::printf("  \"%s\": %.6g%s\n", figures[i].name.c_str(), figures[i].value,
                    i + 1 == figures.size() ? "" : ",");
    }
    std::puts("}");
}

void print_table(const vcity::verify::bench::Figures& figures) {
    for (const auto& figure : figures) {
        std::printf("%-36s %14.6g   %s\n", figure.name.c_str(), figure.value, figure.beside.c_str());
    }
}

}  // namespace

int main(int argc, char** argv) {
    vcity::verify::bench::Effort effort;
    bool json = false;
    const char* only = nullptr;  // one part, for work on it
    for (int i = 1; i < argc; ++i) {
        effort.full = effort.full || std::strcmp(argv[i], "--full") == 0;
        if (std::strncmp(argv[i], "--only=", 7) == 0) only = argv[i] + 7;
        json = json || std::strcmp(argv[i], "--json") == 0;
    }
    vcity::verify::bench::Figures figures;
    const auto wanted = [&](const char* part) { return only == nullptr || std::strcmp(only, part) == 0; };
    if (wanted("cost")) vcity::verify::bench::measure_cost(effort, &figures);
    if (wanted("distribution")) vcity::verify::bench::measure_distribution(effort, &figures);
    if (wanted("detection")) vcity::verify::bench::measure_detection(effort, &figures);
    (json ? print_json : print_table)(figures);
    return 0;
}
