// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <set>

#include "adapters/chain_evm/rpc.hpp"
#include "adapters/chain_evm/transactions.hpp"
#include "model/chain.hpp"
#include "ports/upkeep.hpp"

namespace vcity::adapters {

// ports::Upkeep over JSON-RPC. A call is due when the contract would accept it now, which is asked without sending
// anything; so the contracts' own conditions decide, whatever they are. What agreements, cases, proposals and agents
// there are is learnt from events since the deployment and kept in memory; what is settled for good is forgotten.
class EvmUpkeep final : public ports::Upkeep {
  public:
    EvmUpkeep(EvmRpc* rpc, TransactionSender* sender, const Deployment& deployment)
        : rpc_{rpc}, sender_{sender}, deployment_{deployment} {}

    std::vector<DutyKind> kinds() const override;
    Task<Result<DutyList>> look(DutyKind kind) override;
    Task<Result<DutyOutcome>> perform(Duty duty) override;

  private:
    // The things of one kind that may still need something, and how far events were read.
    struct Subjects {
        std::set<Hash> open;
        std::set<Hash> done;
        std::uint64_t next_block = 0;
        Hash last_looked;  // where the next look goes on: each looks at some
    };
    struct Step {
        std::string name;
        bool is_settled = false;  // nothing will ever be due for this subject again
    };

    Task<Result<void>> read_events(std::string contract, Hash topic, Subjects* subjects);
    Task<Result<void>> read_cases(Subjects* subjects);
    Task<Result<void>> read_subjects(DutyKind kind, Subjects* subjects);
    // Which step the subject needs; an empty name: none now.
    Task<Result<Step>> next_step(DutyKind kind, Hash subject);
    Task<Result<Step>> next_step_of_agreement(DutyKind kind, Hash subject);
    Task<Result<Step>> next_step_of_case(Hash subject);
    Task<Result<Step>> next_step_of_proposal(Hash subject);
    Task<Result<Step>> next_step_of_agent(Hash subject);
    Task<Result<std::uint64_t>> block_time();
    Task<Result<Bytes>> ask(std::string contract, Bytes data);
    Task<Result<bool>> would_succeed(Duty duty);

    EvmRpc* rpc_;
    TransactionSender* sender_;
    Deployment deployment_;
    std::map<DutyKind, Subjects> subjects_;
};

}  // namespace vcity::adapters
