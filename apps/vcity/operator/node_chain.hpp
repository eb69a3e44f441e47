// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/amount.hpp"
#include "base/vcai.hpp"
#include "cli/keys.hpp"
#include "model/chain.hpp"

namespace vcity::cli {

// Where the chain and its contracts are.
struct ChainPlace {
    std::string rpc;
    std::string deployment;  // path of deployment.json
};

// What the chain knows of a node's identity. Amounts of the chain's own coin are in wei.
struct Standing {
    U128 coin = 0;  // for gas
    Usd stable;     // paid out
    Vcai vcai;      // not staked
    bool is_registered = false;
    bool is_active = false;
    bool is_banned = false;
    Vcai stake;
    Vcai required;                      // for this GPU model now; of a registered identity: what it is held to
    Vcai held_by_court;                 // taken from the stake while a case is open
    std::uint64_t suspended_until = 0;  // unix seconds; 0: not
    std::uint64_t block_time = 0;       // of the newest block, unix seconds
    std::uint32_t fee_bps = 0;          // network fee on what clients pay
};
Result<Standing> read_standing(const ChainPlace& place, const Address& identity, const std::string& gpu_model);

// One payout of a settlement to a node.
struct Payout {
    Address scheduler;
    Usd amount;
    std::uint64_t batch = 0;
    std::uint64_t block = 0;
    Hash transaction;
};
Result<std::vector<Payout>> read_payouts(const ChainPlace& place, const Address& node);

// Sends coin and VCAI from the owner's wallet; zero amounts are left out.
Result<void> send_funds(const ChainPlace& place, crypto::PrivateKey from, const Address& to, U128 coin, Vcai vcai);
// Stakes and registers, or does nothing when that is done. kDenied: in another role, or not active.
Result<void> register_on_chain(const ChainPlace& place, crypto::PrivateKey identity, NodeRecord record);

// "0.05" of 10^18 base units, at most 6 decimals, rounded down.
std::string coin_text(U128 wei);

}  // namespace vcity::cli
