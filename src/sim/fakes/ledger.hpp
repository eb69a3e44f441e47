// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "model/chain.hpp"

namespace vcity::sim {

struct LedgerParams {
    Deployment deployment;
    std::uint32_t fee_bps = 500;
    std::uint64_t window_seconds = 20;  // of challenges; a batch is final after it
    std::uint64_t cap_grace_seconds = 3600;
    Vcai stake_min{1'000'000};
    // A broken contract, to prove that invariants notice: a batch that was posted before is taken, and charged, again.
    bool takes_batches_twice = false;
};

struct LedgerCap {
    SpendingCap cap;
    Usd spent;
    bool is_open = false;
};

struct LedgerBatch {
    BatchHeader header;
    std::vector<Charge> charges;
    Usd total_charged;
    std::uint64_t posted_at = 0;
};

// The rules of NodeRegistry, Escrow and Settlement as plain C++: the state of one block. A transaction either happens
// as a whole or reverts with the contract's reason (kConflict) and changes nothing. Copyable, so that a chain can go
// back to an earlier block.
class Ledger {
  public:
    explicit Ledger(LedgerParams params) : params_{std::move(params)} {}

    // --- transactions
    Result<void> mint(const Address& to, Usd amount);
    // Out of the genesis supply.
    Result<void> give_vcai(const Address& to, Vcai amount);
    Result<void> register_node(const Address& sender, NodeRecord record);
    Result<void> deposit(const Address& sender, const Address& client, Usd amount);
    Result<void> open_cap(const SignedCap& cap, std::uint64_t now);
    Result<void> post_batch(const Address& sender,
                            const BatchHeader& header,
                            const std::vector<Charge>& charges,
                            std::uint64_t now);
    Result<void> claim(const Address& scheduler,
                       std::uint64_t index,
                       const Earning& earning,
                       const std::vector<Hash>& proof,
                       std::uint64_t now);

    // --- views
    std::optional<NodeRecord> node(const Address& identity) const;
    const LedgerCap* cap(const CapId& cap_id) const;
    const std::vector<LedgerBatch>& batches(const Address& scheduler) const;
    std::uint64_t next_index(const Address& scheduler) const { return batches(scheduler).size(); }
    bool is_final(const LedgerBatch& batch, std::uint64_t now) const;
    Usd claimed(const Address& scheduler, const Address& node) const;
    Usd balance(const Address& account) const;
    Vcai vcai_balance(const Address& account) const;
    Usd available(const Address& client) const;
    Usd minted() const { return minted_; }
    Vcai given() const { return given_; }
    const LedgerParams& params() const { return params_; }

    // --- for invariants
    const std::map<Address, Usd>& balances() const { return balances_; }
    const std::map<Address, Vcai>& vcai_balances() const { return vcai_; }
    const std::map<Address, Usd>& all_available() const { return available_; }
    const std::map<CapId, LedgerCap>& caps() const { return caps_; }
    const std::map<Address, Usd>& pools() const { return pools_; }
    const std::map<std::pair<Address, Address>, Usd>& all_claimed() const { return claimed_; }

  private:
    Result<void> move(const Address& from, const Address& to, Usd amount);
    Result<Usd> check_charges(const Address& sender, const std::vector<Charge>& charges, std::uint64_t now) const;
    Result<Usd> check_fee(const BatchHeader& header, Usd total) const;

    LedgerParams params_;
    std::map<Address, Usd> balances_;   // of the stable token, contracts included
    std::map<Address, Vcai> vcai_;      // what is staked is the registry's
    std::map<Address, Usd> available_;  // in the escrow
    std::map<CapId, LedgerCap> caps_;
    std::set<std::pair<Address, std::uint64_t>> nonces_;  // used, by client
    std::map<Address, NodeRecord> nodes_;
    std::map<Address, std::vector<LedgerBatch>> batches_;  // by scheduler
    std::map<Address, Usd> pools_;                         // by scheduler: earned and not claimed
    std::map<std::pair<Address, Address>, Usd> claimed_;   // by scheduler and node
    Usd minted_;
    Vcai given_;
};

}  // namespace vcity::sim
