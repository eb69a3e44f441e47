// SPDX-License-Identifier: Apache-2.0
#include "verify/blackbox/evidence.hpp"

#include <algorithm>
#include <cmath>

#include "base/check.hpp"

namespace vcity::verify {
namespace {

// ln of the mean of exp(logs), without overflow.
double log_mean(std::span<const double> logs) {
    const double most = *std::ranges::max_element(logs);
    double sum = 0;
    for (const double log : logs) sum += std::exp(log - most);
    return most + std::log(sum / static_cast<double>(logs.size()));
}

double clamp_logprob(double logprob) {
    return std::clamp(logprob, kLogprobFloor, 0.0);
}

bool is_logprob(double value) {
    constexpr double kRounding = 1e-3;
    return value <= kRounding;  // not NaN; minus infinity is one
}

double distance(const LogprobPair& pair) {
    return std::abs(clamp_logprob(pair.claimed) - clamp_logprob(pair.reference));
}

Result<double> difference_of(const BlackboxToken& token) {
    if (token.alternatives.size() > kAlternativesMax) return make_error(Errc::kInvalid, "too many alternatives");
    bool is_good = is_logprob(token.emitted.claimed) && is_logprob(token.emitted.reference);
    double sum = distance(token.emitted);
    for (const LogprobPair& pair : token.alternatives) {
        is_good = is_good && is_logprob(pair.claimed) && is_logprob(pair.reference);
        sum += distance(pair);
    }
    if (!is_good) return make_error(Errc::kInvalid, "a log probability is not one");
    return sum / static_cast<double>(token.alternatives.size() + 1);
}

}  // namespace

Result<BlackboxScore> score_request(std::span<const BlackboxToken> tokens) {
    constexpr std::size_t kTokensMax = 1U << 20U;
    if (tokens.empty() || tokens.size() > kTokensMax) return make_error(Errc::kInvalid, "no tokens, or too many");
    BlackboxScore score;
    for (const BlackboxToken& token : tokens) {
        TRY(const double difference, difference_of(token));
        if (!(token.margin >= 0)) return make_error(Errc::kInvalid, "a margin is below zero");
        score.difference += difference;
        score.margin += std::min(token.margin, -kLogprobFloor);
    }
    score.difference /= static_cast<double>(tokens.size());
    score.margin /= static_cast<double>(tokens.size());
    score.tokens = static_cast<std::uint32_t>(tokens.size());
    return score;
}

ConformalProcess::ConformalProcess(std::vector<double> calibration) : sorted_{std::move(calibration)} {
    std::ranges::sort(sorted_);
}

void ConformalProcess::update(double score, double uniform) {
    const auto [first, last] = std::ranges::equal_range(sorted_, score);
    const auto above = static_cast<double>(sorted_.end() - last);
    const auto equal = static_cast<double>(last - first + 1);  // itself
    // (0, 1]: 1 - uniform is never zero.
    const double p = (above + (1 - uniform) * equal) / static_cast<double>(sorted_.size() + 1);
    const double log_p = std::log(p);
    sorted_.insert(last, score);
    for (std::size_t bet = 0; bet < kBets; ++bet) {
        const double kappa = (static_cast<double>(bet) + 0.5) / kBets;
        logs_[bet] += std::log(kappa) + (kappa - 1) * log_p;
    }
}

double ConformalProcess::log_value() const {
    return log_mean(logs_);
}

MeanProcess::MeanProcess(Hypothesis hypothesis, double mean, double cap)
    : hypothesis_{hypothesis}, mean_{mean}, cap_{cap} {
    CHECK(mean > 0 && mean < cap);
}

void MeanProcess::update(double score) {
    const double x = std::clamp(score, 0.0, cap_);
    // The largest stake at which the worst outcome (0, or the cap) leaves nothing.
    const bool is_upward = hypothesis_ == Hypothesis::kAtMost;
    const double edge = is_upward ? (x - mean_) / mean_ : (mean_ - x) / (cap_ - mean_);
    for (std::size_t bet = 0; bet < kBets; ++bet) {
        const double stake = (static_cast<double>(bet) + 0.5) / kBets;
        logs_[bet] += std::log1p(stake * edge);
    }
}

double MeanProcess::log_value() const {
    return log_mean(logs_);
}

BlackboxTest::Part BlackboxTest::make_part(const BlackboxOptions& options,
                                           double BlackboxScore::* score,
                                           double tolerance) {
    constexpr double kCapAbove = 32;
    constexpr double kCapBelow = 3;
    constexpr double kLeast = 1e-6;  // a sample without any difference would leave nothing to compare with
    std::vector<double> sample;
    double level = tolerance;
    if (!options.calibration.empty()) {
        double sum = 0;
        for (const BlackboxScore& honest : options.calibration) sample.push_back(honest.*score);
        for (const double value : sample) sum += value;
        level = std::max(kLeast, sum / static_cast<double>(sample.size()));
    }
    const double far = level * options.effect;
    Part part{{},
              {MeanProcess::Hypothesis::kAtMost, level, level * kCapAbove},
              {MeanProcess::Hypothesis::kAtLeast, far, far * kCapBelow}};
    if (!sample.empty()) part.conformal.emplace_back(std::move(sample));
    return part;
}

Result<BlackboxTest> BlackboxTest::make(const BlackboxOptions& options) {
    const auto is_probability = [](double value) { return value > 0 && value < 1; };
    if (!is_probability(options.alpha) || !is_probability(options.beta)) {
        return make_error(Errc::kInvalid, "alpha and beta are between zero and one");
    }
    if (!(options.effect > 1 && options.effect <= 1000)) {
        return make_error(Errc::kInvalid, "the effect is a factor above 1, at most 1000");
    }
    const BlackboxTolerance& tolerance = options.tolerance;
    if (!(tolerance.difference > 0 && tolerance.difference < 1 && tolerance.margin > 0 && tolerance.margin < 1)) {
        return make_error(Errc::kInvalid, "tolerances are between zero and one");
    }
    const std::size_t sample = options.calibration.size();
    if (sample != 0 && (sample < kCalibrationMin || sample > kCalibrationMax)) {
        return make_error(Errc::kInvalid, "a calibration sample has 20 to 100,000 requests");
    }
    for (const BlackboxScore& score : options.calibration) {
        const double most = -kLogprobFloor;
        const bool is_score =
            score.difference >= 0 && score.difference <= most && score.margin >= 0 && score.margin <= most;
        if (!is_score) return make_error(Errc::kInvalid, "a score of the calibration sample is out of range");
    }
    return BlackboxTest{options, make_part(options, &BlackboxScore::difference, tolerance.difference),
                        make_part(options, &BlackboxScore::margin, tolerance.margin)};
}

BlackboxTest::BlackboxTest(const BlackboxOptions& options, Part difference, Part margin)
    : log_alarm_{-std::log(options.alpha)},
      log_support_needed_{-std::log(options.beta)},
      difference_{std::move(difference)},
      margin_{std::move(margin)} {}

BlackboxDecision BlackboxTest::update(const BlackboxScore& score, const std::array<double, 2>& uniforms) {
    ++requests_;
    tokens_ += score.tokens;
    difference_sum_ += score.difference;
    margin_sum_ += score.margin;
    const auto feed = [](Part* part, double value, double uniform) {
        if (!part->conformal.empty()) part->conformal.front().update(value, uniform);
        part->above.update(value);
        part->below.update(value);
    };
    feed(&difference_, score.difference, uniforms[0]);
    feed(&margin_, score.margin, uniforms[1]);
    if (decision_ == BlackboxDecision::kSuspicious) return decision_;
    decision_ = BlackboxDecision::kUndecided;
    if (log_support() >= log_support_needed_) decision_ = BlackboxDecision::kConsistent;
    if (log_evidence() >= log_alarm_) decision_ = BlackboxDecision::kSuspicious;
    return decision_;
}

double BlackboxTest::log_evidence() const {
    const auto against = [](const Part& part) {
        return part.conformal.empty() ? part.above.log_value() : part.conformal.front().log_value();
    };
    return log_mean(std::array{against(difference_), against(margin_)});
}

double BlackboxTest::log_support() const {
    return std::min(difference_.below.log_value(), margin_.below.log_value());
}

BlackboxScore BlackboxTest::mean() const {
    BlackboxScore mean;
    if (requests_ == 0) return mean;
    mean.difference = difference_sum_ / static_cast<double>(requests_);
    mean.margin = margin_sum_ / static_cast<double>(requests_);
    mean.tokens = static_cast<std::uint32_t>(std::min<std::uint64_t>(tokens_ / requests_, UINT32_MAX));
    return mean;
}

}  // namespace vcity::verify
