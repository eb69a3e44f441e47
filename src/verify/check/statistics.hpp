// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

// Thresholds of tests on honest noise; docs/verification.md derives each. All are upper bounds of the exact quantile,
// so the probability that an honest worker passes one is at most alpha, under the assumption named with it.
namespace vcity::verify {

// An audit rejects an honest worker with at most this probability; every test below gets an equal part.
inline constexpr double kAlphaAudit = 1e-9;
inline constexpr int kTests = 10;
inline constexpr double kAlphaTest = kAlphaAudit / kTests;

// z_1..z_n with E exp(a.z) <= exp(|a|^2 / 2) for every vector a ("strictly sub-Gaussian together": sums of independent
// roundings divided by their deviation). P(sum z^2 > n q) <= exp(-n (q - 1 - ln q) / 2), Chernoff's bound of
// chi-square.
double square_sum_bound(std::uint64_t n, double alpha);
// P(max |z| > t) <= 2 n exp(-t^2 / 2).
double maximum_bound(std::uint64_t n, double alpha);
// Independent events with expectations that add up to mu: P(at least m) <= exp(-(m ln(m / mu) - m + mu)) for m > mu.
// Gives the largest number of events that is accepted.
std::uint64_t event_bound(double mu, double alpha);
// Independent x_i in [0, most] with E x_i <= 1: P(sum > n + t) <= exp(-t^2 / (2 most (n + t / 3))), Bernstein.
double bounded_sum_bound(std::uint64_t n, double most, double alpha);

}  // namespace vcity::verify
