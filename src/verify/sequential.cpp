// SPDX-License-Identifier: Apache-2.0
#include "verify/sequential.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/check.hpp"
#include "verify/little_endian.hpp"

namespace vcity::verify {
namespace {

constexpr std::uint32_t kTag = 0x31515356;  // "VSQ1"

// log f(p). Near p = 1 numerator and denominator vanish like (1 - p)^2 / 2 and (1 - p)^2.
double log_bet(double p) {
    if (p > 0.999) return std::log(0.5);
    const double l = std::log(p);
    return std::log((1 - p + p * l) / (p * l * l));
}

}  // namespace

SequentialTest::SequentialTest(std::vector<float> enrolment) : enrolment_{std::move(enrolment)} {
    std::erase_if(enrolment_, [](float score) { return std::isnan(score); });
}

Result<SequentialTest> SequentialTest::parse(std::vector<float> enrolment, ByteView bytes) {
    detail::Reader reader{bytes};
    const auto tag = reader.get<std::uint32_t>();
    const auto count = reader.get<std::uint32_t>();
    SequentialTest test{std::move(enrolment)};
    test.log_wealth_ = reader.get<double>();
    test.highest_ = reader.get<double>();
    if (!reader.ok() || tag != kTag || count > kScoresMax || reader.remaining() != count * sizeof(float) ||
        !std::isfinite(test.log_wealth_) || !std::isfinite(test.highest_)) {
        return make_error(Errc::kInvalid, "sequential test: malformed memory");
    }
    test.scores_ = reader.get_all<float>(count);
    for (const float score : test.scores_) {
        if (std::isnan(score)) return make_error(Errc::kInvalid, "sequential test: malformed memory");
    }
    return test;
}

Bytes SequentialTest::bytes() const {
    Bytes out;
    detail::put(&out, kTag);
    detail::put(&out, static_cast<std::uint32_t>(scores_.size()));
    detail::put(&out, log_wealth_);
    detail::put(&out, highest_);
    detail::put_all<float>(&out, scores_);
    return out;
}

void SequentialTest::add(float score, double uniform) {
    CHECK(uniform > 0 && uniform <= 1);
    if (std::isnan(score)) score = std::numeric_limits<float>::infinity();
    double above = 0;
    double equal = 1;
    for (const std::vector<float>* known : {&enrolment_, &scores_}) {
        for (const float other : *known) {
            above += other > score ? 1 : 0;
            equal += other == score ? 1 : 0;
        }
    }
    const double total = static_cast<double>(enrolment_.size() + scores_.size()) + 1;
    log_wealth_ += log_bet((above + uniform * equal) / total);
    highest_ = std::max(highest_, log_wealth_);
    if (scores_.size() == kScoresMax) scores_.erase(scores_.begin());
    scores_.push_back(score);
}

bool SequentialTest::rejects(double alpha) const {
    CHECK(alpha > 0 && alpha < 1);
    return highest_ >= -std::log(alpha);
}

}  // namespace vcity::verify
