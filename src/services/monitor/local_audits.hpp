// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <vector>

#include "ports/audit.hpp"
#include "ports/inference.hpp"
#include "services/monitor/monitor.hpp"

namespace vcity::monitor {

struct LocalAuditDeps {
    Runtime* runtime = nullptr;
    const Monitor* monitor = nullptr;
    ports::Inference* inference = nullptr;  // of the node beside the monitor
    std::vector<ports::Auditor*> auditors;  // with secret vectors of this monitor's own
};

// What came of it. Findings and numbers stay here: whoever saw them could learn the secret vectors.
struct LocalVerdict {
    VerdictOutcome outcome = VerdictOutcome::kAccepted;
    std::string reason;
};

// Audits of the node on the same machine, after it committed: an early warning for the operator and one more opinion
// for those who believe the monitor's machine. Verifiers draw and judge on their own all the same; nothing here is paid
// or slashed for.
class LocalAudits {
  public:
    explicit LocalAudits(LocalAuditDeps deps) : deps_{std::move(deps)} {}

    // kDenied: the receipt's root has no seal of this monitor, so it may have been made after a draw; kNotFound: a
    // model whose weights it does not hold; kInvalid: request and receipt do not belong together. A worker that does
    // not open in time gives the outcome kNotOpened.
    Task<Result<LocalVerdict>> audit(AuditTask task, Duration patience);

  private:
    Result<ports::Auditor*> check(const AuditTask& task) const;
    // The tree to draw from: the sealed one, or in tier A that of a replay.
    Task<Result<Hash>> root_of(const AuditTask* task, TimePoint deadline);

    LocalAuditDeps deps_;
    std::map<Hash, Bytes> memory_;  // of the auditors, by model
};

}  // namespace vcity::monitor
