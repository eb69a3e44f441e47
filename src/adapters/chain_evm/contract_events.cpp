// SPDX-License-Identifier: Apache-2.0
#include "adapters/chain_evm/contract_events.hpp"

#include <algorithm>
#include <set>
#include <string>
#include <tuple>

#include "adapters/chain_evm/logs.hpp"
#include "codec/hex.hpp"
#include "contracts/tables.hpp"
#include "crypto/keccak.hpp"

namespace vcity::adapters {
namespace {

constexpr std::uint64_t kBlocksMax = 1'000;

// "Deposited(address indexed client,uint128 amount)" -> the hash of "Deposited(address,uint128)".
Hash topic_of(std::string_view declaration) {
    std::string signature{declaration.substr(0, declaration.find('(') + 1)};
    std::string_view list = declaration.substr(signature.size());
    list.remove_suffix(1);
    while (!list.empty()) {
        const std::string_view item = list.substr(0, list.find(','));
        if (signature.back() != '(') signature += ",";
        signature += item.substr(0, item.find(' '));
        list.remove_prefix(std::min(item.size() + 1, list.size()));
    }
    return crypto::keccak256_text(signature + ")");
}

// Events with types of their own, and the contracts that they are of.
bool is_told_elsewhere(const Deployment& deployment, const EvmLog& log) {
    static const std::set<Hash> topics = [] {
        std::set<Hash> known;
        for (const std::string_view declaration : known_events()) known.insert(topic_of(declaration));
        return known;
    }();
    const bool is_of_them = log.address == deployment.registry || log.address == deployment.escrow ||
                            log.address == deployment.settlement || deployment.find("Agreements") == log.address;
    return is_of_them && topics.contains(log.topics.front());
}

// Addresses as everywhere in our answers: in lower case.
std::string text_of(const contracts::NamedValue& value) {
    const Result<Address> address = codec::abi_to_address(value.value);
    if (value.type == "address" && address) return codec::to_hex(*address);
    return contracts::format_value(value.type, value.value);
}

}  // namespace

std::vector<std::pair<std::string_view, Address>> followed_contracts(const Deployment& deployment) {
    constexpr std::string_view kFollowed[] = {
        "VeVCAI",      "VCAIGovernor",      "Guardian",   "Treasury",       "BuybackExecutor", "NodeRegistry",
        "Escrow",      "NetworkFee",        "Settlement", "Agreements",     "RewardRoots",     "IncentiveController",
        "VerifierSet", "SlashingCourt",     "Reputation", "FraudProofs",    "AgentNFT",        "RevenueSplitter",
        "AgentMarket", "StrategicIssuance", "Repricing",  "LicenseManager", "VestingVault",
    };
    std::vector<std::pair<std::string_view, Address>> found;
    for (const std::string_view name : kFollowed) {
        if (const std::optional<Address> address = deployment.find(name)) found.emplace_back(name, *address);
    }
    return found;
}

Result<std::vector<ContractEvent>> decode_contract_logs(const Deployment& deployment, std::vector<EvmLog> logs) {
    const auto place = [](const EvmLog& log) { return std::tuple{log.block_number, log.log_index}; };
    std::ranges::sort(logs, {}, place);
    if (std::ranges::adjacent_find(logs, {}, place) != logs.end())
        return make_error(Errc::kCorrupt, "log: given twice");
    const auto followed = followed_contracts(deployment);
    std::vector<ContractEvent> events;
    for (const EvmLog& log : logs) {
        const auto contract = std::ranges::find(followed, log.address, &std::pair<std::string_view, Address>::second);
        if (contract == followed.end() || log.topics.empty() || is_told_elsewhere(deployment, log)) continue;
        const auto decoded = contracts::decode_event(contract->first, log.topics, log.data);
        if (!decoded) continue;
        ContractEvent event{.block_number = log.block_number,
                            .block_hash = log.block_hash,
                            .transaction = log.transaction,
                            .log_index = log.log_index,
                            .contract = std::string{contract->first},
                            .name = std::string{decoded->name},
                            .values = {}};
        for (const contracts::NamedValue& value : decoded->values)
            event.values.emplace_back(value.name, text_of(value));
        events.push_back(std::move(event));
    }
    return events;
}

Task<Result<std::vector<ContractEvent>>> EvmContractEvents::contract_events(std::uint64_t from, std::uint64_t to) {
    if (from > to || to - from > kBlocksMax) co_return make_error(Errc::kInvalid, "events: too many blocks, or none");
    std::vector<Address> addresses;
    for (const auto& [name, address] : followed_contracts(deployment_)) addresses.push_back(address);
    // Deployments of the first release name none; an empty list would mean every contract.
    if (addresses.empty()) co_return std::vector<ContractEvent>{};
    CO_TRY(std::vector<EvmLog> logs, co_await rpc_->logs(std::move(addresses), from, to));
    for (const EvmLog& log : logs) {
        if (log.block_number < from || log.block_number > to) {
            co_return make_error(Errc::kCorrupt, "events: a log of another block than asked for");
        }
    }
    co_return decode_contract_logs(deployment_, std::move(logs));
}

}  // namespace vcity::adapters
