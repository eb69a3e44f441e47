// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <random>

#include "figures.hpp"
#include "verify/check/linear_check.hpp"
#include "verify/check/statistics.hpp"
#include "verify/testing/reference_llama.hpp"

namespace vcity::verify::bench {
namespace {

constexpr std::uint32_t kRows = 192;
constexpr std::uint32_t kCols = 256;
constexpr double kTails[] = {1, 2, 3, 4};

// Probability that a Gaussian is farther than this many deviations from zero.
double gaussian_tail(double deviations) {
    return std::erfc(deviations / std::sqrt(2.0));
}

struct Sample {
    std::uint64_t count = 0;
    double squares = 0;
    double fourths = 0;
    double largest = 0;
    std::uint64_t beyond[4] = {};
    std::uint64_t pools = 0;
    std::uint64_t pools_beyond = 0;  // sums of 16 squares above the 1 % bound
    double pool = 0;

    void add(double z) {
        ++count;
        squares += z * z;
        fourths += z * z * z * z;
        largest = std::max(largest, std::abs(z));
        for (int i = 0; i < 4; ++i) beyond[i] += std::abs(z) > kTails[i] ? 1 : 0;
        pool += z * z;
        if (count % 16 != 0) return;
        ++pools;
        pools_beyond += pool > square_sum_bound(16, 0.01) ? 1 : 0;
        pool = 0;
    }
};

// Inputs like those of a trained model: heavy columns.
std::vector<float> an_input(std::mt19937_64* random) {
    std::normal_distribution<float> normal;
    std::vector<float> x(kCols);
    for (std::size_t j = 0; j < x.size(); ++j) {
        x[j] = testing::round_bfloat16(normal(*random) * (j % 61 == 0 ? 12.0F : 1.0F));
    }
    return x;
}

// One matrix and one vector for a thousand products, then others: z of one vector each.
Sample sample(std::uint64_t count) {
    Sample out;
    std::mt19937_64 random{7};
    std::normal_distribution<float> normal;
    Bytes stored(std::size_t{kRows} * kCols * 2);
    std::vector<float> weights(std::size_t{kRows} * kCols);
    std::vector<float> y(kRows);
    while (out.count < count) {
        for (std::size_t i = 0; i < weights.size(); ++i) {
            weights[i] = testing::round_bfloat16(normal(random) / 16);
            const std::uint16_t bits = testing::to_bfloat16(weights[i]);
            std::memcpy(stored.data() + 2 * i, &bits, 2);
        }
        const auto matrix =
            Matrix::make({.name = "w", .type = TensorType::kBfloat16, .dims = {kRows, kCols}, .bytes = stored},
                         ComputeType::kBfloat16);
        Seed seed;
        for (std::uint8_t& byte : seed.bytes) byte = static_cast<std::uint8_t>(random());
        const MatrixKey key = MatrixKey::make(*matrix, 1, seed, "w");
        Random rows{seed, "rows"};
        const LinearOptions options{
            .compute = ComputeType::kBfloat16, .kernel = KernelClass::kFlashBf16, .rows = 0, .random = &rows};
        for (int i = 0; i < 1000; ++i) {
            const std::vector<float> x = an_input(&random);
            for (std::uint32_t row = 0; row < kRows; ++row) {
                y[row] = testing::round_bfloat16(testing::dot(
                    testing::SumOrder::kLanes32, weights.data() + std::size_t{row} * kCols, x.data(), kCols));
            }
            Evidence evidence;
            const LinearProduct product{&*matrix, &key, y};
            check_linear(options, exact_input(x), {&product, 1}, &evidence);
            const double sign = (random() & 1U) != 0 ? 1 : -1;
            out.add(sign * evidence.linear.largest);
        }
    }
    return out;
}

}  // namespace

void measure_distribution(const Effort& effort, Figures* out) {
    const Sample z = sample(static_cast<std::uint64_t>(effort.times(100'000, 1'000'000)));
    const double n = static_cast<double>(z.count);
    out->push_back({"z_samples", n, "honest products, bf16, one vector each"});
    out->push_back({"z_variance", z.squares / n, "model: at most 1"});
    out->push_back({"z_kurtosis", z.fourths / n / (z.squares / n) / (z.squares / n), "Gaussian: 3"});
    out->push_back({"z_largest", z.largest,
                    "Gaussian, this many samples: about " + std::to_string(std::sqrt(2 * std::log(n))).substr(0, 4)});
    int wrong = 0;
    for (int i = 0; i < 4; ++i) {
        const double expected = gaussian_tail(kTails[i]);
        const double limit = n * expected + 5 * std::sqrt(n * expected) + 5;
        wrong += static_cast<double>(z.beyond[i]) > limit ? 1 : 0;
        out->push_back({"z_beyond_" + std::to_string(i + 1), static_cast<double>(z.beyond[i]) / n,
                        "Gaussian: " + std::to_string(expected)});
    }
    out->push_back({"pooled_beyond_one_percent",
                    static_cast<double>(z.pools_beyond) / static_cast<double>(std::max<std::uint64_t>(z.pools, 1)),
                    "bound: 0.01"});
    out->push_back({"tails_outside_binomial_bounds", static_cast<double>(wrong), "target: 0"});
}

}  // namespace vcity::verify::bench
