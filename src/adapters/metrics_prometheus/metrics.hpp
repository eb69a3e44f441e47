// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "ports/http.hpp"
#include "telemetry/metrics.hpp"

namespace vcity::adapters {

// Metrics in the form that Prometheus reads. Names are ours and must follow the house rules (CHECK): snake_case with
// the prefix "vcity_", and "_total" at the end of counters and of nothing else. A name has at most 200 sets of label
// values; what comes after that is counted together under the value "other", so that a mistake with labels cannot fill
// the memory.
class PrometheusMetrics final : public MetricRegistry {
  public:
    PrometheusMetrics();
    ~PrometheusMetrics() override;
    PrometheusMetrics(const PrometheusMetrics&) = delete;
    PrometheusMetrics& operator=(const PrometheusMetrics&) = delete;

    Counter* counter(std::string name, std::string help, MetricLabels labels = {}) override;
    Gauge* gauge(std::string name, std::string help, MetricLabels labels = {}) override;
    Histogram* histogram(std::string name,
                         std::string help,
                         std::vector<double> buckets,
                         MetricLabels labels = {}) override;

    // Everything, in the text format 0.0.4.
    std::string expose() const;

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

// Serves expose() at GET /metrics, and 404 elsewhere. For a port that only the operator can reach.
class MetricsHandler final : public ports::HttpHandler {
  public:
    explicit MetricsHandler(const PrometheusMetrics* metrics) : metrics_{metrics} {}

    Task<void> handle(ports::HttpRequest request, ports::HttpResponder* responder) override;

  private:
    const PrometheusMetrics* metrics_;
};

}  // namespace vcity::adapters
