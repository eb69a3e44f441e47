// SPDX-License-Identifier: Apache-2.0
#include "verify/check/linear_check.hpp"

#include <algorithm>
#include <cmath>

#include "base/check.hpp"
#include "verify/check/clones.hpp"

namespace vcity::verify {
namespace {

// A row's excess up to this many deviations does not decide between inputs.
constexpr double kUsualExcess = 6;
// Deviations of rsqrt(mean) that the list of inputs covers: beyond it 2 exp(-9^2 / 2) = 5e-18.
constexpr double kScaleDeviations = 9;
// Steps of the list at most. A mean of a million terms needs 10,000.
constexpr std::uint32_t kStepsMax = 1U << 15U;

float normed(float h, float scale, float weight) {
    return round_to_bf16(round_to_bf16(h * scale) * weight);
}

VCITY_VECTOR_CLONES void normed_all(const float* h, const float* weight, float scale, float* out, std::size_t count) {
    for (std::size_t j = 0; j < count; ++j) out[j] = normed(h[j], scale, weight[j]);
}

// Deviation of rsqrt(mean(h^2) + eps): a sum of n positive terms, halved by the root, and four more roundings.
double scale_deviation(std::size_t n) {
    return 0.5 * std::sqrt(static_cast<double>(n) / 3) * kUnitFp32 + 2 * kUnitFp32;
}

// The fp32 numbers within the bound, by their bits.
struct Steps {
    std::uint32_t first = 0;
    std::uint32_t count = 1;

    float scale(std::uint32_t step) const { return std::bit_cast<float>(first + step); }
};

Steps steps_around(double scale, std::size_t n) {
    const double reach = kScaleDeviations * scale_deviation(n);
    const auto low = static_cast<float>(scale * (1 - reach));
    const auto high = static_cast<float>(scale * (1 + reach));
    const auto first = std::bit_cast<std::uint32_t>(low);
    const auto last = std::bit_cast<std::uint32_t>(high);
    return {.first = first, .count = std::min(last - first + 1, kStepsMax)};
}

void add_change(const Steps& steps, float h, float weight, std::uint32_t column, LinearInput* input) {
    const float before = input->x[column];
    const float after = normed(h, steps.scale(steps.count - 1), weight);
    // A monotone function of the step; the first change is found by halving, and so on to the last.
    float current = before;
    std::uint32_t from = 0;
    while (std::bit_cast<std::uint32_t>(current) != std::bit_cast<std::uint32_t>(after)) {
        std::uint32_t low = from;
        std::uint32_t high = steps.count - 1;
        while (high - low > 1) {
            const std::uint32_t middle = low + (high - low) / 2;
            (normed(h, steps.scale(middle), weight) == current ? low : high) = middle;
        }
        current = normed(h, steps.scale(high), weight);
        input->changes.push_back({.step = high, .column = column, .value = current});
        from = high;
    }
}

// A product's residuals at the current input, and how to judge them.
struct Judged {
    const MatrixKey* key;
    PerVector residuals;
    Whitening whitening;

    double square_sum() const {
        const PerVector z = whitening.apply(residuals);
        double sum = 0;
        for (std::uint32_t v = 0; v < key->vectors(); ++v) sum += z[v] * z[v];
        return sum;
    }
};

std::vector<Judged> judge(const LinearOptions& options,
                          const LinearInput& input,
                          std::span<const LinearProduct> products) {
    std::vector<Judged> judged;
    for (const LinearProduct& product : products) {
        const MatrixKey& key = *product.key;
        double outputs = 0;
        for (const float value : product.y) outputs += double{value} * double{value};
        const double terms = dot_squares(input.x, key.column_squares());
        const double sums = accumulation_factor(options.kernel, input.x.size()) * (outputs + terms);
        const Covariance covariance =
            key.covariance(options.compute, input.x, product.y,
                           {.sums = sums, .relative_x = input.relative_x, .relative_scale = input.relative_scale});
        judged.push_back({.key = &key,
                          .residuals = key.residuals(input.x, product.y),
                          .whitening = Whitening{covariance, key.vectors()}});
    }
    return judged;
}

double square_sum(const std::vector<Judged>& judged) {
    double sum = 0;
    for (const Judged& one : judged) sum += one.square_sum();
    return sum;
}

void check_vectors(const LinearOptions& options,
                   const LinearInput& input,
                   std::span<const LinearProduct> products,
                   Evidence* evidence) {
    std::vector<Judged> judged = judge(options, input, products);
    std::vector<Judged> best = judged;
    double least = square_sum(judged);
    std::vector<float> x = input.changes.empty() ? std::vector<float>{} : input.x;
    for (std::size_t i = 0; i < input.changes.size(); ++i) {
        const LinearInput::Change& change = input.changes[i];
        const double delta = double{change.value} - double{x[change.column]};
        x[change.column] = change.value;
        for (Judged& one : judged) {
            for (std::uint32_t v = 0; v < one.key->vectors(); ++v) {
                one.residuals[v] -= one.key->weight(v, change.column) * delta;
            }
        }
        const bool last_of_step = i + 1 == input.changes.size() || input.changes[i + 1].step != change.step;
        if (!last_of_step) continue;
        const double sum = square_sum(judged);
        if (sum >= least) continue;
        least = sum;
        best = judged;
    }
    for (const Judged& one : best) {
        const PerVector z = one.whitening.apply(one.residuals);
        for (std::uint32_t v = 0; v < one.key->vectors(); ++v) evidence->linear.add(z[v]);
    }
}

// A recomputed row.
struct Row {
    const Matrix* matrix = nullptr;
    std::uint32_t index = 0;
    float y = 0;
    RowProduct exact;
};

// Adds one row: whether y is the rounded exact value, and by how much it misses.
void judge_row(
    const LinearOptions& options, const LinearInput& input, const Row& row, double factor, Evidence::Rows* rows) {
    const double y = double{row.y};
    const double p = row.exact.value;
    const double variance = factor * (y * y + row.exact.squares) +
                            input.relative_x * input.relative_x * row.exact.squares +
                            input.relative_scale * input.relative_scale * y * y + kTiny * kTiny;
    const double deviation = std::sqrt(variance);
    const double excess = std::abs(y - p) - ulp_of(options.compute, row.y) / 2;
    const auto nearest =
        options.compute == ComputeType::kBfloat16 ? round_to_bf16(static_cast<float>(p)) : static_cast<float>(p);
    const double margin = ulp_of(options.compute, nearest) / 2 - std::abs(double{nearest} - p);
    const double likely = margin <= 0 ? 1 : std::min(1.0, 2 * std::exp(-margin * margin / (2 * variance)));
    ++rows->count;
    rows->expected_misses += likely;
    if (!(excess <= 0)) ++rows->misses;
    rows->largest = std::max(rows->largest, std::isnan(excess) ? INFINITY : excess / deviation);
}

Evidence::Rows judge_rows(const LinearOptions& options,
                          const LinearInput& input,
                          const std::vector<Row>& rows,
                          double factor) {
    Evidence::Rows out;
    for (const Row& row : rows) judge_row(options, input, row, factor, &out);
    return out;
}

bool fits_better(const Evidence::Rows& a, const Evidence::Rows& b) {
    const double left = std::max(a.largest, kUsualExcess);
    const double right = std::max(b.largest, kUsualExcess);
    return left != right ? left < right : a.misses < b.misses;
}

// The list's best input for these rows.
Evidence::Rows best_rows(const LinearOptions& options, const LinearInput& input, std::vector<Row> rows) {
    const double factor = accumulation_factor(options.kernel, input.x.size());
    Evidence::Rows best = judge_rows(options, input, rows, factor);
    double expected = best.expected_misses;
    std::vector<float> x = input.changes.empty() ? std::vector<float>{} : input.x;
    for (std::size_t i = 0; i < input.changes.size(); ++i) {
        const LinearInput::Change& change = input.changes[i];
        const double delta = double{change.value} - double{x[change.column]};
        x[change.column] = change.value;
        for (Row& row : rows) row.exact.value += double{row.matrix->at(row.index, change.column)} * delta;
        const bool last_of_step = i + 1 == input.changes.size() || input.changes[i + 1].step != change.step;
        if (!last_of_step) continue;
        const Evidence::Rows now = judge_rows(options, input, rows, factor);
        expected = std::max(expected, now.expected_misses);
        if (fits_better(now, best)) best = now;
    }
    best.expected_misses = expected;
    return best;
}

Row read_row(const LinearInput& input, const Matrix& matrix, std::uint32_t index, float y) {
    return {.matrix = &matrix, .index = index, .y = y, .exact = matrix.row_product(index, input.x)};
}

}  // namespace

LinearInput exact_input(std::span<const float> x) {
    LinearInput input;
    input.x.assign(x.begin(), x.end());
    return input;
}

LinearInput norm_input(ComputeType compute, std::span<const float> h, std::span<const float> weight, double eps) {
    CHECK(h.size() == weight.size() && !h.empty());
    const double scale = 1.0 / std::sqrt(dot(h, h) / static_cast<double>(h.size()) + eps);
    LinearInput input;
    input.x.resize(h.size());
    if (compute == ComputeType::kFloat32) {
        for (std::size_t j = 0; j < h.size(); ++j) {
            input.x[j] = static_cast<float>(double{h[j]} * scale * double{weight[j]});
        }
        input.relative_x = 1.5 * kUnitFp32;  // two roundings of the worker's, one of ours; uniform: u / sqrt(3) each
        input.relative_scale = scale_deviation(h.size());
        return input;
    }
    const Steps steps = steps_around(scale, h.size());
    std::vector<float> last(h.size());
    normed_all(h.data(), weight.data(), steps.scale(0), input.x.data(), h.size());
    normed_all(h.data(), weight.data(), steps.scale(steps.count - 1), last.data(), h.size());
    for (std::uint32_t j = 0; j < h.size(); ++j) {
        const bool changes = std::bit_cast<std::uint32_t>(input.x[j]) != std::bit_cast<std::uint32_t>(last[j]);
        if (changes) add_change(steps, h[j], weight[j], j, &input);
    }
    std::ranges::sort(input.changes, [](const auto& a, const auto& b) {
        return a.step != b.step ? a.step < b.step : a.column < b.column;
    });
    return input;
}

void check_linear(const LinearOptions& options,
                  const LinearInput& input,
                  std::span<const LinearProduct> products,
                  Evidence* evidence) {
    check_vectors(options, input, products, evidence);
    std::vector<Row> rows;
    for (const LinearProduct& product : products) {
        for (std::uint32_t i = 0; i < options.rows; ++i) {
            const auto index = static_cast<std::uint32_t>(options.random->below(product.matrix->rows()));
            rows.push_back(read_row(input, *product.matrix, index, product.y[index]));
        }
    }
    evidence->rows.add(best_rows(options, input, std::move(rows)));
}

void check_row(const LinearOptions& options,
               const LinearInput& input,
               const Matrix& matrix,
               std::uint32_t row,
               float y,
               Evidence::Rows* rows) {
    std::vector<Row> one;
    one.push_back(read_row(input, matrix, row, y));
    rows->add(best_rows(options, input, std::move(one)));
}

}  // namespace vcity::verify
