// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ctime>
#include <string>
#include <vector>

namespace vcity::verify::bench {

struct Figure {
    std::string name;
    double value = 0;
    std::string beside;  // what it stands next to: a target, or what others publish
};
using Figures = std::vector<Figure>;

// How much is run: the quick run fits into a minute.
struct Effort {
    bool full = false;
    int times(int quick, int whole) const { return full ? whole : quick; }
};

inline double processor_seconds() {
    timespec now{};
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

// Processor time of an audit and bytes of its opening, for shapes from the shipped model's to an 8B one's.
void measure_cost(const Effort& effort, Figures* out);
// Cheats and honest work before the real judge.
void measure_detection(const Effort& effort, Figures* out);
// z of honest products, and how it is distributed.
void measure_distribution(const Effort& effort, Figures* out);

}  // namespace vcity::verify::bench
