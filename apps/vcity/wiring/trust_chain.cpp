// SPDX-License-Identifier: Apache-2.0
#include "wiring/trust_chain.hpp"

#include <algorithm>
#include <utility>

#include "contracts/vcai_token.hpp"
#include "crypto/eip712.hpp"
#include "wiring/chain.hpp"
#include "wiring/run.hpp"

namespace vcity::wiring {
namespace {

constexpr std::uint64_t kBlocksPerRequest = 5'000;

Task<Result<Bytes>> read(ChainConnection* chain, Address to, Bytes data) {
    adapters::EvmCall call;
    call.to = to;
    call.data = std::move(data);
    co_return co_await chain->rpc()->call(std::move(call));
}

Task<Result<Hash>> write(ChainConnection* chain, Address to, Bytes data) {
    CO_TRY(adapters::TransactionSender * sender, co_await chain->sender());
    adapters::EvmCall call;
    call.to = to;
    call.data = std::move(data);
    CO_TRY(const adapters::EvmReceipt receipt, co_await sender->execute(std::move(call)));
    co_return receipt.transaction;
}

Task<Result<std::uint64_t>> block_time(ChainConnection* chain) {
    CO_TRY(const adapters::EvmBlock block, co_await chain->rpc()->latest_block());
    co_return block.head.timestamp;
}

Task<Result<std::vector<adapters::EvmLog>>> read_logs(ChainConnection* chain, Address contract, std::uint64_t from) {
    CO_TRY(const adapters::EvmBlock block, co_await chain->rpc()->latest_block());
    std::vector<adapters::EvmLog> all;
    while (from <= block.head.number) {
        const std::uint64_t to = std::min(block.head.number, from + kBlocksPerRequest - 1);
        std::vector<Address> addresses(1, contract);
        CO_TRY(std::vector<adapters::EvmLog> logs, co_await chain->rpc()->logs(std::move(addresses), from, to));
        std::move(logs.begin(), logs.end(), std::back_inserter(all));
        from = to + 1;
    }
    co_return all;
}

}  // namespace

Result<std::unique_ptr<TrustChain>> TrustChain::open(const cli::Settings& settings,
                                                     std::optional<crypto::PrivateKey> key) {
    TRY(Deployment deployment, load_deployment(settings));
    if (settings.rpc.value.empty()) {
        return make_error(Errc::kInvalid, "no chain is set: give its JSON-RPC URL with VCITY_RPC");
    }
    std::unique_ptr<TrustChain> chain{new TrustChain};
    chain->deployment_ = std::move(deployment);
    if (key) chain->signer_.emplace(*std::move(key));
    chain->chain_ = std::make_unique<ChainConnection>(&chain->runtime_, settings.rpc.value,
                                                      chain->signer_ ? &*chain->signer_ : nullptr);
    TRY_OK(run_task(&chain->runtime_, chain->chain_->bind(chain->deployment_)));
    return chain;
}

Result<Address> TrustChain::of(std::string_view contract) const {
    const std::optional<Address> found = deployment_.find(contract);
    if (!found) return make_error(Errc::kNotFound, "this deployment has no contract " + std::string{contract});
    return *found;
}

std::string TrustChain::name_of(const Address& address) const {
    for (const auto& [name, contract] : deployment_.contracts) {
        if (contract == address) return name;
    }
    return crypto::to_checksum_address(address);
}

Result<Bytes> TrustChain::call(const Address& contract, Bytes data) {
    return run_task(&runtime_, read(chain_.get(), contract, std::move(data)));
}

Result<std::uint64_t> TrustChain::now() {
    return run_task(&runtime_, block_time(chain_.get()));
}

Result<std::vector<adapters::EvmLog>> TrustChain::logs(std::string_view contract) {
    TRY(const Address address, of(contract));
    return run_task(&runtime_, read_logs(chain_.get(), address, deployment_.block));
}

Result<Hash> TrustChain::typed_digest(std::string_view contract,
                                      std::string domain_name,
                                      std::string_view type,
                                      const std::vector<U256>& words) const {
    TRY(const Address address, of(contract));
    const crypto::Eip712Domain domain{std::move(domain_name), "1", deployment_.chain_id, address};
    return crypto::eip712_digest(domain, crypto::hash_struct(type, words));
}

Result<Hash> TrustChain::execute(std::string_view contract, Bytes data) {
    TRY(const Address address, of(contract));
    return run_task(&runtime_, write(chain_.get(), address, std::move(data)));
}

Result<void> TrustChain::allow(const Address& token, std::string_view spender, const Uint256& amount) {
    namespace erc20 = contracts::vcai_token;
    TRY(const Address to, of(spender));
    TRY(const Uint256 allowed, ask_at(token, erc20::encode_allowance(account(), to), erc20::decode_allowance));
    if (allowed >= amount) return {};
    TRY_OK(run_task(&runtime_, write(chain_.get(), token, erc20::encode_approve(to, amount))));
    return {};
}

}  // namespace vcity::wiring
