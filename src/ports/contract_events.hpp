// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "async/task.hpp"
#include "base/result.hpp"
#include "model/contract_event.hpp"

namespace vcity::ports {

// What the contracts say beside the events of ports::ChainEvents, for the indexer: governance, incentives, the court.
class ContractEvents {
  public:
    virtual ~ContractEvents() = default;
    // In [from, to], in chain order; to - from <= 1,000. kUnavailable, kTimeout: ask again later; kCorrupt: the RPC
    // server answered nonsense.
    virtual Task<Result<std::vector<ContractEvent>>> contract_events(std::uint64_t from, std::uint64_t to) = 0;
};

}  // namespace vcity::ports
