// SPDX-License-Identifier: Apache-2.0
// How a deployment sized by the forecaster fares against one sized by the last value, on one series of demand.
//
//   autoscaler_bench LEAD DAY HEADROOM < series
//
// The series has one number a line. The first half is for learning. Both hold a capacity for the step LEAD steps ahead:
// last value * (1 + HEADROOM), and forecast + m * error with m such that both pay for the same capacity in all. Prints
// the share of demand above capacity of both, their mean relative forecast errors, and m.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <vector>

#include "scaling/forecaster.hpp"

namespace vcity::scaling {
namespace {

struct Step {
    double demand = 0;
    double last = 0;
    Forecast forecast{};
};

struct Outcome {
    double missed = 0;
    double capacity = 0;
};

template <class Capacity>
Outcome hold(const std::vector<Step>& steps, Capacity capacity) {
    Outcome outcome;
    double demand = 0;
    for (const Step& step : steps) {
        const double held = std::max(0.0, capacity(step));
        outcome.missed += std::max(0.0, step.demand - held);
        outcome.capacity += held;
        demand += step.demand;
    }
    outcome.missed /= demand;
    return outcome;
}

int run(std::size_t lead, std::size_t day, double headroom) {
    std::vector<double> series;
    for (double value = 0; std::cin >> value;) series.push_back(value);
    Forecaster forecaster{{.lead = lead, .day = day}};
    std::vector<Step> steps;
    for (std::size_t now = 0; now + lead < series.size(); ++now) {
        forecaster.observe(series[now]);
        if (now + lead >= series.size() / 2) steps.push_back({series[now + lead], series[now], forecaster.forecast()});
    }
    const Outcome last = hold(steps, [&](const Step& step) { return step.last * (1 + headroom); });
    const auto ours = [&](double margin) {
        return hold(steps, [&](const Step& step) { return step.forecast.demand + margin * step.forecast.error; });
    };
    double low = -10;
    double high = 100;
    for (int i = 0; i < 100; ++i) {
        const double middle = (low + high) / 2;
        (ours(middle).capacity > last.capacity ? high : low) = middle;
    }
    double demand = 0;
    double last_error = 0;
    double error = 0;
    for (const Step& step : steps) {
        demand += step.demand;
        last_error += std::abs(step.last - step.demand);
        error += std::abs(step.forecast.demand - step.demand);
    }
    std::printf("%.6f %.6f %.6f %.6f %.3f\n", last.missed, ours(low).missed, last_error / demand, error / demand, low);
    return 0;
}

}  // namespace
}  // namespace vcity::scaling

int main(int argc, char** argv) {
    if (argc != 4) {
        std::fputs("usage: autoscaler_bench LEAD DAY HEADROOM < series\n", stderr);
        return 2;
    }
    return vcity::scaling::run(std::strtoul(argv[1], nullptr, 10), std::strtoul(argv[2], nullptr, 10),
                               std::strtod(argv[3], nullptr));
}
