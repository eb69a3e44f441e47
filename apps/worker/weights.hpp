// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "checkpoint/model_directory.hpp"
#include "llama.hpp"

namespace vcity::worker {

// Copies a model's tensors to the device in that type; the directory may be closed afterwards. Throws what libtorch
// throws.
LlamaWeights load_weights(const checkpoint::ModelDirectory& model,
                          const Dims& dims,
                          torch::Device device,
                          torch::ScalarType dtype);

}  // namespace vcity::worker
