// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <vector>

#include "attest/testing/vector_check.hpp"

namespace vcity::attest::testing {

// What became of one positive vector with one byte changed at a time.
struct FlipCounts {
    std::size_t rejected = 0;
    std::size_t harmless = 0;  // still authentic, and the verdict is the same to the last field
    std::size_t harmful = 0;   // still authentic with another verdict: never allowed
    std::vector<std::size_t> harmless_at;
    std::vector<std::size_t> harmful_at;
};

// Checks of verdicts.json that give an authentic verdict and whose file is the evidence itself.
bool is_positive(const codec::Json& check);

// Flips the bytes first, first + stride, ... by `mask` and runs the check on each.
struct FlipPlan {
    std::size_t first = 0;
    std::size_t stride = 1;
    std::uint8_t mask = 0xff;
};
FlipCounts flip_bytes(const VectorFolder& folder, const codec::Json& check, const FlipPlan& plan);

}  // namespace vcity::attest::testing
