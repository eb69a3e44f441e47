// SPDX-License-Identifier: Apache-2.0
#include "scaling/forecaster.hpp"

#include <algorithm>
#include <cmath>

#include "base/check.hpp"

namespace vcity::scaling {
namespace {

constexpr double kTiny = 1e-9;
constexpr std::size_t kWeek = 7;

double sane(double value) {
    return std::isfinite(value) && value > 0 ? value : 0;
}

}  // namespace

Forecaster::Forecaster(const ForecasterOptions& options) : options_{options} {
    CHECK(options.lead > 0 && (options.day == 0 || options.day > options.lead));
    errors_.fill(kTiny);
    weights_.fill(1.0 / kMembers);
}

// Of the step so many steps ago and its two neighbours.
double Forecaster::mean_around(std::size_t steps_ago) const {
    double sum = 0;
    double count = 0;
    const std::size_t oldest = history_.size() - 1;
    for (std::size_t ago = steps_ago == 0 ? 0 : steps_ago - 1; ago <= std::min(steps_ago + 1, oldest); ++ago) {
        sum += at(ago);
        count += 1;
    }
    return sum / count;
}

Forecaster::Opinions Forecaster::ask() const {
    Opinions opinions;
    opinions.fill(at(0));
    const std::size_t points = std::min(kLine, history_.size());
    if (points >= 3) {
        const double middle = static_cast<double>(points - 1) / 2;
        double sum = 0;
        double slope = 0;
        double square = 0;
        for (std::size_t i = 0; i < points; ++i) {
            const double x = static_cast<double>(i) - middle;
            sum += at(points - 1 - i);
            slope += x * at(points - 1 - i);
            square += x * x;
        }
        const double mean = sum / static_cast<double>(points);
        opinions[1] = sane(mean + slope / square * (middle + static_cast<double>(options_.lead)));
        opinions[2] = mean;
    }
    if (options_.day == 0) return opinions;
    for (const std::size_t days : {std::size_t{1}, kWeek}) {
        const std::size_t season = days * options_.day;
        if (season >= history_.size()) continue;
        const double then = mean_around(season);
        const double later = mean_around(season - options_.lead);
        const std::size_t first = days == 1 ? 3 : 5;
        opinions[first] = sane(at(0) + later - then);
        opinions[first + 1] = then > 0 ? sane(at(0) * later / then) : at(0);
    }
    return opinions;
}

void Forecaster::learn(double demand) {
    if (opinions_.size() < options_.lead) return;
    const Opinions old = opinions_.front();
    opinions_.pop_front();
    for (std::size_t i = 0; i < kMembers; ++i) {
        errors_[i] = errors_[i] * options_.memory + std::abs(old[i] - demand);
    }
    const double least = *std::ranges::min_element(errors_);
    double sum = 0;
    for (std::size_t i = 0; i < kMembers; ++i) {
        weights_[i] = std::pow(std::max(least, kTiny) / std::max(errors_[i], kTiny), options_.sharpness);
        sum += weights_[i];
    }
    for (double& weight : weights_) weight /= sum;

    const double error = std::abs(forecasts_.front() - demand);
    forecasts_.pop_front();
    const double memory = has_error_ ? options_.error_memory : 0;
    forecast_.error = memory * forecast_.error + (1 - memory) * error;
    has_error_ = true;
}

void Forecaster::observe(double demand) {
    demand = sane(demand);
    learn(demand);
    history_.push_back(demand);
    const std::size_t kept = options_.day == 0 ? kLine : kWeek * options_.day + 3;
    if (history_.size() > kept) history_.pop_front();
    const Opinions opinions = ask();
    opinions_.push_back(opinions);
    forecast_.demand = 0;
    for (std::size_t i = 0; i < kMembers; ++i) forecast_.demand += weights_[i] * opinions[i];
    forecasts_.push_back(forecast_.demand);
    // Until the first error is known the demand itself stands for it.
    if (!has_error_) forecast_.error = forecast_.demand;
}

}  // namespace vcity::scaling
