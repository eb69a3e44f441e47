// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "adapters/chain_evm/rpc.hpp"
#include "async/channel.hpp"
#include "crypto/transaction.hpp"
#include "ports/signer.hpp"

namespace vcity::adapters {

struct EvmTransactionOptions {
    // From sending to the block; after it the effect is unknown.
    Duration confirm_max = std::chrono::seconds{90};
    Duration poll_first = std::chrono::milliseconds{50};
    Duration poll_max = std::chrono::seconds{1};
    // Without a block for so long, the same transaction is sent again with a higher fee.
    Duration replace_after = std::chrono::seconds{20};
    // Blocks that hold the transaction or follow it before it counts; 1: its own.
    std::uint64_t confirmations = 1;
    std::uint64_t gas_margin_percent = 25;
    U128 priority_fee_max = 50'000'000'000;    // wei per gas
    U128 fee_per_gas_max = 1'000'000'000'000;  // wei per gas, base fee included
};

// Sends transactions of one account, one after another: each gets its nonce when the one before is in a block, so a
// failed one leaves no gap. It survives a lost answer (the transaction's hash is known before it is sent), a node that
// forgot the transaction or put its block aside, a fee that became too low, and a nonce that somebody else used with
// the same key.
class TransactionSender {
  public:
    TransactionSender(Runtime* runtime,
                      EvmRpc* rpc,
                      ports::Signer* signer,
                      std::uint64_t chain_id,
                      EvmTransactionOptions options = {})
        : runtime_{runtime}, rpc_{rpc}, signer_{signer}, chain_id_{chain_id}, options_{options}, free_{runtime} {}

    Address account() const { return signer_->address(); }
    // kConflict: it would revert, or did; the message says why. kExhausted: no money for gas, or gas too dear.
    // kTimeout: the effect is unknown.
    Task<Result<EvmReceipt>> execute(EvmCall call);

  private:
    // A nonce with everything that was sent under it: any of these transactions may be the one in a block.
    struct Attempt {
        crypto::FeeMarketTransaction transaction;
        std::vector<Hash> hashes;
        Bytes raw;
        TimePoint sent_at;
        bool is_told = false;  // the server has answered, whatever it said
        std::uint32_t missing_after_use = 0;
    };

    Task<Result<EvmReceipt>> execute_alone(EvmCall call);
    Task<Result<crypto::FeeMarketTransaction>> prepare(EvmCall call);
    Task<Result<void>> set_fees(crypto::FeeMarketTransaction* transaction);
    // False: the nonce was already used; take another.
    Task<Result<bool>> send(Attempt* attempt);
    Result<void> sign(Attempt* attempt);
    // nullopt: the nonce went to another transaction.
    Task<Result<std::optional<EvmReceipt>>> await_receipt(Attempt* attempt, TimePoint deadline);
    Task<Result<std::optional<EvmReceipt>>> find_receipt(const Attempt* attempt);
    Task<Result<bool>> is_confirmed(const EvmReceipt* receipt);
    Task<Result<bool>> is_lost(Attempt* attempt);
    Task<Result<void>> raise_fee(Attempt* attempt);
    Task<Error> explain_failure(EvmCall call, std::uint64_t block);

    Runtime* runtime_;
    EvmRpc* rpc_;
    ports::Signer* signer_;
    std::uint64_t chain_id_;
    EvmTransactionOptions options_;
    Notifier free_;
    bool busy_ = false;
};

}  // namespace vcity::adapters
