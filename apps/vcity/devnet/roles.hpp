// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "devnet/child.hpp"
#include "devnet/layout.hpp"

namespace vcity::cli {

struct RoleProcess {
    ChildSpec spec;
    std::uint16_t ops_port = 0;
};

// Seconds between two blocks of the chain that a development network starts.
inline constexpr std::uint64_t kAnvilBlockSeconds = 1;

// The command lines of a development network: the same subcommands that an operator would run.
ChildSpec anvil_spec(const DevnetLayout& layout, const DevnetOptions& options);
Result<std::vector<RoleProcess>> role_processes(const DevnetLayout& layout,
                                                const DevnetOptions& options,
                                                const std::string& rpc);

struct NodePlan {
    std::string name;
    std::string model_name;
    std::uint16_t ops_port = 0;  // 0: the kernel chooses
    std::uint64_t price_input = 0;
    std::uint64_t price_output = 0;
    std::uint16_t shard = 0;  // its scheduler
};
Result<std::vector<std::string>> node_command(const DevnetLayout& layout,
                                              const DevnetOptions& options,
                                              const std::string& rpc,
                                              const NodePlan& plan);
// Links of one shard: with standbys at every scheduler process, its home first.
Result<std::vector<std::string>> scheduler_links(const DevnetLayout& layout,
                                                 const DevnetOptions& options,
                                                 std::uint16_t shard);

}  // namespace vcity::cli
