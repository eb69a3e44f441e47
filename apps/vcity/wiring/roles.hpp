// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "cli/output.hpp"
#include "wiring/role_options.hpp"

namespace vcity::wiring {

// Builds a role from adapters and runs it until SIGINT or SIGTERM. An error says what stopped it.
Result<cli::Exit> run_node(const NodeRunOptions& options);
Result<cli::Exit> run_scheduler(const SchedulerRunOptions& options);
Result<cli::Exit> run_verifier(const VerifierRunOptions& options);
Result<cli::Exit> run_gateway(const GatewayRunOptions& options);
Result<cli::Exit> run_indexer(const IndexerRunOptions& options);
Result<cli::Exit> run_keeper(const KeeperRunOptions& options);

// The weights root of a Hugging Face folder.
Result<Hash> model_root(const std::string& folder);

}  // namespace vcity::wiring
