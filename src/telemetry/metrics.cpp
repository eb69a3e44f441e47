// SPDX-License-Identifier: Apache-2.0
#include "telemetry/metrics.hpp"

namespace vcity {
namespace {

class NullMetrics final : public MetricRegistry, public Counter, public Gauge, public Histogram {
  public:
    void add(double /*amount*/) override {}
    void set(double /*value*/) override {}
    void observe(double /*value*/) override {}
    Counter* counter(std::string /*name*/, std::string /*help*/, MetricLabels /*labels*/) override { return this; }
    Gauge* gauge(std::string /*name*/, std::string /*help*/, MetricLabels /*labels*/) override { return this; }
    Histogram* histogram(std::string /*name*/,
                         std::string /*help*/,
                         std::vector<double> /*buckets*/,
                         MetricLabels /*labels*/) override {
        return this;
    }
};

}  // namespace

MetricRegistry& null_metrics() {
    static NullMetrics metrics;
    return metrics;
}

}  // namespace vcity
