// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "torch_api.hpp"

namespace vcity::worker {

// Mean cross entropy of logits [rows, vocab] and targets [rows]; rows with target kNoTarget carry no loss. Works
// through the rows in blocks that fit the cache and makes the gradient at once, so that no fp32 copy of all logits is
// needed.
torch::Tensor cross_entropy(const torch::Tensor& logits, const torch::Tensor& targets);

}  // namespace vcity::worker
