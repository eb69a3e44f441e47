// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "verify/check/evidence.hpp"
#include "verify/matrix.hpp"
#include "verify/random.hpp"

namespace vcity::verify {

inline constexpr std::size_t kVectorsMax = 4;

// One number for each secret vector.
using PerVector = std::array<double, kVectorsMax>;
// Covariances of them, row by row.
using Covariance = std::array<PerVector, kVectorsMax>;

// What a verifier keeps of one matrix W [m, n]: k secret vectors r of +1 and -1, s = W^T r, and the squared norms of
// W's rows and columns. A check of y = W x then costs (m + n) k, not m n (Freivalds 1979).
//
// The vectors must stay unknown to whoever computes y: whoever knows r can hide any error orthogonal to it.
class MatrixKey {
  public:
    MatrixKey() = default;
    // vectors in 1..kVectorsMax. The label separates matrices that share a seed. Reads the matrix once.
    static MatrixKey make(const Matrix& matrix, std::uint32_t vectors, const Seed& seed, std::string_view label);

    std::uint32_t rows() const { return static_cast<std::uint32_t>(row_squares_.size()); }
    std::uint32_t cols() const { return static_cast<std::uint32_t>(column_squares_.size()); }
    std::uint32_t vectors() const { return vectors_; }

    // r.y - s.x of each vector.
    PerVector residuals(std::span<const float> x, std::span<const float> y) const;
    // s_j of each vector: what a change of x_j by one changes in -residuals().
    double weight(std::uint32_t vector, std::uint32_t column) const {
        return products_[std::size_t{vector} * cols() + column];
    }

    // Covariances of the residuals of an honest y, given what its errors are: independent roundings of variance
    // ulp(y_i)^2 / 12 each and sums that contribute `sums` over all rows together; columns that are uncertain by the
    // relative deviation `relative_x` each; and a common factor of x that is uncertain by `relative_scale`.
    struct Noise {
        double sums = 0;            // a variance
        double relative_x = 0;      // a deviation
        double relative_scale = 0;  // a deviation
    };
    Covariance covariance(ComputeType compute,
                          std::span<const float> x,
                          std::span<const float> y,
                          const Noise& noise) const;

    std::span<const float> row_squares() const { return row_squares_; }
    std::span<const float> column_squares() const { return column_squares_; }

  private:
    std::uint32_t vectors_ = 0;
    std::vector<std::int8_t> signs_;     // [k, m]: r
    std::vector<float> products_;        // [k, n]: s
    std::vector<float> row_squares_;     // [m]
    std::vector<float> column_squares_;  // [n]
    Covariance agreement_{};             // r_a . r_b / m
};

// Turns residuals with these covariances into independent ones of variance one: the lower triangle of Cholesky's
// factor, inverted by substitution.
class Whitening {
  public:
    Whitening(const Covariance& covariance, std::uint32_t vectors);
    PerVector apply(const PerVector& residuals) const;

  private:
    std::uint32_t vectors_;
    Covariance factor_{};
};

}  // namespace vcity::verify
