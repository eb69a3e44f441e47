// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <optional>
#include <string>

#include "adapters/chain_evm/transactions.hpp"
#include "model/chain.hpp"

namespace vcity::adapters {

// A deployment file, e.g. {"chainId": 31337, "stable": "0x...", ...}: addresses in checksum form, "accessManager" and
// "block" (where an indexer starts) included. kInvalid, with the field's name, for anything else.
Result<Deployment> parse_deployment(std::string_view json);
std::string format_deployment(const Deployment& deployment);
// kNotFound when there is no such file.
Result<Deployment> load_deployment(const std::string& path);
// Replaces the file as a whole, or not at all.
Result<void> save_deployment(const std::string& path, const Deployment& deployment);

// Creation code by contract name, from contracts/deployments/artifacts.json.
using Artifacts = std::map<std::string, Bytes, std::less<>>;
Result<Artifacts> parse_artifacts(std::string_view json);
Result<Artifacts> load_artifacts(const std::string& path);

// Delays in seconds, shares in basis points. The defaults are those of contracts/script/Deployment.sol.
struct ContractParameters {
    Usd minimum_compute{100'000'000};
    Usd minimum_scheduler{1'000'000'000};
    Usd minimum_verifier{100'000'000};
    std::uint64_t unbonding_delay = 7 * 24 * 3'600;
    std::uint64_t withdraw_delay = 3'600;
    std::uint64_t cap_grace = 24 * 3'600;
    std::uint32_t challenge_window = 3'600;  // at most unbonding_delay
    std::uint16_t fee_bps = 500;
    std::uint16_t slash_bps = 1'000;
    std::uint16_t bounty_bps = 1'000;
    std::uint8_t verdict_quorum = 1;
    Usd bounty_cap{100'000'000};
};

struct DeployOptions {
    Artifacts artifacts;
    ContractParameters parameters;
    Address treasury;
    std::optional<Address> stable;  // nullopt: a DevStable is made
};

// Deploys and wires the first set of contracts with the sender's account as administrator, in six
// transactions. Not to be repeated blindly: every call makes a new set.
Task<Result<Deployment>> deploy(EvmRpc* rpc, TransactionSender* sender, DeployOptions options);

// The steps after the contracts' creation, as calls of the AccessManager. Public for the test that compares them with
// contracts/deployments/wiring.json.
struct RoleOfFunction {
    std::string_view contract;   // "Escrow"
    std::string_view signature;  // "charge(address,(bytes32,uint128)[])"
    std::uint64_t role = 0;
};
inline constexpr std::uint64_t kSettlementRole = 1;
inline constexpr std::uint64_t kParametersRole = 2;
std::vector<RoleOfFunction> roles_of_functions();

}  // namespace vcity::adapters
