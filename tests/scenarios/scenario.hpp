// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

namespace vcity::scenarios {

// A bug put into a fake on purpose, to prove that the invariants see its kind.
enum class Planted : std::uint8_t {
    kNone,
    kDoublePayment,       // the chain takes, and charges, a batch again
    kStaleToken,          // the scheduler's disk forgets which fencing tokens were granted
    kUnpersistedReceipt,  // the scheduler's disk forgets results that were acknowledged
    // --- with several scheduler processes
    kNoFence,       // the database does not look at the epoch that a change expects
    kNoMargin,      // an owner does not end by itself when its beats fail
    kHiddenEpochs,  // the same, and the network hides from peers under which epoch a process speaks
};

struct ScenarioOptions {
    std::uint64_t seed = 1;
    std::uint64_t schedulers = 1;  // processes that may act for the scheduler, over one database
    Planted planted = Planted::kNone;
    bool is_verbose = false;  // every fault and log event to standard error
};

struct Outcome {
    std::string violation;  // empty: all invariants held
    std::uint64_t steps = 0;
    std::uint64_t checks = 0;  // full checks of all invariants
    std::uint64_t virtual_seconds = 0;
    std::uint64_t faults = 0;
    std::uint64_t jobs = 0;
    std::uint64_t jobs_done = 0;
    std::uint64_t jobs_settled = 0;
    std::uint64_t results_rejected = 0;
    std::uint64_t proofs_checked = 0;
    std::uint64_t epochs = 0;  // tenures of scheduler processes
};

// One run of the whole network in this process: a scheduler (of one process or several), four nodes of which one may
// cheat, a verifier, a client behind a gateway, and a chain, under faults drawn from the seed, until all work has
// ended. The same options give the same run.
Outcome run_scenario(const ScenarioOptions& options);

// The command that runs exactly this again.
std::string replay_command(const ScenarioOptions& options);

}  // namespace vcity::scenarios
