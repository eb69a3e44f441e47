// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <span>

#include "verify/trace/audit_opening.hpp"

namespace vcity::verify {

// Mean over both halves of log2(|served - replay|^2 / |replay|^2); larger is worse.
double sketch_distance(const Sketch& served, const Sketch& replay);

// Mean distance of the opened sketches from those of the replayed states: one number for the sequential test of a node.
// Nothing when no sketch was opened.
std::optional<float> sketch_score(const ModelShape& shape, const CheckedAudit& audit);

}  // namespace vcity::verify
