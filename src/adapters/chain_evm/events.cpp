// SPDX-License-Identifier: Apache-2.0
#include "adapters/chain_evm/chain.hpp"
#include "adapters/chain_evm/contracts.hpp"
#include "adapters/chain_evm/logs.hpp"
#include "codec/abi.hpp"

namespace vcity::adapters {
namespace {

constexpr std::uint64_t kBlocksMax = 1'000;

}  // namespace

Task<Result<ChainHead>> EvmChainEvents::head() {
    CO_TRY(const EvmBlock block, co_await rpc_->latest_block());
    co_return block.head;
}

Task<Result<std::optional<Hash>>> EvmChainEvents::block_hash(std::uint64_t number) {
    CO_TRY(const std::optional<EvmBlock> block, co_await rpc_->block(number));
    if (!block) co_return std::optional<Hash>{};
    co_return std::optional{block->head.hash};
}

Task<Result<std::vector<ChainEvent>>> EvmChainEvents::events(std::uint64_t from, std::uint64_t to) {
    if (from > to || to - from > kBlocksMax) co_return make_error(Errc::kInvalid, "events: too many blocks, or none");
    // The last block names all before it: when it is the same before and after, all logs are of one chain.
    CO_TRY(const std::optional<Hash> before, co_await block_hash(to));
    std::vector<Address> addresses{deployment_.registry, deployment_.escrow, deployment_.settlement};
    if (const std::optional<Address> agreements = deployment_.find("Agreements")) addresses.push_back(*agreements);
    CO_TRY(std::vector<EvmLog> logs, co_await rpc_->logs(std::move(addresses), from, to));
    for (const EvmLog& log : logs) {
        if (log.block_number < from || log.block_number > to) {
            co_return make_error(Errc::kCorrupt, "events: a log of another block than asked for");
        }
    }
    CO_TRY(DecodedLogs decoded, decode_logs(deployment_, std::move(logs)));
    for (const UnbondingStarted& unbonding : decoded.unbondings) {
        CO_TRY(const std::optional<Vcai> stake, co_await stake_after(unbonding.identity, unbonding.block_number));
        if (stake) std::get<StakeChanged>(decoded.events[unbonding.position].what).stake = *stake;
    }
    CO_TRY(const std::optional<Hash> after, co_await block_hash(to));
    if (before != after) co_return make_error(Errc::kUnavailable, "events: the chain moved while it was read");
    co_return std::move(decoded.events);
}

// Servers that do not keep old states give what is true now; whatever changed in between has an event of its own.
Task<Result<std::optional<Vcai>>> EvmChainEvents::stake_after(Address identity, std::uint64_t block) {
    EvmCall call;
    call.to = deployment_.registry;
    call.data = calls::stake_of(identity);
    Result<Bytes> data = co_await rpc_->call(call, block);
    if (!data) {
        data = co_await rpc_->call(std::move(call));
    }
    if (!data) co_return data.error();
    CO_TRY(const Vcai stake, decode_stake(*data));
    co_return std::optional{stake};
}

}  // namespace vcity::adapters
