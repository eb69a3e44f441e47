// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <vector>

#include "verify/check/evidence.hpp"
#include "verify/check/matrix_key.hpp"
#include "verify/check/numeric.hpp"

namespace vcity::verify {

// The input of linear maps as a verifier knows it: exact, or one of a short list that an honest worker's rounding
// leaves open.
struct LinearInput {
    // One element that takes another value from this step of the list on.
    struct Change {
        std::uint32_t step = 0;
        std::uint32_t column = 0;
        float value = 0;
    };

    std::vector<float> x;         // at step 0
    std::vector<Change> changes;  // by step
    double relative_x = 0;        // deviation of every element's own rounding, where it is not known exactly
    double relative_scale = 0;    // deviation of a factor that all elements share
};

// A linear map's input that is known bit for bit.
LinearInput exact_input(std::span<const float> x);

// norm(h) = h rsqrt(mean(h^2) + eps) weight. In bf16 the whole vector is a function of the one fp32 number rsqrt(..),
// which an honest sum in any order leaves within a few hundred neighbours (9 deviations); the list holds every vector
// that one of them gives. In fp32 the deviations stand for the same.
LinearInput norm_input(ComputeType compute, std::span<const float> h, std::span<const float> weight, double eps);

// y = W x with one key; several that share an input are judged together.
struct LinearProduct {
    const Matrix* matrix = nullptr;
    const MatrixKey* key = nullptr;
    std::span<const float> y;
};

struct LinearOptions {
    ComputeType compute = ComputeType::kFloat32;
    KernelClass kernel = KernelClass::kFloat32;
    std::uint32_t rows = 5;  // recomputed rows of each matrix
    Random* random = nullptr;
};

// Adds what the secret vectors and randomly chosen rows say. Of the inputs in the list the one that fits best counts,
// for vectors and rows each, so an honest worker's own is never judged worse.
void check_linear(const LinearOptions& options,
                  const LinearInput& input,
                  std::span<const LinearProduct> products,
                  Evidence* evidence);

// The same for one given row alone, without a key.
void check_row(const LinearOptions& options,
               const LinearInput& input,
               const Matrix& matrix,
               std::uint32_t row,
               float y,
               Evidence::Rows* rows);

}  // namespace vcity::verify
