// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "base/result.hpp"
#include "base/vcai.hpp"

namespace vcity::market {

// Divides an amount among weights without losing or making a wei: everybody gets the floor of amount * weight / total,
// and the wei that are left go one each to the largest remainders, the earlier place first among equals. So the order
// of the weights must not depend on whoever asks; sort by address. All zero for weights that are all zero. kInvalid
// when the weights' sum does not fit 128 bits.
Result<std::vector<Vcai>> split_exactly(Vcai amount, const std::vector<U128>& weights);

}  // namespace vcity::market
