// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>

#include "adapters/runtime_asio/runtime.hpp"
#include "devnet/layout.hpp"
#include "model/chain.hpp"

namespace vcity::cli {

// Money on a development network. A VCAI is 0.10 dollars there, so a scheduler needs 10,000 VCAI and a GPU 1,000, and
// what is asked for may rise with the network's load.
inline constexpr Vcai kSchedulerStake{20'000 * kWeiPerVcai};
inline constexpr Vcai kNodeStake{4'000 * kWeiPerVcai};
inline constexpr Vcai kSpareVcai{10'000 * kWeiPerVcai};  // to lock, to vote and for bonds
inline constexpr Usd kClientMoney{100'000'000};
inline constexpr Usd kClientDeposit{50'000'000};
inline constexpr Usd kClientCap{25'000'000};

struct DevnetChain {
    std::string rpc;
    Deployment deployment;
};

// Waits for the chain, and makes sure that contracts are deployed and that every account has gas and the stablecoin it
// stakes or spends. Does only what is missing, so a second start on the same chain changes nothing.
Task<Result<DevnetChain>> prepare_chain(adapters::AsioRuntime* runtime, DevnetOptions options, std::string rpc);

// Gas and stake for one more node of a network that is up.
Task<Result<void>> fund_node(adapters::AsioRuntime* runtime, DevnetLayout layout, std::string rpc, std::string name);

// One row for every account of the network and every contract that holds stablecoin, and the sum, which must be its
// supply.
struct AccountRow {
    std::string name;
    Address address;
    Usd wallet;
    Usd escrow;  // available and locked, for clients
    Vcai vcai;
    Vcai stake;  // what is unbonding included
};
struct DevnetBalances {
    std::vector<AccountRow> accounts;
    Usd sum;
    Usd supply;
};
Task<Result<DevnetBalances>> read_devnet_balances(adapters::AsioRuntime* runtime, DevnetLayout layout, std::string rpc);

}  // namespace vcity::cli
