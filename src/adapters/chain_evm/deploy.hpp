// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>

#include "adapters/chain_evm/plan.hpp"
#include "adapters/chain_evm/transactions.hpp"
#include "model/chain.hpp"

namespace vcity::adapters {

// A deployment file, e.g. {"chainId": 31337, "stable": "0x...", ...}: addresses in checksum form, "accessManager" and
// "block" (where an indexer starts) included, and all contracts by name. kInvalid, with the field's name, for anything
// else.
Result<Deployment> parse_deployment(std::string_view json);
std::string format_deployment(const Deployment& deployment);
// kNotFound when there is no such file.
Result<Deployment> load_deployment(const std::string& path);
// Replaces the file as a whole, or not at all.
Result<void> save_deployment(const std::string& path, const Deployment& deployment);

// Creation code by contract name, from contracts/deployments/artifacts.json or a file of third_party.
using Artifacts = std::map<std::string, Bytes, std::less<>>;
Result<Artifacts> parse_artifacts(std::string_view json);
Result<Artifacts> load_artifacts(const std::string& path);

using PlanSettings = std::map<std::string, std::string, std::less<>>;

struct DeployOptions {
    Plan plan;
    Artifacts artifacts;
    std::string profile = "devnet";
    PlanSettings settings;      // in place of the profile's defaults
    std::string progress_file;  // empty: nothing is recorded, and an interrupted deployment starts over
    std::function<void(const std::string& step)> on_step;
};

// plan.json, artifacts.json and third_party/*.json of that folder.
Result<DeployOptions> load_deploy_options(const std::string& folder);

// Sends the plan's steps from the sender's account, which must send nothing else meanwhile: the addresses of all
// contracts follow from its nonces and are known before the first is created. With a progress file a deployment that
// was cut off at any point goes on where it was; the file stays, and running it again changes nothing. kConflict: the
// progress is of another plan, account or settings, or the account was used by something else.
Task<Result<Deployment>> deploy(Runtime* runtime, EvmRpc* rpc, TransactionSender* sender, DeployOptions options);

}  // namespace vcity::adapters
