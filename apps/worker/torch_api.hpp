// SPDX-License-Identifier: Apache-2.0
#pragma once

// The only door to libtorch's headers. Under C++20 libtorch 1.13 needs the complete c10::IValue before the lists that
// hold it, so that header comes first.
#include <ATen/core/ivalue.h>

#include <torch/types.h>
