// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "operator/node_chain.hpp"
#include "operator/self_check.hpp"

namespace vcity::cli {

// What the checks of a machine look at.
struct HostQuestion {
    std::string state;   // folder of the node; its disk is checked
    std::string worker;  // program; empty: beside this one
    std::string model;   // folder; empty: not checked
};
// The machine alone: system, processor, memory, disk, sandbox, worker, model, GPUs, container engine, service manager.
std::vector<SelfCheck> check_host(const HostQuestion& question);

struct NetworkQuestion {
    ChainPlace chain;
    std::vector<std::string> scheduler_links;
};
// The chain's server, that it has the contracts, the clock, and every link to the scheduler.
std::vector<SelfCheck> check_network(const NetworkQuestion& question);

// The identity: gas, stake and standing. `may_pay`: what is missing comes from elsewhere, so it is only warned of.
std::vector<SelfCheck> check_standing(const Standing& standing, Vcai stake_wanted, bool may_pay);

// A keystore that only its owner can read.
SelfCheck check_key_file(const std::string& path);
SelfCheck check_sandbox();
SelfCheck check_disk(const std::string& folder);

inline constexpr U128 kGasLeast = 10'000'000'000'000'000U;  // 0.01 coins: a registration with room to spare
inline constexpr U128 kGasSent = 50'000'000'000'000'000U;   // 0.05: what join sends from the owner's wallet

}  // namespace vcity::cli
