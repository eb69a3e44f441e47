// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "verify/blackbox/evidence.hpp"

namespace vcity::blackbox {

// Scores of the same prompts, in the same order, for every endpoint.
using Scores = std::vector<verify::BlackboxScore>;

struct Tally {
    std::uint64_t runs = 0;
    std::uint64_t suspicious = 0;
    std::uint64_t consistent = 0;
    std::uint64_t tokens_median = 0;  // until suspicion, of the runs that came to it
    std::uint64_t tokens_p90 = 0;
};
// Many checks of one endpoint, each over the prompts in a new order. sample: so many prompts go to the honest endpoint
// first; 0: the declared tolerance counts.
Tally simulate(const Scores& target, const Scores& honest, std::size_t sample, double alpha, std::uint64_t runs);

}  // namespace vcity::blackbox
