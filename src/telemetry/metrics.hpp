// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace vcity {

// Handles of the Prometheus kinds. Names carry the unit and end in _total for counters; label values are bounded sets.
class Counter {
  public:
    virtual ~Counter() = default;
    virtual void add(double amount) = 0;
    void increment() { add(1); }
};

class Gauge {
  public:
    virtual ~Gauge() = default;
    virtual void set(double value) = 0;
};

class Histogram {
  public:
    virtual ~Histogram() = default;
    virtual void observe(double value) = 0;
};

using MetricLabels = std::vector<std::pair<std::string, std::string>>;

// Makes handles; owns them for its own life. Asking twice for the same name and labels gives the same handle.
class MetricRegistry {
  public:
    virtual ~MetricRegistry() = default;
    virtual Counter* counter(std::string name, std::string help, MetricLabels labels = {}) = 0;
    virtual Gauge* gauge(std::string name, std::string help, MetricLabels labels = {}) = 0;
    // Upper bounds of the buckets, ascending.
    virtual Histogram* histogram(std::string name,
                                 std::string help,
                                 std::vector<double> buckets,
                                 MetricLabels labels = {}) = 0;
};

// Keeps nothing: for tools and tests that do not look at metrics.
MetricRegistry& null_metrics();

}  // namespace vcity
