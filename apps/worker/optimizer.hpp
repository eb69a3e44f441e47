// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "torch_api.hpp"

namespace vcity::worker {

struct OptimizerOptions {
    double adam_learning_rate = 3e-3;
    double muon_learning_rate = 0.02;  // Zero trains the matrices by AdamW too.
    double weight_decay = 0.05;
    double gradient_clip = 1.0;
};

// AdamW for the embedding and the norms; Muon (momentum, orthogonalised by Newton-Schulz steps; K. Jordan et al. 2024)
// for the matrices inside the layers, which learns more from few tokens.
class Optimizer {
  public:
    Optimizer(std::vector<torch::Tensor> matrices, std::vector<torch::Tensor> others, OptimizerOptions options);

    // One step with all rates scaled by `schedule`; clears the gradients. Returns the gradient norm before clipping.
    double step(double schedule);

    // All that a later step depends on beside the parameters: two tensors for each (an undefined one for Muon), in the
    // order in which they were given, and how many steps there were.
    std::vector<torch::Tensor> moments() const;
    std::int64_t steps() const { return steps_; }
    // Copies them. The sizes must fit.
    void restore(const std::vector<torch::Tensor>& moments, std::int64_t steps);

  private:
    struct Slot {
        torch::Tensor parameter;
        torch::Tensor first;
        torch::Tensor second;  // Empty for Muon.
        bool muon;
    };

    double clip_gradients();
    void step_adam(Slot& slot, double rate);
    void step_muon(Slot& slot, double rate);

    OptimizerOptions options_;
    std::vector<Slot> slots_;
    std::int64_t steps_ = 0;
};

}  // namespace vcity::worker
