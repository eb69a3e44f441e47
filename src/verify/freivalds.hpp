// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "verify/matrix.hpp"
#include "verify/random.hpp"
#include "verify/shape.hpp"

namespace vcity::verify {

// What a verifier keeps of one matrix W [m, n]: k secret vectors r of +1 and -1, s = W^T r in fp64, and the norms of
// W's columns, from which it bounds the honest rounding error. A check of y = W x then costs (m + n) k, not m n.
//
// The vectors must stay unknown to whoever computes y: whoever knows r can hide any error orthogonal to it.
class FreivaldsKey {
  public:
    // vectors in 1..32. The label separates matrices that share a seed. Reads the matrix once.
    static FreivaldsKey make(const Matrix& matrix, std::uint32_t vectors, const Seed& seed, std::string_view label);

    // Whether y may be the rounded product with x: |r.y - s.x| within the bound for every vector. x has n elements and
    // y has m, all finite. An honest y fails with probability below 1e-13 per vector.
    bool accepts(ComputeType compute, std::span<const float> x, std::span<const float> y) const;

    // The largest |r.y - s.x| / bound over the vectors: at most 1 is accepted. For measurements; never show it to a
    // worker, each value tells something about r.
    double worst_ratio(ComputeType compute, std::span<const float> x, std::span<const float> y) const;

    std::uint32_t rows() const { return rows_; }
    std::uint32_t cols() const { return cols_; }

  private:
    double bound(ComputeType compute, std::span<const float> x, std::span<const float> y) const;

    std::uint32_t rows_ = 0;
    std::uint32_t cols_ = 0;
    std::uint32_t vectors_ = 0;
    std::vector<std::uint32_t> signs_;  // [m]: bit v set means r_v = -1 in this row
    std::vector<double> products_;      // [k, n]: s
    std::vector<double> column_norms_;  // [n]: Euclidean
};

// The companion for fine, diffuse changes: row i of W times x in fp64 against y_i, with the bound of a single inner
// product. Costs n; the row must be below matrix.rows().
bool row_accepts(ComputeType compute, const Matrix& matrix, std::uint32_t row, std::span<const float> x, float y);
double row_ratio(ComputeType compute, const Matrix& matrix, std::uint32_t row, std::span<const float> x, float y);

}  // namespace vcity::verify
