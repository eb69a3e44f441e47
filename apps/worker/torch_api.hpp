// SPDX-License-Identifier: Apache-2.0
#pragma once

// The only door to libtorch's headers. Under C++20 libtorch 1.13 needs the complete c10::IValue before the lists that
// hold it, so that header comes first.
#include <ATen/core/ivalue.h>
// Not sorted into the line above.
#include <ATen/Parallel.h>
#include <ATen/autocast_mode.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/cuda.h>
#include <torch/types.h>
#include <torch/utils.h>

// libtorch brings glog's CHECK; ours takes its place.
#undef CHECK
#include "base/check.hpp"
