// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <string>

#include "placement/unit_index.hpp"

namespace vcity::placement {

// Why a demand goes where it goes, or nowhere. Looks at every unit, so it is for people, not for every decision.
struct Explanation {
    Outcome outcome = Outcome::kNoUnit;
    UnitHandle best;    // when placed
    UnitHandle second;  // when there are two or more
    Terms best_terms;
    Terms second_terms;
    std::size_t units = 0;
    std::size_t fitting = 0;
    // Units that failed each filter, and none before it.
    std::array<std::size_t, static_cast<std::size_t>(UnitFilter::kPassed) + 1> failed{};
    // "best of 12 that fit: ..." or "of 1000 units, 312 have an allowed GPU model, none of these asks at most ...".
    std::string text;
};

// Of the index as it stands, before the demand is placed. kInvalid: see check().
Result<Explanation> explain(const UnitIndex& index, const UnitDemand& demand);

}  // namespace vcity::placement
