// SPDX-License-Identifier: Apache-2.0
#include "verify/freivalds.hpp"

#include <algorithm>
#include <cmath>

#include "base/check.hpp"
#include "verify/bounds.hpp"

namespace vcity::verify {
namespace {

constexpr std::uint32_t kVectorsMax = 32;

double signed_value(double value, std::uint32_t signs, std::uint32_t vector) {
    return ((signs >> vector) & 1U) != 0 ? -value : value;
}

}  // namespace

FreivaldsKey FreivaldsKey::make(const Matrix& matrix, std::uint32_t vectors, const Seed& seed, std::string_view label) {
    CHECK(vectors >= 1 && vectors <= kVectorsMax);
    FreivaldsKey key;
    key.rows_ = matrix.rows();
    key.cols_ = matrix.cols();
    key.vectors_ = vectors;
    key.signs_.resize(key.rows_);
    key.products_.resize(std::size_t{vectors} * key.cols_);
    key.column_norms_.resize(key.cols_);
    Random random{seed, label};
    std::vector<float> row(key.cols_);
    for (std::uint32_t i = 0; i < key.rows_; ++i) {
        key.signs_[i] = static_cast<std::uint32_t>(random.next() >> 32U);
        matrix.read_row(i, row);
        for (std::uint32_t j = 0; j < key.cols_; ++j) key.column_norms_[j] += double{row[j]} * double{row[j]};
        for (std::uint32_t v = 0; v < vectors; ++v) {
            const double sign = signed_value(1.0, key.signs_[i], v);
            double* product = key.products_.data() + std::size_t{v} * key.cols_;
            for (std::uint32_t j = 0; j < key.cols_; ++j) product[j] += sign * double{row[j]};
        }
    }
    for (double& norm : key.column_norms_) norm = std::sqrt(norm);
    return key;
}

double FreivaldsKey::bound(ComputeType compute, std::span<const float> x, std::span<const float> y) const {
    const double m = rows_;
    const double n = cols_;
    // ||W| |x||_2 <= sum_j |x_j| |w_j|_2 bounds the norm of the rows' sums of absolute products.
    double absolute = 0;
    for (std::uint32_t j = 0; j < cols_; ++j) absolute += std::abs(double{x[j]}) * column_norms_[j];
    double rounded = 0;
    double outputs = 0;
    for (const float value : y) {
        const double half_ulp = output_half_ulp(compute, value);
        rounded += half_ulp * half_ulp;
        outputs += std::abs(double{value});
    }
    const double accumulated = inner_product_constant(cols_) * absolute + 2 * n * std::sqrt(m) * kUnderflow32;
    // Our own fp64 sums: s, s.x and r.y; |W|^T 1 <= sqrt(m) times the column norms.
    const double own = (m + n + 4) * 0x1p-52 * (std::sqrt(m) * absolute + outputs);
    return kHoeffding * (accumulated + std::sqrt(rounded)) + own;
}

double FreivaldsKey::worst_ratio(ComputeType compute, std::span<const float> x, std::span<const float> y) const {
    CHECK(x.size() == cols_ && y.size() == rows_);
    const double limit = bound(compute, x, y);
    double worst = 0;
    for (std::uint32_t v = 0; v < vectors_; ++v) {
        double error = 0;
        for (std::uint32_t i = 0; i < rows_; ++i) error += signed_value(double{y[i]}, signs_[i], v);
        const double* product = products_.data() + std::size_t{v} * cols_;
        for (std::uint32_t j = 0; j < cols_; ++j) error -= product[j] * double{x[j]};
        worst = std::max(worst, std::abs(error));
    }
    return worst / limit;
}

bool FreivaldsKey::accepts(ComputeType compute, std::span<const float> x, std::span<const float> y) const {
    return worst_ratio(compute, x, y) <= 1.0;
}

double row_ratio(ComputeType compute, const Matrix& matrix, std::uint32_t row, std::span<const float> x, float y) {
    CHECK(x.size() == matrix.cols());
    std::vector<float> weights(matrix.cols());
    matrix.read_row(row, weights);
    double exact = 0;
    double absolute = 0;
    for (std::size_t j = 0; j < weights.size(); ++j) {
        const double product = double{weights[j]} * double{x[j]};
        exact += product;
        absolute += std::abs(product);
    }
    const double n = matrix.cols();
    const double limit = inner_product_constant(matrix.cols()) * absolute + output_half_ulp(compute, y) +
                         2 * n * kUnderflow32 + n * 0x1p-52 * absolute;
    return std::abs(double{y} - exact) / limit;
}

bool row_accepts(ComputeType compute, const Matrix& matrix, std::uint32_t row, std::span<const float> x, float y) {
    return row_ratio(compute, matrix, row, x, y) <= 1.0;
}

}  // namespace vcity::verify
