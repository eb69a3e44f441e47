// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <optional>

namespace vcity::verify {

// What the tests of one audit have added up. Numbers that must not leave the verifier: each says something about its
// secret vectors.
struct Evidence {
    // A pooled sum of squares and the largest of n normalised deviations.
    struct Squares {
        std::uint64_t count = 0;
        double sum = 0;
        double largest = 0;

        void add(double z) {
            ++count;
            sum += z * z;
            const double size = std::isnan(z) ? INFINITY : std::abs(z);
            largest = std::max(largest, size);
        }
        void add(const Squares& other) {
            count += other.count;
            sum += other.sum;
            largest = std::max(largest, other.largest);
        }
    };
    // Recomputed rows: those whose output is another number than the rounded exact one, and how many that may be.
    struct Rows {
        std::uint64_t count = 0;
        std::uint64_t misses = 0;
        double expected_misses = 0;
        double largest = 0;  // excess over half an ulp in deviations of the sum

        void add(const Rows& other) {
            count += other.count;
            misses += other.misses;
            expected_misses += other.expected_misses;
            largest = std::max(largest, other.largest);
        }
    };

    Squares linear;  // secret vectors
    Rows rows;
    Squares residual;                   // served input of the next layer: capped squares over their expectation
    Rows residual_rows;                 // the same elements as rows
    Squares attention;                  // heads
    std::optional<float> sketch_score;  // mean over positions of log2(|served - replay|^2 / |replay|^2)
    std::uint64_t wrong = 0;            // cheap steps outside their certain bound
};

}  // namespace vcity::verify
