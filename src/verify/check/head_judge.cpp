// SPDX-License-Identifier: Apache-2.0
#include "verify/check/head_judge.hpp"

#include <algorithm>
#include <cmath>

#include "base/check.hpp"
#include "verify/check/clones.hpp"

namespace vcity::verify {
namespace {

// A bf16 rounding moves a number p by at most 2^-8 p, its spacing is at most 2^-7 p.
constexpr double kWeightRounding = 0x1p-14 / 12;
// What a softmax weight below this adds is lost in the others' rounding.
constexpr double kNegligible = 1e-12;
// Rotated products, exponentials and quotients in fp32: deviation of a softmax weight besides its score's.
constexpr double kExponentialError = 8 * kUnitFp32;

VCITY_VECTOR_CLONES void turn(
    double* cosines, double* sines, const double* by_cos, const double* by_sin, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
        const double c = cosines[i] * by_cos[i] - sines[i] * by_sin[i];
        sines[i] = sines[i] * by_cos[i] + cosines[i] * by_sin[i];
        cosines[i] = c;
    }
}

VCITY_VECTOR_CLONES void rotate(
    const double* cosines, const double* sines, const float* in, double* out, std::size_t half) {
    for (std::size_t i = 0; i < half; ++i) {
        const double c = double{static_cast<float>(cosines[i])};
        const double s = double{static_cast<float>(sines[i])};
        out[i] = double{in[i]} * c - double{in[i + half]} * s;
        out[i + half] = double{in[i + half]} * c + double{in[i]} * s;
    }
}

// sum a_i b_i and the sum of squares of its terms; b is also stored in fp32.
struct Product {
    double value;
    double squares;
};
VCITY_VECTOR_CLONES Product product(const double* a, const double* b, float* stored, std::size_t count) {
    constexpr std::size_t kLanes = 8;
    double values[kLanes] = {};
    double squares[kLanes] = {};
    std::size_t i = 0;
    for (; i + kLanes <= count; i += kLanes) {
        for (std::size_t j = 0; j < kLanes; ++j) {
            const double term = a[i + j] * b[i + j];
            values[j] += term;
            squares[j] += term * term;
            stored[i + j] = static_cast<float>(b[i + j]);
        }
    }
    Product out{0, 0};
    for (std::size_t j = 0; j < kLanes; ++j) {
        out.value += values[j];
        out.squares += squares[j];
    }
    for (; i < count; ++i) {
        const double term = a[i] * b[i];
        out.value += term;
        out.squares += term * term;
        stored[i] = static_cast<float>(b[i]);
    }
    return out;
}

// sum += weight values; gives the squared norm of the values.
VCITY_VECTOR_CLONES double add_scaled(double weight, const float* values, double* sum, std::size_t count) {
    constexpr std::size_t kLanes = 8;
    double squares[kLanes] = {};
    std::size_t i = 0;
    for (; i + kLanes <= count; i += kLanes) {
        for (std::size_t j = 0; j < kLanes; ++j) {
            const double value = double{values[i + j]};
            sum[i + j] += weight * value;
            squares[j] += value * value;
        }
    }
    double total = 0;
    for (std::size_t j = 0; j < kLanes; ++j) total += squares[j];
    for (; i < count; ++i) {
        const double value = double{values[i]};
        sum[i] += weight * value;
        total += value * value;
    }
    return total;
}

VCITY_VECTOR_CLONES double signed_total(const double* signs, const float* values, std::size_t count) {
    constexpr std::size_t kLanes = 8;
    double sums[kLanes] = {};
    std::size_t i = 0;
    for (; i + kLanes <= count; i += kLanes) {
        for (std::size_t j = 0; j < kLanes; ++j) sums[j] += signs[i + j] * double{values[i + j]};
    }
    double total = 0;
    for (std::size_t j = 0; j < kLanes; ++j) total += sums[j];
    for (; i < count; ++i) total += signs[i] * double{values[i]};
    return total;
}

// Cosines and sines of one position after another.
class Rotation {
  public:
    explicit Rotation(const ModelShape& shape) : half_{shape.head_dim / 2} {
        for (std::uint32_t i = 0; i < half_; ++i) {
            const double angle = std::pow(shape.rope_theta, -2.0 * i / shape.head_dim);
            frequencies_.push_back(angle);
            step_cos_.push_back(std::cos(angle));
            step_sin_.push_back(std::sin(angle));
        }
        go_to(0);
    }

    void go_to(std::size_t position) {
        cos_.clear();
        sin_.clear();
        for (const double frequency : frequencies_) {
            cos_.push_back(std::cos(static_cast<double>(position) * frequency));
            sin_.push_back(std::sin(static_cast<double>(position) * frequency));
        }
    }
    void advance() { turn(cos_.data(), sin_.data(), step_cos_.data(), step_sin_.data(), half_); }
    void forward(const float* in, double* out) const { rotate(cos_.data(), sin_.data(), in, out, half_); }
    // The transposed map.
    void backward(const double* in, double* out) const {
        for (std::size_t i = 0; i < half_; ++i) {
            out[i] = in[i] * cos_[i] + in[i + half_] * sin_[i];
            out[i + half_] = in[i + half_] * cos_[i] - in[i] * sin_[i];
        }
    }

  private:
    std::size_t half_;
    std::vector<double> frequencies_, step_cos_, step_sin_, cos_, sin_;
};

struct Scores {
    std::vector<double> weights;     // softmax
    std::vector<double> deviations;  // squared, of the relative error that a score's own error gives its weight
    std::vector<float> keys;         // rotated, [positions, head_dim]
};

double dot_fp64(const double* a, const double* b, std::size_t count) {
    double sum = 0;
    for (std::size_t i = 0; i < count; ++i) sum += a[i] * b[i];
    return sum;
}

class HeadJudge {
  public:
    HeadJudge(const ModelShape& shape, KernelClass kernel, std::uint32_t vectors, const HeadValues& head)
        : shape_{shape},
          kernel_{kernel},
          vectors_{vectors},
          head_{head},
          dim_{shape.head_dim},
          positions_{head.keys.size() / shape.head_dim},
          last_{shape} {
        last_.go_to(positions_ - 1);
    }

    void run(Random* random, Evidence::Squares* evidence) {
        score();
        mix();
        for (std::uint32_t a = 0; a < vectors_; ++a) {
            signs_[a].resize(dim_);
            std::uint64_t bits = 0;
            for (std::size_t i = 0; i < dim_; ++i) {
                bits = i % 64 == 0 ? random->next() : bits >> 1U;
                signs_[a][i] = (bits & 1U) != 0 ? 1.0 : -1.0;
            }
        }
        PerVector residuals{};
        for (std::uint32_t a = 0; a < vectors_; ++a) {
            for (std::size_t i = 0; i < dim_; ++i) residuals[a] += signs_[a][i] * (double{head_.out[i]} - out_[i]);
        }
        const PerVector z = Whitening{covariance(), vectors_}.apply(residuals);
        for (std::uint32_t a = 0; a < vectors_; ++a) evidence->add(z[a]);
    }

  private:
    void score() {
        std::vector<double> query(dim_);
        last_.forward(head_.q.data(), query.data());
        const double scale = 1.0 / std::sqrt(static_cast<double>(dim_));
        const double sums = accumulation_factor(kernel_, dim_);
        Rotation rotation{shape_};
        std::vector<double> key(dim_);
        scores_.keys.resize(positions_ * dim_);
        std::vector<double> values(positions_);
        for (std::size_t j = 0; j < positions_; ++j) {
            rotation.forward(head_.keys.data() + j * dim_, key.data());
            const auto [value, squared] = product(query.data(), key.data(), scores_.keys.data() + j * dim_, dim_);
            values[j] = value * scale;
            // The sum, and three roundings of each rotated factor.
            scores_.deviations.push_back(sums * (values[j] * values[j] + scale * scale * squared) +
                                         6 * kUnitFp32 * kUnitFp32 * scale * scale * squared);
            rotation.advance();
        }
        const double peak = *std::ranges::max_element(values);
        for (std::size_t j = 0; j < positions_; ++j) {
            values[j] -= peak;
            const double rounded = values[j] * kUnitFp32;
            scores_.deviations[j] += rounded * rounded + kExponentialError * kExponentialError;
        }
        exponentials(values);
        double total = 0;
        for (const double value : values) total += value;
        for (double& value : values) value /= total;
        scores_.weights = std::move(values);
    }

    void mix() {
        out_.assign(dim_, 0.0);
        for (std::size_t j = 0; j < positions_; ++j) {
            const float* value = head_.values.data() + j * dim_;
            const double weight = scores_.weights[j];
            const double squared = add_scaled(weight, value, out_.data(), dim_);
            squares_ += weight * weight * squared;
        }
    }

    // What each signed sum of outputs gains from the softmax weights' noise, from the query's, and from roundings.
    Covariance covariance() const {
        Covariance out{};
        const double scale = 1.0 / std::sqrt(static_cast<double>(dim_));
        const double rounding = kernel_ == KernelClass::kFloat32 ? 0 : kWeightRounding;
        PerVector mean{};
        std::array<std::vector<double>, kVectorsMax> slopes;
        for (std::uint32_t a = 0; a < vectors_; ++a) {
            mean[a] = dot_fp64(signs_[a].data(), out_.data(), dim_);
            slopes[a].assign(dim_, 0.0);
        }
        for (std::size_t j = 0; j < positions_; ++j) {
            const float* value = head_.values.data() + j * dim_;
            const float* key = scores_.keys.data() + j * dim_;
            const double weight = scores_.weights[j];
            PerVector along{};
            for (std::uint32_t a = 0; a < vectors_; ++a) {
                along[a] = signed_total(signs_[a].data(), value, dim_);
                const double slope = scale * weight * (along[a] - mean[a]);
                if (weight > kNegligible) add_scaled(slope, key, slopes[a].data(), dim_);
            }
            for (std::uint32_t a = 0; a < vectors_; ++a) {
                for (std::uint32_t b = 0; b <= a; ++b) {
                    out[a][b] += weight * weight *
                                 (rounding * along[a] * along[b] +
                                  scores_.deviations[j] * (along[a] - mean[a]) * (along[b] - mean[b]));
                }
            }
        }
        add_query(slopes, &out);
        add_output(&out);
        return out;
    }

    void add_query(const std::array<std::vector<double>, kVectorsMax>& slopes, Covariance* out) const {
        std::array<std::vector<double>, kVectorsMax> turned;
        for (std::uint32_t a = 0; a < vectors_; ++a) {
            turned[a].resize(dim_);
            last_.backward(slopes[a].data(), turned[a].data());
        }
        for (std::uint32_t a = 0; a < vectors_; ++a) {
            for (std::uint32_t b = 0; b <= a; ++b) {
                for (std::size_t i = 0; i < dim_; ++i) {
                    (*out)[a][b] += turned[a][i] * turned[b][i] * head_.q_variances[i];
                }
            }
        }
    }

    void add_output(Covariance* out) const {
        double outputs = 0;
        for (const double value : out_) outputs += value * value;
        const double sums = accumulation_factor(kernel_, positions_) * (outputs + squares_);
        for (std::uint32_t a = 0; a < vectors_; ++a) {
            for (std::uint32_t b = 0; b <= a; ++b) {
                double agreement = 0;
                for (std::size_t i = 0; i < dim_; ++i) {
                    const double ulp = ulp_of(shape_.compute, head_.out[i]);
                    const double both = signs_[a][i] * signs_[b][i];
                    (*out)[a][b] += both * (ulp * ulp / 12);
                    agreement += both;
                }
                (*out)[a][b] += sums * agreement / static_cast<double>(dim_);
                (*out)[b][a] = (*out)[a][b];
            }
        }
    }

    const ModelShape& shape_;
    KernelClass kernel_;
    std::uint32_t vectors_;
    HeadValues head_;
    std::size_t dim_;
    std::size_t positions_;
    Rotation last_;
    Scores scores_;
    std::vector<double> out_;
    double squares_ = 0;
    std::array<std::vector<double>, kVectorsMax> signs_;
};

}  // namespace

void judge_head(const ModelShape& shape,
                KernelClass kernel,
                std::uint32_t vectors,
                Random* random,
                const HeadValues& head,
                Evidence::Squares* evidence) {
    CHECK(!head.keys.empty() && head.keys.size() == head.values.size() && head.keys.size() % shape.head_dim == 0);
    CHECK(vectors >= 1 && vectors <= kVectorsMax && head.q.size() == shape.head_dim);
    HeadJudge{shape, kernel, vectors, head}.run(random, evidence);
}

}  // namespace vcity::verify
