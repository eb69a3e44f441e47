// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <vector>

#include "capacity/device.hpp"

namespace vcity::adapters {

// One device for each CUDA card; none without a driver, and none in a build without a CUDA toolkit.
std::vector<std::unique_ptr<capacity::Device>> find_cuda_devices();

}  // namespace vcity::adapters
