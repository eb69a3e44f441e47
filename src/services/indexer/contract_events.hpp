// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/vcai.hpp"
#include "model/contract_event.hpp"
#include "services/indexer/draft.hpp"

namespace vcity::indexer {

// Every event leaves a row among the events; those of the governance, incentive and court contracts make locks,
// proposals with their votes, periods of incentives, changes of the network's fee, and cases. Both live until the task
// ends. kCorrupt: the events contradict each other.
Task<Result<void>> apply_contract_event(Draft* draft, const ContractEvent* what);

// The contract's own ProposalState at that time of the chain (VCAIGovernor.state), from a record of kProposalPrefix.
std::string_view proposal_state(const codec::Json& proposal, std::uint64_t now_unix_seconds);

// floor(root * (end - now) / T_max) of a record of kLockPrefix; zero once it has ended.
Vcai lock_weight(const codec::Json& lock, std::uint64_t now_unix_seconds);

}  // namespace vcity::indexer
