// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "cli/output.hpp"
#include "devnet/layout.hpp"

namespace vcity::cli {

// Brings up a whole network on this machine and keeps it up until SIGINT or SIGTERM. Writes <state>/devnet.json once
// everything answers (URLs, process ids, the API key's file) and <state>/cli.toml for client commands.
Result<Exit> run_devnet(DevnetOptions options);

// Contracts, keys and money on a chain at options.rpc, with no role started: for tests that start them in their own
// ways. Without a funder's key the chain is a development chain of the caller's own.
Result<Exit> prepare_devnet(DevnetOptions options);

// The command line of one more node of a network that is up; its key is made and funded first.
struct ExtraNode {
    std::string name;
    std::string worker;
    std::string model;
    std::string model_name;
    std::uint64_t price_input = 0;
    std::uint64_t price_output = 0;
};
Result<std::vector<std::string>> extra_node_command(DevnetOptions options, const ExtraNode& node);

}  // namespace vcity::cli
