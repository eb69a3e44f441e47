// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "adapters/chain_evm/rpc.hpp"
#include "adapters/chain_evm/transactions.hpp"
#include "model/chain.hpp"
#include "ports/chain.hpp"

namespace vcity::adapters {

// Whether the server's chain is that of the deployment and holds its contracts: to be asked once, before anything else.
// kInvalid: another chain, or no contract at one of the addresses.
Task<Result<void>> check_chain(EvmRpc* rpc, Deployment deployment);

// ports::ChainReader over JSON-RPC.
class EvmChainReader final : public ports::ChainReader {
  public:
    EvmChainReader(Runtime* runtime, EvmRpc* rpc, const Deployment& deployment)
        : runtime_{runtime}, rpc_{rpc}, deployment_{deployment} {}

    Task<Result<ChainHead>> head() override;
    // About twice as many calls as the binary logarithm of how many blocks the answer lies behind the head.
    Task<Result<std::optional<ChainHead>>> first_block_after(UnixMillis time) override;
    Task<Result<std::optional<NodeRecord>>> node(Address identity) override;
    Task<Result<CapState>> cap(CapId cap_id) override;
    Task<Result<std::uint64_t>> next_batch_index(Address scheduler) override;
    // A batch counts as final when its window is over by the head's time or by our clock: a chain that makes blocks
    // only for transactions would otherwise never get there, and the claim's own block will have the later time.
    Task<Result<std::optional<PostedBatch>>> batch(Address scheduler, std::uint64_t index) override;
    Task<Result<Usd>> claimed(Address scheduler, Address node) override;
    Task<Result<Usd>> stable_balance(Address account) override;
    Task<Result<Vcai>> vcai_balance(Address account) override;
    Task<Result<Usd>> escrow_available(Address client) override;
    Task<Result<std::uint32_t>> network_fee_bps() override;

  private:
    Runtime* runtime_;
    EvmRpc* rpc_;
    Deployment deployment_;
};

// ports::ChainWriter over JSON-RPC. Writers of one account must share one TransactionSender.
class EvmChainWriter final : public ports::ChainWriter {
  public:
    EvmChainWriter(Runtime* runtime, EvmRpc* rpc, TransactionSender* sender, const Deployment& deployment)
        : runtime_{runtime}, rpc_{rpc}, sender_{sender}, deployment_{deployment} {}

    Address account() const override { return sender_->account(); }
    // Approves and pulls the stake from the account's VCAI; node.identity must be the account.
    Task<Result<Hash>> register_node(NodeRecord node) override;
    Task<Result<Hash>> deposit(Address client, Usd amount) override;
    Task<Result<Hash>> open_cap(SignedCap cap) override;
    Task<Result<Hash>> post_batch(BatchHeader header, std::vector<Charge> charges) override;
    Task<Result<Hash>> claim(Address scheduler, std::uint64_t index, Earning earning, std::vector<Hash> proof) override;

    // Beyond the port, for the command line.
    Task<Result<Hash>> deposit_with_permit(ports::Signer* signer, Address client, Usd amount);
    Task<Result<Hash>> release_cap(CapId cap_id);
    Task<Result<Hash>> request_withdraw(Usd amount);
    Task<Result<Hash>> withdraw();
    // DevStable only.
    Task<Result<Hash>> mint(Address to, Usd amount);
    Task<Result<Hash>> send_vcai(Address to, Vcai amount);
    // The chain's own coin, for gas; in wei.
    Task<Result<Hash>> send_coin(Address to, U128 wei);

  private:
    Task<Result<Hash>> execute(Address to, Bytes data);
    // Lets spender take at least that amount of the token.
    Task<Result<void>> approve(Address token, Address spender, U128 amount);

    Runtime* runtime_;
    EvmRpc* rpc_;
    TransactionSender* sender_;
    Deployment deployment_;
};

// ports::ChainEvents over JSON-RPC. kUnavailable when the chain was reorganised while it was read. Besides what events
// tell, an unbonding is told as StakeChanged, with the stake after that block.
class EvmChainEvents final : public ports::ChainEvents {
  public:
    EvmChainEvents(EvmRpc* rpc, const Deployment& deployment) : rpc_{rpc}, deployment_{deployment} {}

    Task<Result<ChainHead>> head() override;
    Task<Result<std::optional<Hash>>> block_hash(std::uint64_t number) override;
    Task<Result<std::vector<ChainEvent>>> events(std::uint64_t from, std::uint64_t to) override;

  private:
    Task<Result<std::optional<Vcai>>> stake_after(Address identity, std::uint64_t block);

    EvmRpc* rpc_;
    Deployment deployment_;
};

}  // namespace vcity::adapters
