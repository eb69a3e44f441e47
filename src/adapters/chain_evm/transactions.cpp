// SPDX-License-Identifier: Apache-2.0
#include "adapters/chain_evm/transactions.hpp"

#include <algorithm>

#include "adapters/chain_evm/revert.hpp"
#include "codec/hex.hpp"
#include "codec/integer.hpp"

namespace vcity::adapters {
namespace {

using namespace std::chrono_literals;

constexpr int kNoncesMax = 5;
constexpr std::uint64_t kGasReserve = 10'000;
constexpr std::uint64_t kGasMax = 30'000'000;
constexpr U128 kDefaultPriorityFee = 1'000'000'000;
// Looks, a poll apart, before a used nonce without a receipt of ours counts as somebody else's.
constexpr std::uint32_t kMissingMax = 5;
constexpr Duration kTurnMax = 10min;

bool says(const RpcFailure& failure, std::string_view words) {
    std::string text = failure.message;
    std::ranges::transform(text, text.begin(), [](char character) {
        return character >= 'A' && character <= 'Z' ? static_cast<char>(character - 'A' + 'a') : character;
    });
    return text.find(words) != std::string::npos;
}

// Nodes replace a transaction only for at least a tenth more of both fees.
U128 raised(U128 fee) {
    return fee + fee / 4 + 1;
}

Error in_send(Error error) {
    error.message = "transaction: " + error.message;
    return error;
}

// The turn of one caller; the next one is woken at its end.
class Turn {
  public:
    Turn(bool* busy, Notifier* free) : busy_{busy}, free_{free} { *busy_ = true; }
    ~Turn() {
        *busy_ = false;
        free_->notify();
    }
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;

  private:
    bool* busy_;
    Notifier* free_;
};

}  // namespace

Task<Result<EvmReceipt>> TransactionSender::execute(EvmCall call) {
    const TimePoint deadline = runtime_->now() + kTurnMax;
    while (busy_) {
        const bool notified = co_await free_.wait_until(deadline);
        if (!notified && busy_) co_return make_error(Errc::kExhausted, "too many transactions wait before this one");
    }
    const Turn turn{&busy_, &free_};
    co_return co_await execute_alone(std::move(call));
}

Task<Result<EvmReceipt>> TransactionSender::execute_alone(EvmCall call) {
    call.from = account();
    CO_TRY(crypto::FeeMarketTransaction transaction, co_await prepare(call));
    const TimePoint deadline = runtime_->now() + options_.confirm_max;
    for (int round = 0; round < kNoncesMax; ++round) {
        CO_TRY(transaction.nonce, co_await rpc_->transaction_count(account(), "pending"));
        Attempt attempt;
        attempt.transaction = transaction;
        CO_TRY_OK(sign(&attempt));
        CO_TRY(const bool sent, co_await send(&attempt));
        if (!sent) continue;
        CO_TRY(const std::optional<EvmReceipt> receipt, co_await await_receipt(&attempt, deadline));
        if (!receipt) continue;
        if (receipt->succeeded) co_return *receipt;
        const Error reason = co_await explain_failure(std::move(call), receipt->block_number);
        co_return reason;
    }
    co_return make_error(Errc::kUnavailable, "transaction: another program keeps using this account's nonces");
}

Task<Result<crypto::FeeMarketTransaction>> TransactionSender::prepare(EvmCall call) {
    crypto::FeeMarketTransaction transaction;
    transaction.chain_id = chain_id_;
    transaction.to = call.to;
    transaction.data = call.data;
    transaction.value = codec::to_u256_wide(call.value);
    CO_TRY(const std::uint64_t estimate, co_await rpc_->estimate_gas(call));
    if (estimate > kGasMax) co_return make_error(Errc::kExhausted, "needs " + std::to_string(estimate) + " gas");
    transaction.gas = std::min(estimate + estimate * options_.gas_margin_percent / 100 + kGasReserve, kGasMax);
    CO_TRY_OK(co_await set_fees(&transaction));
    co_return transaction;
}

Task<Result<void>> TransactionSender::set_fees(crypto::FeeMarketTransaction* transaction) {
    CO_TRY(const EvmBlock head, co_await rpc_->latest_block());
    const Result<U128> suggested = co_await rpc_->priority_fee();
    // Not every server has the method; what it says is bounded, because it is not trusted with our money.
    const U128 tip = std::min(suggested.value_or(kDefaultPriorityFee), options_.priority_fee_max);
    const U128 base = head.base_fee_per_gas.value_or(0);
    if (base > options_.fee_per_gas_max) {
        co_return make_error(Errc::kExhausted, "gas is too dear: " + codec::to_decimal(base) + " wei");
    }
    transaction->priority_fee_per_gas_max = tip;
    // Twice the base fee stays enough for six full blocks in a row.
    transaction->fee_per_gas_max = std::max(std::min(2 * base + tip, options_.fee_per_gas_max), tip);
    co_return Result<void>{};
}

Result<void> TransactionSender::sign(Attempt* attempt) {
    TRY(const Signature signature, signer_->sign(crypto::signing_hash(attempt->transaction)));
    crypto::SignedTransaction signed_transaction = crypto::attach_signature(attempt->transaction, signature);
    attempt->raw = std::move(signed_transaction.raw);
    attempt->hashes.push_back(signed_transaction.hash);
    return {};
}

Task<Result<bool>> TransactionSender::send(Attempt* attempt) {
    attempt->sent_at = runtime_->now();
    const auto sent = co_await rpc_->send_raw(attempt->raw);
    // A lost answer is no lost transaction: the receipt will tell.
    const bool is_unsure = !sent && (sent.error().code == Errc::kTimeout || sent.error().code == Errc::kUnavailable);
    if (is_unsure) co_return true;
    if (!sent) co_return in_send(sent.error());
    const auto* failure = std::get_if<RpcFailure>(&*sent);
    attempt->is_told = true;
    if (failure == nullptr) {
        if (std::get<Hash>(*sent) == attempt->hashes.back()) co_return true;
        co_return make_error(Errc::kCorrupt, "transaction: the server reports another hash");
    }
    if (says(*failure, "already known") || says(*failure, "already imported")) co_return true;
    if (says(*failure, "nonce too low") || says(*failure, "replacement transaction underpriced")) co_return false;
    if (says(*failure, "insufficient funds")) {
        co_return make_error(Errc::kExhausted, "transaction: no money for gas: " + failure->message);
    }
    if (says(*failure, "underpriced") || says(*failure, "less than block base fee")) {
        co_return make_error(Errc::kUnavailable, "transaction: " + failure->message);
    }
    if (!failure->data.empty()) co_return make_error(Errc::kConflict, describe_revert(failure->data, failure->message));
    co_return make_error(Errc::kUnavailable, "transaction: refused: " + failure->message);
}

Task<Result<std::optional<EvmReceipt>>> TransactionSender::find_receipt(const Attempt* attempt) {
    for (const Hash& hash : attempt->hashes) {
        CO_TRY(const std::optional<EvmReceipt> receipt, co_await rpc_->receipt(hash));
        if (receipt) co_return receipt;
    }
    co_return std::optional<EvmReceipt>{};
}

// A receipt alone is not enough: its block may have been put aside.
Task<Result<bool>> TransactionSender::is_confirmed(const EvmReceipt* receipt) {
    CO_TRY(const std::optional<EvmBlock> block, co_await rpc_->block(receipt->block_number));
    if (!block || block->head.hash != receipt->block_hash) co_return false;
    if (options_.confirmations <= 1) co_return true;
    CO_TRY(const EvmBlock head, co_await rpc_->latest_block());
    co_return head.head.number + 1 >= receipt->block_number + options_.confirmations;
}

Task<Result<bool>> TransactionSender::is_lost(Attempt* attempt) {
    CO_TRY(const std::uint64_t count, co_await rpc_->transaction_count(account(), "latest"));
    attempt->missing_after_use = count > attempt->transaction.nonce ? attempt->missing_after_use + 1 : 0;
    co_return attempt->missing_after_use >= kMissingMax;
}

Task<Result<void>> TransactionSender::raise_fee(Attempt* attempt) {
    crypto::FeeMarketTransaction& transaction = attempt->transaction;
    const crypto::FeeMarketTransaction before = transaction;
    CO_TRY_OK(co_await set_fees(&transaction));
    transaction.priority_fee_per_gas_max =
        std::max(transaction.priority_fee_per_gas_max, raised(before.priority_fee_per_gas_max));
    transaction.fee_per_gas_max = std::max(transaction.fee_per_gas_max, raised(before.fee_per_gas_max));
    if (transaction.fee_per_gas_max > options_.fee_per_gas_max) {
        // The limit is reached; all that is left is to tell forgetful nodes again.
        transaction = before;
        (void)co_await send(attempt);
        co_return Result<void>{};
    }
    CO_TRY_OK(sign(attempt));
    (void)co_await send(attempt);
    co_return Result<void>{};
}

Task<Result<std::optional<EvmReceipt>>> TransactionSender::await_receipt(Attempt* attempt, TimePoint deadline) {
    Duration pause = options_.poll_first;
    std::string trouble = "not in a block";
    while (runtime_->now() < deadline) {
        const auto receipt = co_await find_receipt(attempt);
        const std::optional<EvmReceipt> found = receipt ? *receipt : std::nullopt;
        if (found) {
            const EvmReceipt candidate = *found;
            const Result<bool> confirmed = co_await is_confirmed(&candidate);
            if (confirmed && *confirmed) co_return std::optional{candidate};
        } else if (receipt) {
            const Result<bool> lost = co_await is_lost(attempt);
            if (lost && *lost) co_return std::optional<EvmReceipt>{};
            if (!attempt->is_told) {
                (void)co_await send(attempt);
            } else if (runtime_->now() - attempt->sent_at >= options_.replace_after) {
                CO_TRY_OK(co_await raise_fee(attempt));
            }
        } else {
            trouble = receipt.error().message;
        }
        co_await runtime_->sleep_until(std::min(runtime_->now() + pause, deadline));
        pause = std::min(pause * 2, options_.poll_max);
    }
    co_return make_error(Errc::kTimeout, "transaction " + codec::to_hex(attempt->hashes.back()) + ": " + trouble);
}

// The chain keeps no reason; running the call on the state it met usually tells it.
Task<Error> TransactionSender::explain_failure(EvmCall call, std::uint64_t block) {
    const Result<Bytes> again = co_await rpc_->call(std::move(call), block);
    if (!again && again.error().code == Errc::kConflict) co_return again.error();
    co_return make_error(Errc::kConflict, "reverted in block " + std::to_string(block));
}

}  // namespace vcity::adapters
