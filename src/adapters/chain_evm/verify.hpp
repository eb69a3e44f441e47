// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "adapters/chain_evm/deploy.hpp"

namespace vcity::adapters {

// What the chain says about one thing that the plan demands.
struct Finding {
    std::string check;
    bool is_good = false;
    std::string detail;  // what was found instead, or how much was looked at
};

struct VerifyOptions {
    Plan plan;
    std::string profile = "devnet";
    PlanSettings settings;
    std::uint64_t time = 0;           // what "now" was when it was deployed
    std::optional<Address> deployer;  // known: is shown to have no role
    bool at_start = false;            // also what is true only of a deployment that nobody has used yet
};

// The plan of that folder, and from the deployment's progress file what it was deployed with. Without such a file
// settings that must be given are unknown; pass them as `settings`.
Result<VerifyOptions> load_verify_options(const std::string& folder, const std::string& progress_file);

// Only reads. Compares a deployment with its plan: every contract is there, every fact holds, every function that is
// restricted has its role, and whoever ever got a role (by the events since the deployment) has it or not as the plan
// says, in the AccessManager and in the timelock. An error means that the chain could not be asked.
Task<Result<std::vector<Finding>>> verify_deployment(EvmRpc* rpc, Deployment deployment, VerifyOptions options);

}  // namespace vcity::adapters
