// SPDX-License-Identifier: Apache-2.0
#include "verify/check/matrix_key.hpp"

#include <algorithm>
#include <cmath>

#include "base/check.hpp"
#include "verify/check/numeric.hpp"

namespace vcity::verify {
namespace {

void add_scaled(double sign, std::span<const float> row, double* sum) {
    for (std::size_t j = 0; j < row.size(); ++j) sum[j] += sign * double{row[j]};
}

}  // namespace

MatrixKey MatrixKey::make(const Matrix& matrix, std::uint32_t vectors, const Seed& seed, std::string_view label) {
    CHECK(vectors >= 1 && vectors <= kVectorsMax);
    const std::uint32_t m = matrix.rows();
    const std::uint32_t n = matrix.cols();
    MatrixKey key;
    key.vectors_ = vectors;
    key.signs_.resize(std::size_t{vectors} * m);
    key.row_squares_.resize(m);
    std::vector<double> products(std::size_t{vectors} * n);
    std::vector<double> columns(n);
    Random random{seed, label};
    std::vector<float> row(n);
    for (std::uint32_t i = 0; i < m; ++i) {
        const std::uint64_t bits = random.next() >> 32U;
        matrix.read_row(i, row);
        double norm = 0;
        for (std::uint32_t j = 0; j < n; ++j) {
            const double square = double{row[j]} * double{row[j]};
            columns[j] += square;
            norm += square;
        }
        key.row_squares_[i] = static_cast<float>(norm);
        for (std::uint32_t v = 0; v < vectors; ++v) {
            const bool minus = (bits >> v & 1U) != 0;
            key.signs_[std::size_t{v} * m + i] = minus ? -1 : 1;
            add_scaled(minus ? -1.0 : 1.0, row, products.data() + std::size_t{v} * n);
        }
    }
    key.products_.assign(products.begin(), products.end());
    key.column_squares_.assign(columns.begin(), columns.end());
    for (std::uint32_t a = 0; a < vectors; ++a) {
        for (std::uint32_t b = 0; b < vectors; ++b) {
            double sum = 0;
            for (std::uint32_t i = 0; i < m; ++i) {
                sum += key.signs_[std::size_t{a} * m + i] * key.signs_[std::size_t{b} * m + i];
            }
            key.agreement_[a][b] = sum / m;
        }
    }
    return key;
}

PerVector MatrixKey::residuals(std::span<const float> x, std::span<const float> y) const {
    CHECK(x.size() == cols() && y.size() == rows());
    PerVector out{};
    for (std::uint32_t v = 0; v < vectors_; ++v) {
        const std::span<const float> s{products_.data() + std::size_t{v} * cols(), cols()};
        out[v] = signed_sum({signs_.data() + std::size_t{v} * rows(), rows()}, y) - dot(s, x);
    }
    return out;
}

Covariance MatrixKey::covariance(ComputeType compute,
                                 std::span<const float> x,
                                 std::span<const float> y,
                                 const Noise& noise) const {
    Covariance out{};
    // s is kept rounded to fp32, which only shows beside fp32 outputs.
    const double stored = compute == ComputeType::kFloat32 ? 0x1p-52 : 0;
    const double uncertain = noise.relative_x * noise.relative_x + stored;
    const double roundings = ulp_squares(compute, y) / 12;
    for (std::uint32_t a = 0; a < vectors_; ++a) {
        const std::span<const std::int8_t> ra{signs_.data() + std::size_t{a} * rows(), rows()};
        const std::span<const float> sa{products_.data() + std::size_t{a} * cols(), cols()};
        const double ya = noise.relative_scale > 0 ? signed_sum(ra, y) : 0;
        for (std::uint32_t b = 0; b <= a; ++b) {
            const std::span<const std::int8_t> rb{signs_.data() + std::size_t{b} * rows(), rows()};
            const std::span<const float> sb{products_.data() + std::size_t{b} * cols(), cols()};
            const double yb = noise.relative_scale > 0 ? signed_sum(rb, y) : 0;
            out[a][b] = (a == b ? roundings : ulp_squares(compute, ra, rb, y) / 12) + noise.sums * agreement_[a][b] +
                        noise.relative_scale * noise.relative_scale * ya * yb;
            if (a == b && uncertain > 0) out[a][b] += uncertain * weighted_products(x, sa, sb);
            out[b][a] = out[a][b];
        }
        out[a][a] += static_cast<double>(rows()) * kTiny * kTiny;
    }
    return out;
}

Whitening::Whitening(const Covariance& covariance, std::uint32_t vectors) : vectors_{vectors} {
    for (std::uint32_t a = 0; a < vectors; ++a) {
        for (std::uint32_t b = 0; b <= a; ++b) {
            double rest = covariance[a][b];
            for (std::uint32_t c = 0; c < b; ++c) rest -= factor_[a][c] * factor_[b][c];
            // Vectors that agree in nearly every row say the same; what is left of the second counts as noise.
            const double floor = 1e-6 * covariance[a][a];
            factor_[a][b] = a == b ? std::sqrt(std::max(rest, floor)) : rest / factor_[b][b];
        }
    }
}

PerVector Whitening::apply(const PerVector& residuals) const {
    PerVector out{};
    for (std::uint32_t a = 0; a < vectors_; ++a) {
        double rest = residuals[a];
        for (std::uint32_t b = 0; b < a; ++b) rest -= factor_[a][b] * out[b];
        // Nothing may be wrong where there is no noise: zero over zero is zero.
        out[a] = rest == 0 ? 0 : rest / factor_[a][a];
    }
    return out;
}

}  // namespace vcity::verify
