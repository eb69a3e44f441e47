// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>

#include "verify/check/layer_judge.hpp"

namespace vcity::verify {

struct ResidualModel {
    const ModelShape* shape = nullptr;
    const LayerWeights* weights = nullptr;
    const LayerKeys* keys = nullptr;
    KernelClass kernel = KernelClass::kFloat32;
};

// The computed values of a cell.
struct ResidualValues {
    const LayerCell* cell = nullptr;
    std::span<const float> h_mid;
    std::span<const float> x_mlp;
    std::span<const double> sigmoid;  // of gate
    std::span<const float> act;
};

// E (round(a) - round(a + d))^2 for d of variance w on a lattice of spacing u: never above w + u^2 / 6 (two independent
// roundings), nor above u E|d| + w.
double after_rounding(double w, double u);

// Variances of served outputs y of rows from `first` on against what the worker computes now from the same h, whose
// normed input may have been another one of the list.
std::vector<double> served_variances(const LinearOptions& options,
                                     const MatrixKey& key,
                                     const LinearInput& input,
                                     std::span<const float> y,
                                     std::size_t first);

// The served h_next against h_mid + down. Two honest computations of the layer from the same h_in and attn_out differ
// by the order of their sums, hence by some roundings, and what these change further down. Variances of that are
// carried from o to down; columns are taken as independent of what flows through them, rows in proportion to their
// norms. docs/verification.md has each step.
void judge_residual(const ResidualModel& model, const ResidualValues& values, Evidence* evidence);

}  // namespace vcity::verify
