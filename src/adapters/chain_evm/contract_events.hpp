// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>
#include <utility>
#include <vector>

#include "adapters/chain_evm/rpc.hpp"
#include "model/chain.hpp"
#include "ports/contract_events.hpp"

namespace vcity::adapters {

// The contracts of a deployment whose events are told, by name and address. Tokens are not among them: nobody asks for
// every transfer.
std::vector<std::pair<std::string_view, Address>> followed_contracts(const Deployment& deployment);

// Logs of those contracts, in chain order. What decode_logs() knows is left to it, and what no ABI declares is passed
// over; kCorrupt: the same log twice.
Result<std::vector<ContractEvent>> decode_contract_logs(const Deployment& deployment, std::vector<EvmLog> logs);

class EvmContractEvents final : public ports::ContractEvents {
  public:
    EvmContractEvents(EvmRpc* rpc, const Deployment& deployment) : rpc_{rpc}, deployment_{deployment} {}

    Task<Result<std::vector<ContractEvent>>> contract_events(std::uint64_t from, std::uint64_t to) override;

  private:
    EvmRpc* rpc_;
    Deployment deployment_;
};

}  // namespace vcity::adapters
