// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "adapters/chain_evm/rpc.hpp"
#include "model/chain.hpp"

namespace vcity::adapters {

// An identity announced an unbonding: its new stake is not in the log.
struct UnbondingStarted {
    Address identity;
    std::uint64_t block_number = 0;
    std::size_t position = 0;  // in the events: where its StakeChanged belongs
};

struct DecodedLogs {
    std::vector<ChainEvent> events;
    std::vector<UnbondingStarted> unbondings;
};

// Logs of our contracts to events, in chain order. A registration is one event with what the three logs of its
// transaction say together. Logs of other kinds are passed over; a log of ours that does not decode is kCorrupt.
Result<DecodedLogs> decode_logs(const Deployment& deployment, std::vector<EvmLog> logs);

// The events it knows, as "Name(type indexed name,type name)". A test compares them with the contracts' ABIs.
std::vector<std::string_view> known_events();

}  // namespace vcity::adapters
