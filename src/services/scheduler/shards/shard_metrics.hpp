// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "telemetry/metrics.hpp"

namespace vcity::scheduler {

// The registry of a process, for one of several shards: every series carries the shard's address.
class ShardMetrics final : public MetricRegistry {
  public:
    // shard: empty for a process with one shard, whose series carry no label.
    ShardMetrics(MetricRegistry* registry, std::string shard) : registry_{registry}, shard_{std::move(shard)} {}

    Counter* counter(std::string name, std::string help, MetricLabels labels) override {
        return registry_->counter(std::move(name), std::move(help), with_shard(std::move(labels)));
    }
    Gauge* gauge(std::string name, std::string help, MetricLabels labels) override {
        return registry_->gauge(std::move(name), std::move(help), with_shard(std::move(labels)));
    }
    Histogram* histogram(std::string name,
                         std::string help,
                         std::vector<double> buckets,
                         MetricLabels labels) override {
        return registry_->histogram(std::move(name), std::move(help), std::move(buckets),
                                    with_shard(std::move(labels)));
    }

  private:
    MetricLabels with_shard(MetricLabels labels) const {
        if (!shard_.empty()) labels.emplace_back("shard", shard_);
        return labels;
    }

    MetricRegistry* registry_;
    std::string shard_;
};

}  // namespace vcity::scheduler
