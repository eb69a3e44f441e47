// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "base/time.hpp"
#include "model/messages.hpp"

namespace vcity::ports {

// What a node answered to a draw.
struct AuditAnswer {
    Hash seed;               // of the draw
    AuditQuestion question;  // what draw() gave for it
    Hash root;  // of the tree that cells and pages belong to: the receipt's, or in tier A that of the replay
    Opening opening;
    // What check() of this auditor left behind after earlier results of the same node; empty at first. The verifier
    // keeps it, at most kMemoryBytesMax.
    Bytes memory;
};

inline constexpr std::size_t kMemoryBytesMax = 64U << 10U;

struct AuditFinding {
    VerdictOutcome outcome = VerdictOutcome::kAccepted;
    std::string reason;  // one sentence for people
    Bytes evidence;      // what was judged, as far as it may be shown to anybody
    Bytes memory;        // in place of AuditAnswer::memory; evidence that only grows to a rejection over many results
};

// Checks results of one model against its public weights. Holds secrets (the vectors r), so findings never tell
// numbers. The tier of a result follows from its request (tier_of).
class Auditor {
  public:
    virtual ~Auditor() = default;
    virtual Hash model_root() const = 0;
    // What to ask for; a function of task and seed alone, so that a draw can be repeated from what the verifier keeps.
    // The seed must not have been known to anybody before the node had committed: to the receipt, and in tier A to the
    // replay. A task.deep gets as much as may be opened. Empty when nothing was billed that could be checked.
    virtual AuditQuestion draw(const AuditTask& task, const Hash& seed) = 0;
    virtual AuditFinding check(const AuditTask& task, const AuditAnswer& answer) = 0;
};

}  // namespace vcity::ports
