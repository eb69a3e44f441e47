// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/time.hpp"
#include "model/request.hpp"
#include "telemetry/metrics.hpp"

namespace vcity::node {

// Model calls under the names and labels of vLLM's metrics, so that dashboards made for vLLM show a node. Times are of
// this process's monotonic clock, in seconds. A node has no queue of its own: what it takes runs.
class ModelMetrics {
  public:
    ModelMetrics(MetricRegistry* registry, std::string_view model);

    void set_running(std::size_t requests) { running_->set(static_cast<double>(requests)); }
    void on_first_token(Duration since_start) { first_token_->observe(seconds(since_start)); }
    void on_next_token(Duration since_last) { between_->observe(seconds(since_last)); }
    void on_end(const TokenUsage& usage, FinishReason reason, Duration since_start);

  private:
    static double seconds(Duration duration);

    MetricRegistry* registry_;
    std::string model_;
    Gauge* running_;
    Counter* prompt_tokens_;
    Counter* generation_tokens_;
    Histogram* first_token_;
    Histogram* between_;
    Histogram* end_to_end_;
};

// Follows one call.
class CallClock {
  public:
    CallClock(ModelMetrics* metrics, TimePoint start) : metrics_{metrics}, start_{start} {}

    void on_token(TimePoint now);
    void on_end(const TokenUsage& usage, FinishReason reason, TimePoint now) {
        metrics_->on_end(usage, reason, now - start_);
    }

  private:
    ModelMetrics* metrics_;
    TimePoint start_;
    std::optional<TimePoint> last_;
};

}  // namespace vcity::node
