// SPDX-License-Identifier: Apache-2.0
#include "devnet/chain_setup.hpp"

#include <algorithm>
#include <filesystem>

#include <fmt/core.h>

#include "adapters/chain_evm/contracts.hpp"
#include "codec/hex.hpp"
#include "codec/integer.hpp"
#include "contracts/dev_stable.hpp"
#include "contracts/escrow.hpp"
#include "contracts/node_registry.hpp"
#include "devnet/one_block.hpp"
#include "devnet/roles.hpp"
#include "wiring/chain_connection.hpp"

namespace vcity::cli {
namespace {

namespace fs = std::filesystem;
using adapters::EvmCall;
using wiring::ChainConnection;

constexpr std::chrono::seconds kChainPatience{30};
constexpr std::chrono::milliseconds kAskEvery{100};
constexpr std::uint32_t kUnbondingSeconds = 3'600;
constexpr U128 kEther = 1'000'000'000'000'000'000U;
constexpr U128 kGasMoney = kEther / 2;
constexpr U128 kGasMoneyLeast = kEther / 10;
constexpr U128 kDeployerMoney = kEther * 1000;

Task<Result<void>> await_chain(adapters::AsioRuntime* runtime, adapters::EvmRpc* rpc) {
    const TimePoint deadline = runtime->now() + kChainPatience;
    while (true) {
        const Result<std::uint64_t> chain_id = co_await rpc->chain_id();
        if (chain_id) co_return Result<void>{};
        if (runtime->now() >= deadline) co_return chain_id.error();
        co_await runtime->sleep_until(runtime->now() + kAskEvery);
    }
}

// Only our own anvil takes this; on another chain the deployer brings its own coins.
Task<Result<void>> give_deployer_coins(adapters::EvmRpc* rpc, Address deployer) {
    CO_TRY(const U128 balance, co_await rpc->balance(deployer));
    if (balance >= kDeployerMoney / 10) co_return Result<void>{};
    codec::JsonArray parameters;
    parameters.emplace_back(codec::to_hex(deployer));
    parameters.emplace_back(codec::to_hex(codec::to_u256_wide(kDeployerMoney)));
    CO_TRY_OK(co_await rpc->request("anvil_setBalance", std::move(parameters)));
    co_return Result<void>{};
}

// Our own anvil makes a block a second; while the contracts are deployed it makes one for each transaction at once.
Task<Result<void>> set_instant_blocks(adapters::EvmRpc* rpc, bool is_instant) {
    codec::JsonArray seconds{is_instant ? std::uint64_t{0} : kAnvilBlockSeconds};
    CO_TRY_OK(co_await rpc->request("evm_setIntervalMining", std::move(seconds)));
    codec::JsonArray automine{is_instant};
    CO_TRY_OK(co_await rpc->request("evm_setAutomine", std::move(automine)));
    co_return Result<void>{};
}

Task<Result<Deployment>> deploy_contracts(ChainConnection* chain, DevnetOptions options, adapters::PlanSettings given) {
    CO_TRY(adapters::DeployOptions plan, adapters::load_deploy_options(options.artifacts));
    plan.settings = std::move(given);
    plan.progress_file = options.state + "/deployment.progress.json";
    CO_TRY(adapters::TransactionSender * sender, co_await chain->sender());
    co_return co_await adapters::deploy(chain->runtime(), chain->rpc(), sender, std::move(plan));
}

Task<Result<Deployment>> find_or_deploy(ChainConnection* chain, DevnetOptions options, adapters::PlanSettings given) {
    const std::string path = options.state + "/deployment.json";
    const auto known = adapters::load_deployment(path);
    if (known && !known->find("VCAIToken")) {
        co_return make_error(Errc::kConflict, "the network in " + options.state +
                                                  " was made by an earlier release, without the present contracts: "
                                                  "delete that folder, or give another one with --state");
    }
    if (known) {
        const Result<void> usable = co_await chain->bind(*known);
        if (usable) co_return *known;
    }
    const bool is_ours = options.rpc.empty();
    if (is_ours) {
        CO_TRY_OK(co_await set_instant_blocks(chain->rpc(), true));
    }
    CO_TRY(const Deployment deployment, co_await deploy_contracts(chain, std::move(options), std::move(given)));
    if (is_ours) {
        CO_TRY_OK(co_await set_instant_blocks(chain->rpc(), false));
    }
    CO_TRY_OK(adapters::save_deployment(path, deployment));
    CO_TRY_OK(co_await chain->bind(deployment));
    co_return deployment;
}

// What differs from the plan's profile for development networks.
Result<adapters::PlanSettings> plan_settings(const DevnetLayout& layout, const DevnetOptions& options) {
    TRY(const Address foundation, keystore_address(layout.key("foundation").keystore));
    TRY(const Address guardian, keystore_address(layout.key("guardian").keystore));
    TRY(const Address verifier, keystore_address(layout.key("verifier").keystore));
    adapters::PlanSettings settings;
    settings["foundation"] = codec::to_hex(foundation);
    settings["guardian"] = codec::to_hex(guardian);
    settings["firstVerifier"] = codec::to_hex(verifier);
    settings["Settlement.challengeWindow"] = std::to_string(options.challenge_seconds);
    // The registry must hold a stake for as long as a batch can be challenged.
    settings["NodeRegistry.unbondingDelay"] = std::to_string(std::max(options.challenge_seconds, kUnbondingSeconds));
    return settings;
}

Task<Result<void>> give_coins(ChainConnection* chain, Address account) {
    CO_TRY(const U128 balance, co_await chain->rpc()->balance(account));
    if (balance >= kGasMoneyLeast) co_return Result<void>{};
    CO_TRY_OK(co_await chain->writer()->send_coin(account, kGasMoney));
    co_return Result<void>{};
}

// What an identity stakes is given once: before it is registered.
Task<Result<void>> give_vcai(ChainConnection* chain, Address identity, Vcai amount) {
    CO_TRY(const auto record, co_await chain->reader()->node(identity));
    if (record) co_return Result<void>{};
    CO_TRY(const Vcai balance, co_await chain->reader()->vcai_balance(identity));
    if (balance >= amount) co_return Result<void>{};
    CO_TRY_OK(co_await chain->writer()->send_vcai(identity, amount));
    co_return Result<void>{};
}

Task<Result<Bytes>> view(ChainConnection* chain, Address to, Bytes data) {
    EvmCall call{.from = std::nullopt, .to = to, .data = std::move(data)};
    co_return co_await chain->rpc()->call(std::move(call));
}

Task<Result<Usd>> locked_of(ChainConnection* chain, Deployment deployment, Address client) {
    Bytes data = contracts::escrow::encode_locked_of(client);
    CO_TRY(const Bytes answer, co_await view(chain, deployment.escrow, std::move(data)));
    co_return adapters::decode_usd(answer);
}

Task<Result<void>> fund_client(ChainConnection* deployer,
                               ChainConnection* client,
                               Deployment deployment,
                               Address address) {
    CO_TRY(const Usd available, co_await deployer->reader()->escrow_available(address));
    CO_TRY(const Usd locked, co_await locked_of(deployer, deployment, address));
    if (available.micro + locked.micro > 0) co_return Result<void>{};
    CO_TRY(const Usd wallet, co_await deployer->reader()->stable_balance(address));
    if (wallet < kClientDeposit) {
        CO_TRY_OK(co_await deployer->writer()->mint(address, kClientMoney));
    }
    CO_TRY_OK(co_await client->bind(deployment));
    CO_TRY_OK(co_await client->writer()->deposit(address, kClientDeposit));
    co_return Result<void>{};
}

Vcai stake_of_role(const std::string& name) {
    if (name == "client" || name == "foundation" || name == "guardian" || name == "keeper") return {};
    return name.starts_with("scheduler") ? kSchedulerStake : kNodeStake;
}

Task<Result<void>> fund_accounts(ChainConnection* chain, DevnetLayout layout, std::vector<std::string> names) {
    for (const std::string& name : names) {
        CO_TRY(const Address address, keystore_address(layout.key(name).keystore));
        if (name == "deployer" || name == "gateway") continue;
        CO_TRY_OK(co_await give_coins(chain, address));
        CO_TRY(const Vcai amount, add(stake_of_role(name), kSpareVcai));
        CO_TRY_OK(co_await give_vcai(chain, address, amount));
    }
    co_return Result<void>{};
}

std::vector<std::string> key_names(const DevnetLayout& layout) {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(layout.file("keys"))) {
        if (entry.path().extension() == ".json") names.push_back(entry.path().stem().string());
    }
    std::ranges::sort(names);
    return names;
}

// Views of one block: money that moves while an account after another is read must not be counted twice or not at all.
class BlockView {
  public:
    BlockView(ChainConnection* chain, std::uint64_t block) : chain_{chain}, block_{block} {}

    Task<Result<Bytes>> view(Address to, Bytes data) {
        EvmCall call{.from = std::nullopt, .to = to, .data = std::move(data)};
        co_return co_await chain_->rpc()->call(std::move(call), block_);
    }
    Task<Result<Usd>> usd(Address to, Bytes data) {
        CO_TRY(const Bytes answer, co_await view(to, std::move(data)));
        co_return adapters::decode_usd(answer);
    }

  private:
    ChainConnection* chain_;
    std::uint64_t block_;
};

Task<Result<AccountRow>> account_row(BlockView chain, Deployment deployment, std::string name, Address address) {
    AccountRow row;
    row.name = std::move(name);
    row.address = address;
    CO_TRY(const Address token, deployment.require("VCAIToken"));
    CO_TRY(row.wallet, co_await chain.usd(deployment.stable, adapters::calls::balance_of(address)));
    CO_TRY(const Usd available, co_await chain.usd(deployment.escrow, adapters::calls::available(address)));
    CO_TRY(const Usd locked, co_await chain.usd(deployment.escrow, contracts::escrow::encode_locked_of(address)));
    CO_TRY(row.escrow, add(available, locked));
    CO_TRY(const Bytes vcai, co_await chain.view(token, adapters::calls::balance_of(address)));
    CO_TRY(row.vcai, adapters::decode_vcai(vcai));
    CO_TRY(const Bytes answer, co_await chain.view(deployment.registry, adapters::calls::stake_of(address)));
    CO_TRY(const auto stake, contracts::node_registry::decode_stake_of(answer));
    CO_TRY(row.stake, add(Vcai{stake.active}, Vcai{stake.unbonding}));
    co_return row;
}

// Contracts in which stablecoin comes to rest; what the escrow holds is its clients'.
constexpr std::pair<const char*, const char*> kHolders[] = {
    {"treasury", "Treasury"},
    {"unclaimed", "Settlement"},
    {"market", "Pool"},
    {"agreements", "Agreements"},
    {"buyback", "BuybackExecutor"},
    {"court", "SlashingCourt"},
    {"agents", "AgentNFT"},
    {"agent licences", "LicenseManager"},
    {"agent market", "AgentMarket"},
    {"agent revenue", "RevenueSplitter"},
};

Task<Result<std::uint64_t>> head_number(ChainConnection* chain) {
    CO_TRY(const ChainHead head, co_await chain->reader()->head());
    co_return head.number;
}

Task<Result<DevnetBalances>> balances_at(BlockView chain, DevnetLayout layout, Deployment deployment) {
    DevnetBalances result;
    for (const std::string& name : key_names(layout)) {
        CO_TRY(const Address address, keystore_address(layout.key(name).keystore));
        CO_TRY(AccountRow row, co_await account_row(chain, deployment, name, address));
        result.accounts.push_back(std::move(row));
    }
    for (const auto& [name, contract] : kHolders) {
        CO_TRY(const Address address, deployment.require(contract));
        CO_TRY(AccountRow row, co_await account_row(chain, deployment, name, address));
        result.accounts.push_back(std::move(row));
    }
    for (const AccountRow& row : result.accounts) {
        for (const Usd part : {row.wallet, row.escrow}) {
            CO_TRY(result.sum, add(result.sum, part));
        }
    }
    CO_TRY(result.supply, co_await chain.usd(deployment.stable, contracts::dev_stable::encode_total_supply()));
    co_return result;
}

}  // namespace

Task<Result<DevnetChain>> prepare_chain(adapters::AsioRuntime* runtime, DevnetOptions options, std::string rpc) {
    const DevnetLayout layout{options};
    CO_TRY(const std::vector<std::string> names, prepare_state(layout, options));
    KeyFiles funder = layout.key("deployer");
    if (!options.funder_keystore.empty()) {
        funder = KeyFiles{.keystore = options.funder_keystore, .password_file = options.funder_password_file};
    }
    CO_TRY(crypto::PrivateKey deployer_key, load_key(funder));
    KeySigner deployer{std::move(deployer_key)};
    ChainConnection chain{runtime, rpc, &deployer};
    CO_TRY_OK(co_await await_chain(runtime, chain.rpc()));
    if (options.rpc.empty()) {
        CO_TRY_OK(co_await give_deployer_coins(chain.rpc(), deployer.address()));
    }
    CO_TRY(adapters::PlanSettings given, plan_settings(layout, options));
    CO_TRY(const Deployment deployment, co_await find_or_deploy(&chain, options, std::move(given)));
    CO_TRY_OK(co_await fund_accounts(&chain, layout, names));
    CO_TRY(crypto::PrivateKey client_key, load_key(layout.key("client")));
    KeySigner client{std::move(client_key)};
    ChainConnection client_chain{runtime, rpc, &client};
    CO_TRY_OK(co_await fund_client(&chain, &client_chain, deployment, client.address()));
    co_return DevnetChain{.rpc = std::move(rpc), .deployment = deployment};
}

Task<Result<void>> fund_node(adapters::AsioRuntime* runtime, DevnetLayout layout, std::string rpc, std::string name) {
    CO_TRY(const Deployment deployment, adapters::load_deployment(layout.file("deployment.json")));
    CO_TRY(crypto::PrivateKey key, load_key(layout.key("deployer")));
    KeySigner deployer{std::move(key)};
    ChainConnection chain{runtime, std::move(rpc), &deployer};
    CO_TRY_OK(co_await chain.bind(deployment));
    std::vector<std::string> names{std::move(name)};
    co_return co_await fund_accounts(&chain, layout, std::move(names));
}

Task<Result<DevnetBalances>> read_devnet_balances(adapters::AsioRuntime* runtime,
                                                  DevnetLayout layout,
                                                  std::string rpc) {
    CO_TRY(const Deployment deployment, adapters::load_deployment(layout.file("deployment.json")));
    ChainConnection chain{runtime, std::move(rpc), nullptr};
    CO_TRY_OK(co_await chain.bind(deployment));
    auto head = [&chain] { return head_number(&chain); };
    auto read = [&](std::uint64_t block) { return balances_at(BlockView{&chain, block}, layout, deployment); };
    co_return co_await read_one_block<DevnetBalances>(head, read);
}

}  // namespace vcity::cli
