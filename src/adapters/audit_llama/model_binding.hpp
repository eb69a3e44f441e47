// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "base/result.hpp"
#include "checkpoint/model_config.hpp"
#include "checkpoint/safetensors.hpp"
#include "verify/shape.hpp"
#include "verify/weights_root.hpp"

namespace vcity::adapters {

// The verification shape of a model directory's configuration. kInvalid when verify/ cannot take it.
Result<verify::ModelShape> verification_shape(const checkpoint::ModelConfig& config, verify::ComputeType compute);

// The tensors of a model directory as verify/ reads them; they borrow names and bytes from the map.
std::vector<verify::TensorView> tensor_views(const checkpoint::TensorMap& tensors);

}  // namespace vcity::adapters
