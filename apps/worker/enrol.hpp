// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <iosfwd>

#include "base/result.hpp"
#include "engine.hpp"

namespace vcity::worker {

// Serves each line of `questions` as a chat in tier A, four at a time, has every answer replayed, and writes the
// distance between the two (verify::sketch_score), a line each: the enrolment sample that a verifier of this model and
// kernel class holds nodes to. The engine is fresh and has at least four slots. Lines that the model cannot take are
// left out; kInvalid when none is left.
Result<void> enrol(Engine& engine, std::istream& questions, std::ostream& scores);

}  // namespace vcity::worker
