// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "async/task.hpp"
#include "base/time.hpp"
#include "model/messages.hpp"

namespace vcity::ports {

struct AuditFinding {
    VerdictOutcome outcome = VerdictOutcome::kAccepted;
    std::string reason;  // one sentence for people
    Bytes evidence;      // what the evidence hash of the verdict commits to
};

// Checks results of one model against its public weights. Holds secrets (the vectors r), so findings never tell
// numbers.
class Auditor {
  public:
    virtual ~Auditor() = default;
    virtual Hash model_root() const = 0;
    // Cells to ask for, drawn from the runtime's randomness; call only once the signed receipt is in hand.
    virtual std::vector<Cell> draw(const AuditTask& task) = 0;
    virtual AuditFinding check(const AuditTask& task, const std::vector<Cell>& cells, const Opening& opening) = 0;
};

}  // namespace vcity::ports
