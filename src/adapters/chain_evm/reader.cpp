// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "adapters/chain_evm/chain.hpp"
#include "adapters/chain_evm/contracts.hpp"
#include "crypto/secp256k1.hpp"

namespace vcity::adapters {
namespace {

EvmCall view(const Address& contract, Bytes data) {
    EvmCall call;
    call.to = contract;
    call.data = std::move(data);
    return call;
}

bool is_after(const ChainHead& block, UnixMillis time) {
    constexpr std::uint64_t kMillis = 1'000;
    return block.timestamp > time.count() / kMillis;
}

}  // namespace

Task<Result<void>> check_chain(EvmRpc* rpc, Deployment deployment) {
    CO_TRY(const std::uint64_t chain_id, co_await rpc->chain_id());
    if (chain_id != deployment.chain_id) {
        co_return make_error(Errc::kInvalid, "wrong chain: " + rpc->url() + " is chain " + std::to_string(chain_id) +
                                                 ", the deployment is on " + std::to_string(deployment.chain_id));
    }
    for (const Address& address : {deployment.stable, deployment.registry, deployment.escrow, deployment.settlement}) {
        CO_TRY(const bool has_code, co_await rpc->has_code(address));
        if (has_code) continue;
        co_return make_error(Errc::kInvalid, "no contract at " + crypto::to_checksum_address(address) + " on chain " +
                                                 std::to_string(chain_id));
    }
    co_return Result<void>{};
}

Task<Result<ChainHead>> EvmChainReader::head() {
    CO_TRY(const EvmBlock block, co_await rpc_->latest_block());
    co_return block.head;
}

// Timestamps never decrease, so a bisection finds the block; it begins at the head, where the answer mostly is.
Task<Result<std::optional<ChainHead>>> EvmChainReader::first_block_after(UnixMillis time) {
    CO_TRY(const EvmBlock head, co_await rpc_->latest_block());
    ChainHead later = head.head;  // the earliest known block after the time
    if (!is_after(later, time)) co_return std::optional<ChainHead>{};
    std::optional<std::uint64_t> earlier;  // the latest known number of a block that is not
    std::uint64_t step = 1;
    while (later.number > 0 && (!earlier || later.number - *earlier > 1)) {
        std::uint64_t number = later.number - std::min(step, later.number);
        if (earlier) number = *earlier + (later.number - *earlier) / 2;
        CO_TRY(const std::optional<EvmBlock> block, co_await rpc_->block(number));
        if (!block) co_return make_error(Errc::kUnavailable, "a block below the head is missing");
        if (is_after(block->head, time)) {
            later = block->head;
        } else {
            earlier = number;
        }
        step *= 2;
    }
    co_return std::optional{later};
}

Task<Result<std::optional<NodeRecord>>> EvmChainReader::node(Address identity) {
    EvmCall node_call = view(deployment_.registry, calls::node_of(identity));
    CO_TRY(const Bytes data, co_await rpc_->call(std::move(node_call)));
    CO_TRY(std::optional<NodeRecord> node, decode_node(identity, data));
    if (!node) co_return std::optional<NodeRecord>{};
    EvmCall active_call = view(deployment_.registry, calls::is_active(identity, node->role));
    CO_TRY(const Bytes active, co_await rpc_->call(std::move(active_call)));
    CO_TRY(node->active, decode_bool(active));
    co_return node;
}

Task<Result<CapState>> EvmChainReader::cap(CapId cap_id) {
    EvmCall call = view(deployment_.escrow, calls::cap_state(cap_id));
    CO_TRY(const Bytes data, co_await rpc_->call(std::move(call)));
    co_return decode_cap(data);
}

Task<Result<std::uint64_t>> EvmChainReader::next_batch_index(Address scheduler) {
    EvmCall call = view(deployment_.settlement, calls::next_index(scheduler));
    CO_TRY(const Bytes data, co_await rpc_->call(std::move(call)));
    co_return decode_u64(data);
}

Task<Result<std::optional<PostedBatch>>> EvmChainReader::batch(Address scheduler, std::uint64_t index) {
    EvmCall batch_call = view(deployment_.settlement, calls::batch_of(scheduler, index));
    CO_TRY(const Bytes data, co_await rpc_->call(std::move(batch_call)));
    CO_TRY(const std::optional<BatchRecord> record, decode_batch(data));
    if (!record) co_return std::optional<PostedBatch>{};
    EvmCall parameters_call = view(deployment_.settlement, calls::settlement_parameters());
    CO_TRY(const Bytes parameters, co_await rpc_->call(std::move(parameters_call)));
    CO_TRY(const std::uint64_t window, decode_challenge_window(parameters));
    CO_TRY(const EvmBlock block, co_await rpc_->latest_block());
    const std::uint64_t our_seconds = runtime_->unix_now().count() / 1'000;
    PostedBatch posted = record->batch;
    posted.posted_at = record->final_at - std::min(window, record->final_at);
    posted.is_final = std::max(our_seconds, block.head.timestamp) >= record->final_at;
    co_return std::optional{posted};
}

Task<Result<Usd>> EvmChainReader::claimed(Address scheduler, Address node) {
    EvmCall call = view(deployment_.settlement, calls::claimed(scheduler, node));
    CO_TRY(const Bytes data, co_await rpc_->call(std::move(call)));
    co_return decode_usd(data);
}

Task<Result<Vcai>> EvmChainReader::vcai_balance(Address account) {
    CO_TRY(const Address token, deployment_.require("VCAIToken"));
    EvmCall call = view(token, calls::balance_of(account));
    CO_TRY(const Bytes data, co_await rpc_->call(std::move(call)));
    co_return decode_vcai(data);
}

Task<Result<std::uint32_t>> EvmChainReader::network_fee_bps() {
    CO_TRY(const Address contract, deployment_.require("NetworkFee"));
    EvmCall call = view(contract, calls::network_fee());
    CO_TRY(const Bytes data, co_await rpc_->call(std::move(call)));
    co_return decode_network_fee(data);
}

Task<Result<Usd>> EvmChainReader::stable_balance(Address account) {
    EvmCall call = view(deployment_.stable, calls::balance_of(account));
    CO_TRY(const Bytes data, co_await rpc_->call(std::move(call)));
    co_return decode_usd(data);
}

Task<Result<Usd>> EvmChainReader::escrow_available(Address client) {
    EvmCall call = view(deployment_.escrow, calls::available(client));
    CO_TRY(const Bytes data, co_await rpc_->call(std::move(call)));
    co_return decode_usd(data);
}

}  // namespace vcity::adapters
