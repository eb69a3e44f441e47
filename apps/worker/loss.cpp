// SPDX-License-Identifier: Apache-2.0
#include "loss.hpp"

#include <algorithm>

#include "train_data.hpp"

namespace vcity::worker {
namespace {

constexpr std::int64_t kRowsPerBlock = 64;

class CrossEntropy : public torch::autograd::Function<CrossEntropy> {
  public:
    static torch::Tensor forward(torch::autograd::AutogradContext* context,
                                 const torch::Tensor& logits,
                                 const torch::Tensor& targets) {
        const auto counted = targets.ne(kNoTarget);
        const double number = std::max<double>(1, static_cast<double>(counted.sum().item<std::int64_t>()));
        auto gradient = torch::empty_like(logits);
        double loss = 0;
        for (std::int64_t at = 0; at < logits.size(0); at += kRowsPerBlock) {
            const std::int64_t rows = std::min(kRowsPerBlock, logits.size(0) - at);
            const auto weight = counted.narrow(0, at, rows).to(torch::kFloat32).unsqueeze(1);
            const auto target = targets.narrow(0, at, rows).clamp_min(0).unsqueeze(1);
            auto logs = torch::log_softmax(logits.narrow(0, at, rows).to(torch::kFloat32), -1);
            loss -= (logs.gather(1, target) * weight).sum().item<double>();
            auto error = logs.exp_();
            error.scatter_add_(1, target, torch::full_like(weight, -1));
            gradient.narrow(0, at, rows).copy_(error.mul_(weight / number));
        }
        context->save_for_backward({gradient});
        return torch::full({}, loss / number);
    }

    static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                   torch::autograd::variable_list upstream) {
        const auto gradient = context->get_saved_variables()[0];
        const double scale = upstream[0].item<double>();
        return {scale == 1.0 ? gradient : gradient * scale, torch::Tensor()};
    }
};

}  // namespace

torch::Tensor cross_entropy(const torch::Tensor& logits, const torch::Tensor& targets) {
    return CrossEntropy::apply(logits, targets);
}

}  // namespace vcity::worker
