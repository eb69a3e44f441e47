// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "async/task.hpp"
#include "base/result.hpp"
#include "model/duty.hpp"

namespace vcity::ports {

// The contracts' open doors: what is due on chain, and doing it. Owned by the wiring, called on the keeper's runtime.
// Both calls return within a few minutes whatever the server does, and both may be repeated: the contracts refuse a
// second effect.
class Upkeep {
  public:
    virtual ~Upkeep() = default;

    // The kinds that this deployment has contracts for.
    virtual std::vector<DutyKind> kinds() const = 0;
    // What is due at the head of the chain: a bounded number, the rest the next time. kUnavailable and kTimeout: ask
    // again later; kCorrupt: the server answered nonsense.
    virtual Task<Result<DutyList>> look(DutyKind kind) = 0;
    // Returns when the effect is in a block, or when the chain said that there is nothing to do (somebody was faster).
    // kTimeout: the effect is unknown, so look again; kExhausted: no money for gas, or gas too dear.
    virtual Task<Result<DutyOutcome>> perform(Duty duty) = 0;
};

}  // namespace vcity::ports
