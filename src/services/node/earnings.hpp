// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "async/runtime.hpp"
#include "ports/chain.hpp"
#include "ports/store.hpp"

namespace vcity::node {

// What a node has earned with one scheduler. Gross amounts are what clients pay; the network fee comes off them.
struct Earnings {
    std::uint64_t receipts = 0;  // countersigned
    Usd gross;                   // sum of their amounts
    std::uint64_t unacknowledged = 0;
    Usd unacknowledged_gross;
    Usd claimed;  // paid out on chain, net of the fee
};

// Reads the node's own store and the chain; for the CLI and the status page. The node may be running or not.
Task<Result<Earnings>> read_earnings(
    Runtime* runtime, ports::Store* store, ports::ChainReader* chain, Address scheduler, Address node);

}  // namespace vcity::node
