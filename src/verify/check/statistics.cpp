// SPDX-License-Identifier: Apache-2.0
#include "verify/check/statistics.hpp"

#include <cmath>

#include "base/check.hpp"

namespace vcity::verify {

double square_sum_bound(std::uint64_t n, double alpha) {
    CHECK(alpha > 0 && alpha < 1);
    if (n == 0) return 0;
    const double target = 2 * std::log(1 / alpha) / static_cast<double>(n);
    // q - 1 - ln q grows from 0 for q > 1, and it is above q / 2 - 1.
    double low = 1;
    double high = 4 + 2 * target;
    for (int step = 0; step < 80; ++step) {
        const double middle = (low + high) / 2;
        (middle - 1 - std::log(middle) < target ? low : high) = middle;
    }
    return static_cast<double>(n) * high;
}

double maximum_bound(std::uint64_t n, double alpha) {
    CHECK(alpha > 0 && alpha < 1);
    return n == 0 ? 0 : std::sqrt(2 * std::log(2 * static_cast<double>(n) / alpha));
}

std::uint64_t event_bound(double mu, double alpha) {
    CHECK(mu >= 0 && alpha > 0 && alpha < 1);
    const double target = std::log(1 / alpha);
    auto accepted = static_cast<std::uint64_t>(mu);
    while (true) {
        const auto next = static_cast<double>(accepted + 1);
        const double exponent = mu > 0 ? next * std::log(next / mu) - next + mu : INFINITY;
        if (next > mu && exponent >= target) return accepted;
        ++accepted;
    }
}

double bounded_sum_bound(std::uint64_t n, double most, double alpha) {
    CHECK(most > 0 && alpha > 0 && alpha < 1);
    const double target = std::log(1 / alpha);
    // t^2 - (2/3) most target t - 2 most target n = 0.
    const double half = most * target / 3;
    const double count = static_cast<double>(n);
    return count + half + std::sqrt(half * half + 2 * most * target * count);
}

}  // namespace vcity::verify
