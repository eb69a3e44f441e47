// SPDX-License-Identifier: Apache-2.0
#include "services/node/model_metrics.hpp"

#include <vector>

namespace vcity::node {
namespace {

// vLLM's own bounds, so that its quantiles and ours are of one grain.
const std::vector<double>& first_token_bounds() {
    static const std::vector<double> bounds{0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5,
                                            0.75,  1,     2.5,  5,    7.5,  10,   20,   40,  80,   160};
    return bounds;
}
const std::vector<double>& between_bounds() {
    static const std::vector<double> bounds{0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 2.5, 5};
    return bounds;
}
const std::vector<double>& request_bounds() {
    static const std::vector<double> bounds{0.3, 0.5, 0.8, 1, 1.5, 2, 2.5, 5, 10, 15, 20, 30, 40, 50, 60, 120, 240};
    return bounds;
}

std::string_view reason_text(FinishReason reason) {
    switch (reason) {
        case FinishReason::kStop: return "stop";
        case FinishReason::kLength: return "length";
        case FinishReason::kCancelled: return "abort";
    }
    return "abort";
}

}  // namespace

ModelMetrics::ModelMetrics(MetricRegistry* registry, std::string_view model)
    : registry_{registry},
      model_{model},
      running_{registry->gauge("vllm:num_requests_running", "Requests that run now", {{"model_name", model_}})},
      prompt_tokens_{
          registry->counter("vllm:prompt_tokens_total", "Prompt tokens processed", {{"model_name", model_}})},
      generation_tokens_{
          registry->counter("vllm:generation_tokens_total", "Tokens generated", {{"model_name", model_}})},
      first_token_{registry->histogram("vllm:time_to_first_token_seconds",
                                       "From the start to the first token",
                                       first_token_bounds(),
                                       {{"model_name", model_}})},
      between_{registry->histogram("vllm:inter_token_latency_seconds",
                                   "From one piece of output to the next",
                                   between_bounds(),
                                   {{"model_name", model_}})},
      end_to_end_{registry->histogram("vllm:e2e_request_latency_seconds",
                                      "From the start to the end",
                                      request_bounds(),
                                      {{"model_name", model_}})} {}

double ModelMetrics::seconds(Duration duration) {
    return std::chrono::duration<double>(duration).count();
}

void ModelMetrics::on_end(const TokenUsage& usage, FinishReason reason, Duration since_start) {
    prompt_tokens_->add(static_cast<double>(usage.input));
    generation_tokens_->add(static_cast<double>(usage.output));
    end_to_end_->observe(seconds(since_start));
    registry_
        ->counter("vllm:request_success_total", "Requests that ended with a result",
                  {{"model_name", model_}, {"finished_reason", std::string{reason_text(reason)}}})
        ->increment();
}

void CallClock::on_token(TimePoint now) {
    if (last_) {
        metrics_->on_next_token(now - *last_);
    } else {
        metrics_->on_first_token(now - start_);
    }
    last_ = now;
}

}  // namespace vcity::node
