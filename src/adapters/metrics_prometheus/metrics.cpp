// SPDX-License-Identifier: Apache-2.0
#include "adapters/metrics_prometheus/metrics.hpp"

#include <algorithm>
#include <map>
#include <set>

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include "base/check.hpp"

namespace vcity::adapters {
namespace {

constexpr std::size_t kSeriesMax = 200;
constexpr std::string_view kPrefix = "vcity_";
constexpr std::string_view kVllmPrefix = "vllm:";
constexpr std::string_view kCounterSuffix = "_total";

bool is_snake_case(std::string_view name) {
    return !name.empty() && name.front() >= 'a' && name.front() <= 'z' && std::ranges::all_of(name, [](char letter) {
        return (letter >= 'a' && letter <= 'z') || (letter >= '0' && letter <= '9') || letter == '_';
    });
}

// Ours, or those of vLLM, which dashboards know.
bool is_known_name(std::string_view name) {
    const bool is_vllm = name.starts_with(kVllmPrefix);
    const std::string_view rest = is_vllm ? name.substr(kVllmPrefix.size()) : name;
    return is_snake_case(rest) && (is_vllm || name.starts_with(kPrefix));
}

class CounterHandle final : public Counter {
  public:
    explicit CounterHandle(prometheus::Counter* counter) : counter_{counter} {}
    void add(double amount) override {
        CHECK(amount >= 0);
        counter_->Increment(amount);
    }

  private:
    prometheus::Counter* counter_;
};

class GaugeHandle final : public Gauge {
  public:
    explicit GaugeHandle(prometheus::Gauge* gauge) : gauge_{gauge} {}
    void set(double value) override { gauge_->Set(value); }

  private:
    prometheus::Gauge* gauge_;
};

class HistogramHandle final : public Histogram {
  public:
    explicit HistogramHandle(prometheus::Histogram* histogram) : histogram_{histogram} {}
    void observe(double value) override { histogram_->Observe(value); }

  private:
    prometheus::Histogram* histogram_;
};

}  // namespace

struct PrometheusMetrics::Impl {
    template <class Handle>
    using Handles = std::map<std::pair<std::string, prometheus::Labels>, std::unique_ptr<Handle>>;

    // The labels as Prometheus wants them, or "other" for every value when the name has too many sets already.
    prometheus::Labels admit(const std::string& name, const MetricLabels& labels, bool is_counter) {
        CHECK(is_known_name(name));
        CHECK(name.ends_with(kCounterSuffix) == is_counter);
        prometheus::Labels admitted{labels.begin(), labels.end()};
        CHECK(admitted.size() == labels.size());
        for (const auto& label : admitted) CHECK(is_snake_case(label.first));
        auto& known = series[name];
        if (known.contains(admitted)) return admitted;
        if (known.size() >= kSeriesMax) {
            for (auto& label : admitted) label.second = "other";
        }
        known.insert(admitted);
        return admitted;
    }

    prometheus::Registry registry;
    std::map<std::string, std::set<prometheus::Labels>> series;
    Handles<CounterHandle> counters;
    Handles<GaugeHandle> gauges;
    Handles<HistogramHandle> histograms;
};

PrometheusMetrics::PrometheusMetrics() : impl_{std::make_unique<Impl>()} {}
PrometheusMetrics::~PrometheusMetrics() = default;

Counter* PrometheusMetrics::counter(std::string name, std::string help, MetricLabels labels) {
    const auto admitted = impl_->admit(name, labels, true);
    auto& handle = impl_->counters[{name, admitted}];
    if (!handle) {
        auto& family = prometheus::BuildCounter().Name(name).Help(help).Register(impl_->registry);
        handle = std::make_unique<CounterHandle>(&family.Add(admitted));
    }
    return handle.get();
}

Gauge* PrometheusMetrics::gauge(std::string name, std::string help, MetricLabels labels) {
    const auto admitted = impl_->admit(name, labels, false);
    auto& handle = impl_->gauges[{name, admitted}];
    if (!handle) {
        auto& family = prometheus::BuildGauge().Name(name).Help(help).Register(impl_->registry);
        handle = std::make_unique<GaugeHandle>(&family.Add(admitted));
    }
    return handle.get();
}

Histogram* PrometheusMetrics::histogram(std::string name,
                                        std::string help,
                                        std::vector<double> buckets,
                                        MetricLabels labels) {
    CHECK(std::ranges::adjacent_find(buckets, std::ranges::greater_equal{}) == buckets.end());
    const auto admitted = impl_->admit(name, labels, false);
    auto& handle = impl_->histograms[{name, admitted}];
    if (!handle) {
        auto& family = prometheus::BuildHistogram().Name(name).Help(help).Register(impl_->registry);
        handle = std::make_unique<HistogramHandle>(&family.Add(admitted, buckets));
    }
    return handle.get();
}

std::string PrometheusMetrics::expose() const {
    return prometheus::TextSerializer{}.Serialize(impl_->registry.Collect());
}

Task<void> MetricsHandler::handle(ports::HttpRequest request, ports::HttpResponder* responder) {
    ports::HttpResponse response;
    const bool is_known = request.target == "/metrics" || request.target.starts_with("/metrics?");
    if (!is_known) {
        response.status = 404;
    } else if (request.method != "GET" && request.method != "HEAD") {
        response.status = 405;
        response.headers.set("Allow", "GET, HEAD");
    } else {
        response.headers.set("Content-Type", "text/plain; version=0.0.4; charset=utf-8");
        response.body = metrics_->expose();
    }
    const auto sent = co_await responder->respond(std::move(response));
    // A scraper that has gone asks again later.
    static_cast<void>(sent);
}

}  // namespace vcity::adapters
