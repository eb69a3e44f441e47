// SPDX-License-Identifier: Apache-2.0
#include "services/node/model_metrics.hpp"

#include <map>

#include <gtest/gtest.h>

namespace vcity::node {
namespace {

using namespace std::chrono_literals;

class Sum final : public Counter, public Gauge, public Histogram {
  public:
    void add(double amount) override { total += amount; }
    void set(double value) override { total = value; }
    void observe(double value) override { total += value; }

    double total = 0;
};

class Recorder final : public MetricRegistry {
  public:
    Counter* counter(std::string name, std::string /*help*/, MetricLabels labels) override { return of(name, labels); }
    Gauge* gauge(std::string name, std::string /*help*/, MetricLabels labels) override { return of(name, labels); }
    Histogram* histogram(std::string name,
                         std::string /*help*/,
                         std::vector<double> /*buckets*/,
                         MetricLabels labels) override {
        return of(name, labels);
    }
    double value(const std::string& name) { return sums[name].total; }

    std::map<std::string, Sum> sums;

  private:
    Sum* of(std::string name, const MetricLabels& labels) {
        for (const auto& [label, text] : labels) name += "," + label + "=" + text;
        return &sums[name];
    }
};

TEST(ModelMetrics, a_call_is_told_under_the_names_of_vllm) {
    Recorder registry;
    ModelMetrics metrics{&registry, "vcity/test"};
    const TimePoint start{};
    CallClock clock{&metrics, start};
    clock.on_token(start + 500ms);
    clock.on_token(start + 750ms);
    clock.on_token(start + 1000ms);
    clock.on_end({.input = 7, .output = 3}, FinishReason::kLength, start + 1s);
    metrics.set_running(2);
    const std::string model = ",model_name=vcity/test";
    EXPECT_DOUBLE_EQ(registry.value("vllm:time_to_first_token_seconds" + model), 0.5);
    EXPECT_DOUBLE_EQ(registry.value("vllm:inter_token_latency_seconds" + model), 0.5);
    EXPECT_DOUBLE_EQ(registry.value("vllm:e2e_request_latency_seconds" + model), 1);
    EXPECT_DOUBLE_EQ(registry.value("vllm:prompt_tokens_total" + model), 7);
    EXPECT_DOUBLE_EQ(registry.value("vllm:generation_tokens_total" + model), 3);
    EXPECT_DOUBLE_EQ(registry.value("vllm:num_requests_running" + model), 2);
    EXPECT_DOUBLE_EQ(registry.value("vllm:request_success_total" + model + ",finished_reason=length"), 1);
}

}  // namespace
}  // namespace vcity::node
