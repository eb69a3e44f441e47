// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <deque>
#include <vector>

// Demand some steps ahead. Any unit; a step is the period between two observations.
namespace vcity::scaling {

struct Forecast {
    double demand = 0;  // expected, never negative
    double error = 0;   // smoothed absolute error of such forecasts, in the same unit
};

struct ForecasterOptions {
    std::size_t lead = 1;        // steps ahead: how long a replica takes to come up
    std::size_t day = 0;         // steps of a day; zero: no seasons
    double memory = 0.99;        // of the members' errors, per step
    double error_memory = 0.98;  // of Forecast::error, per step
    double sharpness = 12;       // weight of a member = (least error / its error)^sharpness
};

// A mixture of simple members, weighted by how well each did lately on this very series: the last value, a line through
// the last seven values, their mean, and the last value moved by the difference or by the ratio that the same hours
// showed a day and a week ago (three-step means). A season that does not repeat loses its weight and leaves the last
// value, which no single member beats on every trace; see docs/decisions/0031.
class Forecaster {
  public:
    explicit Forecaster(const ForecasterOptions& options);

    // What the last step brought. Negative or non-finite numbers count as zero.
    void observe(double demand);
    // For `lead` steps after the last observation; zero before the first.
    Forecast forecast() const { return forecast_; }

  private:
    static constexpr std::size_t kMembers = 7;
    static constexpr std::size_t kLine = 7;
    using Opinions = std::array<double, kMembers>;

    double at(std::size_t steps_ago) const { return history_[history_.size() - 1 - steps_ago]; }
    double mean_around(std::size_t steps_ago) const;
    Opinions ask() const;
    void learn(double demand);

    ForecasterOptions options_;
    std::deque<double> history_;  // at most a week and a bit
    std::deque<Opinions> opinions_;
    std::deque<double> forecasts_;
    Opinions errors_{};
    Opinions weights_{};
    Forecast forecast_;
    bool has_error_ = false;
};

}  // namespace vcity::scaling
