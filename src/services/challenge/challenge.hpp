// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "async/runtime.hpp"
#include "async/task.hpp"
#include "capacity/session.hpp"
#include "ports/capacity_prover.hpp"

namespace vcity::services {

struct ChallengeOptions {
    std::size_t chunk_bytes = std::size_t{4} << 20U;
    // Parts of D that are made at the same time, on Runtime::compute.
    unsigned makers = 2;
};

// Carries one session between verifier and prover: all cards at the same time, each answer timed on the runtime's clock
// when it arrives. Both must outlive the task. Gives the final scores; a card whose prover fails has its outcome set.
// The prover's calls must end by themselves (a remote one by its deadline).
Task<std::vector<capacity::CardScore>> challenge(Runtime* runtime,
                                                 ports::CapacityProver* prover,
                                                 capacity::Session* session,
                                                 ChallengeOptions options);

}  // namespace vcity::services
