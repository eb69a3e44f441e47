// SPDX-License-Identifier: Apache-2.0
#include "optimizer.hpp"

#include <algorithm>
#include <cmath>

namespace vcity::worker {
namespace {

constexpr double kAdamBeta1 = 0.9;
constexpr double kAdamBeta2 = 0.95;
constexpr double kAdamEpsilon = 1e-8;
constexpr double kMuonMomentum = 0.95;
constexpr int kNewtonSchulzSteps = 5;

// The nearest semi-orthogonal matrix, roughly: five quintic Newton-Schulz steps in bfloat16, which is exact enough for
// an update direction. The coefficients are those of the Muon paper.
torch::Tensor orthogonalised(const torch::Tensor& matrix) {
    const bool tall = matrix.size(0) > matrix.size(1);
    auto x = (tall ? matrix.t() : matrix).to(torch::kBFloat16);
    x = x / (x.to(torch::kFloat32).norm().item<double>() + 1e-7);
    for (int i = 0; i < kNewtonSchulzSteps; ++i) {
        const auto gram = torch::mm(x, x.t());
        const auto mixed = gram * -4.7750 + torch::mm(gram, gram) * 2.0315;
        x = x * 3.4445 + torch::mm(mixed, x);
    }
    const auto wide = x.to(torch::kFloat32);
    return tall ? wide.t() : wide;
}

}  // namespace

Optimizer::Optimizer(std::vector<torch::Tensor> matrices, std::vector<torch::Tensor> others, OptimizerOptions options)
    : options_(options) {
    const bool muon = options_.muon_learning_rate > 0;
    const auto add = [this](const torch::Tensor& parameter, bool by_muon) {
        slots_.push_back(Slot{.parameter = parameter,
                              .first = torch::zeros_like(parameter),
                              .second = by_muon ? torch::Tensor() : torch::zeros_like(parameter),
                              .muon = by_muon});
    };
    for (const auto& parameter : matrices) add(parameter, muon);
    for (const auto& parameter : others) add(parameter, false);
}

double Optimizer::step(double schedule) {
    const torch::NoGradGuard no_grad;
    const double norm = clip_gradients();
    ++steps_;
    for (Slot& slot : slots_) {
        if (slot.muon) {
            step_muon(slot, options_.muon_learning_rate * schedule);
        } else {
            step_adam(slot, options_.adam_learning_rate * schedule);
        }
        slot.parameter.mutable_grad() = torch::Tensor();
    }
    return norm;
}

std::vector<torch::Tensor> Optimizer::moments() const {
    std::vector<torch::Tensor> moments;
    for (const Slot& slot : slots_) {
        moments.push_back(slot.first);
        moments.push_back(slot.second);
    }
    return moments;
}

void Optimizer::restore(const std::vector<torch::Tensor>& moments, std::int64_t steps) {
    CHECK(moments.size() == 2 * slots_.size());
    for (std::size_t at = 0; at < slots_.size(); ++at) {
        slots_[at].first.copy_(moments[2 * at]);
        if (slots_[at].second.defined()) slots_[at].second.copy_(moments[2 * at + 1]);
    }
    steps_ = steps;
}

double Optimizer::clip_gradients() {
    double sum = 0;
    for (const Slot& slot : slots_) {
        const double norm = slot.parameter.grad().norm().item<double>();
        sum += norm * norm;
    }
    const double norm = std::sqrt(sum);
    if (norm > options_.gradient_clip) {
        for (Slot& slot : slots_) slot.parameter.mutable_grad().mul_(options_.gradient_clip / norm);
    }
    return norm;
}

void Optimizer::step_adam(Slot& slot, double rate) {
    const auto& gradient = slot.parameter.grad();
    slot.first.mul_(kAdamBeta1).add_(gradient, 1 - kAdamBeta1);
    slot.second.mul_(kAdamBeta2).addcmul_(gradient, gradient, 1 - kAdamBeta2);
    const auto count = static_cast<double>(steps_);
    const double bias1 = 1 - std::pow(kAdamBeta1, count);
    const double bias2 = 1 - std::pow(kAdamBeta2, count);
    const auto denominator = slot.second.sqrt().div_(std::sqrt(bias2)).add_(kAdamEpsilon);
    // Norm weights are not decayed: they are scales, not maps.
    if (slot.parameter.dim() > 1) slot.parameter.mul_(1 - rate * options_.weight_decay);
    slot.parameter.addcdiv_(slot.first, denominator, -rate / bias1);
}

void Optimizer::step_muon(Slot& slot, double rate) {
    const auto& gradient = slot.parameter.grad();
    slot.first.mul_(kMuonMomentum).add_(gradient);
    const auto update = orthogonalised(gradient.add(slot.first, kMuonMomentum));
    const double shape = std::sqrt(
        std::max(1.0, static_cast<double>(slot.parameter.size(0)) / static_cast<double>(slot.parameter.size(1))));
    slot.parameter.mul_(1 - rate * options_.weight_decay);
    slot.parameter.add_(update, -rate * shape);
}

}  // namespace vcity::worker
