// SPDX-License-Identifier: Apache-2.0
#include "wiring/chain.hpp"

#include <chrono>

#include "cli/keys.hpp"
#include "market/typed_hashes.hpp"
#include "services/gateway/keys/key_record.hpp"
#include "wiring/chain_connection.hpp"
#include "wiring/run.hpp"

namespace vcity::wiring {
namespace {

constexpr std::uint64_t kSecondsPerDay = 86'400;

Result<std::string> rpc_of(const cli::Settings& settings) {
    if (settings.rpc.value.empty()) {
        return make_error(Errc::kInvalid, "no chain is set: name its JSON-RPC URL with VCITY_RPC");
    }
    return settings.rpc.value;
}

Task<Result<AccountBalances>> balances_of(ChainConnection* chain, Deployment deployment, Address account) {
    CO_TRY_OK(co_await chain->bind(deployment));
    AccountBalances balances;
    CO_TRY(balances.wallet, co_await chain->reader()->stable_balance(account));
    CO_TRY(balances.escrow_available, co_await chain->reader()->escrow_available(account));
    co_return balances;
}

Task<Result<std::optional<PostedBatch>>> batch_of(ChainConnection* chain,
                                                  Deployment deployment,
                                                  Address scheduler,
                                                  std::uint64_t index) {
    CO_TRY_OK(co_await chain->bind(deployment));
    co_return co_await chain->reader()->batch(scheduler, index);
}

Task<Result<Hash>> deposit_from(ChainConnection* chain,
                                Deployment deployment,
                                ports::Signer* signer,
                                DepositTerms terms) {
    CO_TRY_OK(co_await chain->bind(deployment));
    const Address client = signer->address();
    if (!terms.by_permit) {
        co_return co_await chain->writer()->deposit(client, terms.amount);
    }
    co_return co_await chain->writer()->deposit_with_permit(signer, client, terms.amount);
}

}  // namespace

Result<Deployment> load_deployment(const cli::Settings& settings) {
    if (settings.deployment.value.empty()) {
        return make_error(Errc::kInvalid,
                          "no deployment file is set: name the network's deployment.json with "
                          "VCITY_DEPLOYMENT");
    }
    return adapters::load_deployment(settings.deployment.value);
}

Result<AccountBalances> read_balances(const cli::Settings& settings, const Address& account) {
    TRY(const Deployment deployment, load_deployment(settings));
    TRY(const std::string rpc, rpc_of(settings));
    adapters::AsioRuntime runtime;
    ChainConnection chain{&runtime, rpc, nullptr};
    return run_task(&runtime, balances_of(&chain, deployment, account));
}

Result<std::optional<PostedBatch>> read_batch(const cli::Settings& settings,
                                              const Address& scheduler,
                                              std::uint64_t index) {
    TRY(const Deployment deployment, load_deployment(settings));
    TRY(const std::string rpc, rpc_of(settings));
    adapters::AsioRuntime runtime;
    ChainConnection chain{&runtime, rpc, nullptr};
    return run_task(&runtime, batch_of(&chain, deployment, scheduler, index));
}

Result<Hash> deposit(const cli::Settings& settings, crypto::PrivateKey key, const DepositTerms& terms) {
    TRY(const Deployment deployment, load_deployment(settings));
    TRY(const std::string rpc, rpc_of(settings));
    adapters::AsioRuntime runtime;
    cli::KeySigner signer{std::move(key)};
    ChainConnection chain{&runtime, rpc, &signer};
    return run_task(&runtime, deposit_from(&chain, deployment, &signer, terms));
}

Result<SignedCapText> sign_cap(const Deployment& deployment, const crypto::PrivateKey& key, const CapTerms& terms) {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    const auto milliseconds =
        static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(now).count());
    SignedCapText result;
    result.cap.cap = {.client = key.address(),
                      .scheduler = terms.scheduler,
                      .limit = terms.limit,
                      .expiry_unix_seconds = milliseconds / 1000 + terms.days * kSecondsPerDay,
                      .nonce = terms.nonce == 0 ? milliseconds : terms.nonce};
    result.cap.signature = key.sign(market::cap_digest(deployment, result.cap.cap));
    result.json = gateway::to_json(result.cap);
    return result;
}

}  // namespace vcity::wiring
