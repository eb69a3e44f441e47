// SPDX-License-Identifier: Apache-2.0
#include "adapters/chain_evm/deploy.hpp"

#include "adapters/chain_evm/contracts.hpp"
#include "codec/abi.hpp"
#include "crypto/keccak.hpp"

namespace vcity::adapters {
namespace {

using codec::abi_address;
using codec::abi_tuple;
using codec::abi_uint;
using codec::AbiValue;

Task<Result<Address>> create(TransactionSender* sender, Bytes code, std::vector<AbiValue> arguments) {
    append(&code, codec::abi_encode(arguments));
    EvmCall call;
    call.data = std::move(code);
    CO_TRY(const EvmReceipt receipt, co_await sender->execute(std::move(call)));
    if (!receipt.created) co_return make_error(Errc::kCorrupt, "deploy: the receipt names no contract");
    co_return *receipt.created;
}

Task<Result<void>> invoke(TransactionSender* sender, Address contract, Bytes data) {
    EvmCall call;
    call.to = contract;
    call.data = std::move(data);
    CO_TRY_OK(co_await sender->execute(std::move(call)));
    co_return Result<void>{};
}

Result<Bytes> code_of(const Artifacts& artifacts, std::string_view name) {
    const auto found = artifacts.find(name);
    if (found == artifacts.end()) return make_error(Errc::kInvalid, "artifacts: no contract " + std::string{name});
    return found->second;
}

AbiValue registry_parameters(const ContractParameters& parameters) {
    return abi_tuple({abi_uint(parameters.minimum_compute.micro), abi_uint(parameters.minimum_scheduler.micro),
                      abi_uint(parameters.minimum_verifier.micro), abi_uint(parameters.unbonding_delay)});
}

AbiValue escrow_parameters(const ContractParameters& parameters) {
    return abi_tuple({abi_uint(parameters.withdraw_delay), abi_uint(parameters.cap_grace)});
}

AbiValue settlement_parameters(const ContractParameters& parameters, const Address& treasury) {
    return abi_tuple({abi_address(treasury), abi_uint(parameters.challenge_window), abi_uint(parameters.fee_bps),
                      abi_uint(parameters.slash_bps), abi_uint(parameters.bounty_bps),
                      abi_uint(parameters.verdict_quorum), abi_uint(parameters.bounty_cap.micro)});
}

// bytes4 is left-aligned.
AbiValue selector_of(std::string_view signature) {
    const Hash digest = crypto::keccak256_text(signature);
    Hash word;
    std::copy_n(digest.bytes.begin(), 4, word.bytes.begin());
    return codec::abi_hash(word);
}

Bytes set_role(const Address& target, std::string_view signature, std::uint64_t role) {
    return encode_call("setTargetFunctionRole(address,bytes4[],uint64)",
                       {abi_address(target), codec::abi_array({selector_of(signature)}), abi_uint(role)});
}

Bytes grant_role(std::uint64_t role, const Address& account) {
    return encode_call("grantRole(uint64,address,uint32)", {abi_uint(role), abi_address(account), abi_uint(0)});
}

// All in one transaction, so that a set of contracts is either wired or visibly not.
Bytes wiring_of(const Deployment& made, const Address& administrator) {
    std::vector<AbiValue> steps;
    for (const RoleOfFunction& entry : roles_of_functions()) {
        Address target = made.settlement;
        if (entry.contract == "Escrow") target = made.escrow;
        if (entry.contract == "NodeRegistry") target = made.registry;
        steps.push_back(codec::abi_bytes(set_role(target, entry.signature, entry.role)));
    }
    steps.push_back(codec::abi_bytes(grant_role(kSettlementRole, made.settlement)));
    steps.push_back(codec::abi_bytes(grant_role(kParametersRole, administrator)));
    return encode_call("multicall(bytes[])", {codec::abi_array(std::move(steps))});
}

Task<Result<Deployment>> create_all(TransactionSender* sender, Deployment made, DeployOptions options) {
    const ContractParameters& parameters = options.parameters;
    CO_TRY(Bytes manager_code, code_of(options.artifacts, "AccessManager"));
    CO_TRY(Bytes stable_code, code_of(options.artifacts, "DevStable"));
    CO_TRY(Bytes registry_code, code_of(options.artifacts, "NodeRegistry"));
    CO_TRY(Bytes escrow_code, code_of(options.artifacts, "Escrow"));
    CO_TRY(Bytes settlement_code, code_of(options.artifacts, "Settlement"));
    std::vector<AbiValue> arguments{abi_address(sender->account())};
    CO_TRY(made.access_manager, co_await create(sender, std::move(manager_code), std::move(arguments)));
    if (options.stable) {
        made.stable = *options.stable;
    } else {
        arguments.clear();
        CO_TRY(made.stable, co_await create(sender, std::move(stable_code), std::move(arguments)));
    }
    arguments = {abi_address(made.access_manager), abi_address(made.stable), registry_parameters(parameters)};
    CO_TRY(made.registry, co_await create(sender, std::move(registry_code), std::move(arguments)));
    arguments = {abi_address(made.access_manager), abi_address(made.stable), escrow_parameters(parameters)};
    CO_TRY(made.escrow, co_await create(sender, std::move(escrow_code), std::move(arguments)));
    arguments = {abi_address(made.access_manager), abi_address(made.escrow), abi_address(made.registry),
                 settlement_parameters(parameters, made.treasury)};
    CO_TRY(made.settlement, co_await create(sender, std::move(settlement_code), std::move(arguments)));
    co_return made;
}

}  // namespace

std::vector<RoleOfFunction> roles_of_functions() {
    return {{"Escrow", "charge(address,(bytes32,uint128)[])", kSettlementRole},
            {"Escrow", "credit(address,uint128)", kSettlementRole},
            {"NodeRegistry", "slash(address,uint128,address)", kSettlementRole},
            {"NodeRegistry", "setParameters((uint128,uint128,uint128,uint64))", kParametersRole},
            {"Escrow", "setParameters((uint64,uint64))", kParametersRole},
            {"Settlement", "setParameters((address,uint32,uint16,uint16,uint16,uint8,uint128))", kParametersRole}};
}

Task<Result<Deployment>> deploy(EvmRpc* rpc, TransactionSender* sender, DeployOptions options) {
    Deployment made;
    made.treasury = options.treasury;
    CO_TRY(made.chain_id, co_await rpc->chain_id());
    CO_TRY(const EvmBlock head, co_await rpc->latest_block());
    made.block = head.head.number + 1;
    CO_TRY(made, co_await create_all(sender, made, std::move(options)));
    CO_TRY_OK(co_await invoke(sender, made.access_manager, wiring_of(made, sender->account())));
    co_return made;
}

}  // namespace vcity::adapters
