// SPDX-License-Identifier: Apache-2.0
#include "adapters/metrics_prometheus/metrics.hpp"

#include <gtest/gtest.h>

namespace vcity::adapters {
namespace {

bool contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

TEST(PrometheusMetrics, ExposesWhatWasCounted) {
    PrometheusMetrics metrics;

    metrics.counter("vcity_node_leases_total", "Leases taken.", {{"result", "done"}})->increment();
    metrics.counter("vcity_node_leases_total", "Leases taken.", {{"result", "failed"}})->add(2);
    metrics.gauge("vcity_node_slots", "Slots.")->set(4);
    auto* histogram = metrics.histogram("vcity_node_wait_seconds", "Wait.", {0.1, 1});
    histogram->observe(0.5);
    histogram->observe(3);

    const std::string text = metrics.expose();
    EXPECT_TRUE(
        contains(text, "# HELP vcity_node_leases_total Leases taken.\n# TYPE vcity_node_leases_total counter\n"));
    EXPECT_TRUE(contains(text, "vcity_node_leases_total{result=\"done\"} 1\n")) << text;
    EXPECT_TRUE(contains(text, "vcity_node_leases_total{result=\"failed\"} 2\n")) << text;
    EXPECT_TRUE(contains(text, "vcity_node_slots 4\n")) << text;
    EXPECT_TRUE(contains(text, "vcity_node_wait_seconds_bucket{le=\"1\"} 1\n")) << text;
    EXPECT_TRUE(contains(text, "vcity_node_wait_seconds_count 2\n")) << text;
}

TEST(PrometheusMetrics, GivesTheSameHandleForTheSameName) {
    PrometheusMetrics metrics;

    EXPECT_EQ(metrics.counter("vcity_a_total", "A."), metrics.counter("vcity_a_total", "A."));
    EXPECT_EQ(metrics.gauge("vcity_b", "B.", {{"x", "1"}}), metrics.gauge("vcity_b", "B.", {{"x", "1"}}));
    EXPECT_NE(metrics.gauge("vcity_b", "B.", {{"x", "1"}}), metrics.gauge("vcity_b", "B.", {{"x", "2"}}));
    EXPECT_EQ(metrics.histogram("vcity_c", "C.", {1, 2}), metrics.histogram("vcity_c", "C.", {1, 2}));
}

TEST(PrometheusMetrics, EscapesLabelValues) {
    PrometheusMetrics metrics;

    metrics.gauge("vcity_a", "A.", {{"x", "quote\" and\nline"}})->set(1);

    EXPECT_TRUE(contains(metrics.expose(), "vcity_a{x=\"quote\\\" and\\nline\"} 1\n")) << metrics.expose();
}

TEST(PrometheusMetrics, BoundsTheSetsOfLabelValues) {
    PrometheusMetrics metrics;

    for (int number = 0; number < 1000; ++number) {
        metrics.counter("vcity_a_total", "A.", {{"peer", std::to_string(number)}})->increment();
    }

    EXPECT_TRUE(contains(metrics.expose(), "vcity_a_total{peer=\"199\"} 1\n"));
    EXPECT_FALSE(contains(metrics.expose(), "vcity_a_total{peer=\"200\"} 1\n"));
    EXPECT_TRUE(contains(metrics.expose(), "vcity_a_total{peer=\"other\"} 800\n"));
}

TEST(PrometheusMetricsDeathTest, RefusesNamesAgainstTheRules) {
    PrometheusMetrics metrics;

    EXPECT_DEATH(metrics.counter("vcity_leases", "No suffix."), "kCounterSuffix");
    EXPECT_DEATH(metrics.gauge("vcity_leases_total", "Not a counter."), "kCounterSuffix");
    EXPECT_DEATH(metrics.gauge("leases", "No prefix."), "is_known_name");
    EXPECT_DEATH(metrics.gauge("vcity_Leases", "Upper case."), "is_known_name");
    EXPECT_DEATH(metrics.gauge("vcity_a", "Bad label.", {{"x y", "1"}}), "is_snake_case");
    EXPECT_DEATH(metrics.histogram("vcity_b", "Not ascending.", {2, 1}), "adjacent_find");
}

}  // namespace
}  // namespace vcity::adapters
