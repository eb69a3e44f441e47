// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "adapters/chain_evm/chain.hpp"
#include "adapters/chain_evm/contracts.hpp"
#include "codec/abi.hpp"
#include "codec/integer.hpp"
#include "crypto/eip712.hpp"
#include "crypto/secp256k1.hpp"

namespace vcity::adapters {
namespace {

constexpr std::uint64_t kPermitSeconds = 3'600;
constexpr std::string_view kPermitType =
    "Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)";

}  // namespace

Task<Result<Hash>> EvmChainWriter::execute(Address to, Bytes data) {
    EvmCall call;
    call.to = to;
    call.data = std::move(data);
    CO_TRY(const EvmReceipt receipt, co_await sender_->execute(std::move(call)));
    co_return receipt.transaction;
}

Task<Result<void>> EvmChainWriter::approve(Address token, Address spender, U128 amount) {
    EvmCall call;
    call.to = token;
    call.data = calls::allowance(account(), spender);
    CO_TRY(const Bytes data, co_await rpc_->call(std::move(call)));
    const auto types = codec::parse_abi_types("(uint256)");
    CO_TRY(const auto values, codec::abi_decode(*types, data));
    // An allowance may be far above every amount we know.
    if (values[0].word >= codec::to_u256_wide(amount)) co_return Result<void>{};
    CO_TRY_OK(co_await execute(token, calls::approve(spender, amount)));
    co_return Result<void>{};
}

Task<Result<Hash>> EvmChainWriter::register_node(NodeRecord node) {
    if (node.identity != account()) {
        co_return make_error(Errc::kInvalid, "an identity registers itself: " +
                                                 crypto::to_checksum_address(node.identity) + " is not this account");
    }
    CO_TRY(Bytes data, calls::register_node(node));
    EvmCall known;
    known.to = deployment_.registry;
    known.data = calls::node_of(node.identity);
    CO_TRY(const Bytes answer, co_await rpc_->call(std::move(known)));
    CO_TRY(const std::optional<NodeRecord> registered, decode_node(node.identity, answer));
    if (registered) co_return make_error(Errc::kConflict, "the identity is registered already");
    CO_TRY(const Address token, deployment_.require("VCAIToken"));
    CO_TRY_OK(co_await approve(token, deployment_.registry, node.stake.wei));
    co_return co_await execute(deployment_.registry, std::move(data));
}

Task<Result<Hash>> EvmChainWriter::deposit(Address client, Usd amount) {
    CO_TRY_OK(co_await approve(deployment_.stable, deployment_.escrow, amount.micro));
    co_return co_await execute(deployment_.escrow, calls::deposit(client, amount));
}

Task<Result<Hash>> EvmChainWriter::deposit_with_permit(ports::Signer* signer, Address client, Usd amount) {
    if (signer->address() != account()) co_return make_error(Errc::kInvalid, "the permit must be of this account");
    EvmCall domain_call;
    domain_call.to = deployment_.stable;
    domain_call.data = calls::permit_domain();
    CO_TRY(const Bytes domain_data, co_await rpc_->call(std::move(domain_call)));
    CO_TRY(const DomainNames names, decode_domain(domain_data));
    EvmCall nonce_call;
    nonce_call.to = deployment_.stable;
    nonce_call.data = calls::permit_nonce(account());
    CO_TRY(const Bytes nonce_data, co_await rpc_->call(std::move(nonce_call)));
    CO_TRY(const std::uint64_t nonce, decode_u64(nonce_data));
    // The chain's clock decides, and it may be ahead of ours.
    CO_TRY(const EvmBlock head, co_await rpc_->latest_block());
    const std::uint64_t our_seconds = runtime_->unix_now().count() / 1'000;
    const std::uint64_t deadline = std::max(our_seconds, head.head.timestamp) + kPermitSeconds;
    const crypto::Eip712Domain domain{.name = names.name,
                                      .version = names.version,
                                      .chain_id = deployment_.chain_id,
                                      .verifying_contract = deployment_.stable};
    const Hash permit =
        crypto::hash_struct(kPermitType, {crypto::word(account()), crypto::word(deployment_.escrow),
                                          crypto::word(amount.micro), crypto::word(nonce), crypto::word(deadline)});
    CO_TRY(const Signature signature, signer->sign(crypto::eip712_digest(domain, permit)));
    Bytes data = calls::deposit_with_permit(client, amount, deadline, signature);
    co_return co_await execute(deployment_.escrow, std::move(data));
}

Task<Result<Hash>> EvmChainWriter::open_cap(SignedCap cap) {
    co_return co_await execute(deployment_.escrow, calls::open_cap(cap));
}

Task<Result<Hash>> EvmChainWriter::release_cap(CapId cap_id) {
    co_return co_await execute(deployment_.escrow, calls::release_cap(cap_id));
}

Task<Result<Hash>> EvmChainWriter::request_withdraw(Usd amount) {
    co_return co_await execute(deployment_.escrow, calls::request_withdraw(amount));
}

Task<Result<Hash>> EvmChainWriter::withdraw() {
    co_return co_await execute(deployment_.escrow, calls::withdraw());
}

Task<Result<Hash>> EvmChainWriter::post_batch(BatchHeader header, std::vector<Charge> charges) {
    co_return co_await execute(deployment_.settlement, calls::post_batch(header, charges));
}

Task<Result<Hash>> EvmChainWriter::claim(Address scheduler,
                                         std::uint64_t index,
                                         Earning earning,
                                         std::vector<Hash> proof) {
    co_return co_await execute(deployment_.settlement, calls::claim(scheduler, index, earning, proof));
}

Task<Result<Hash>> EvmChainWriter::mint(Address to, Usd amount) {
    co_return co_await execute(deployment_.stable, calls::mint(to, amount));
}

Task<Result<Hash>> EvmChainWriter::send_vcai(Address to, Vcai amount) {
    CO_TRY(const Address token, deployment_.require("VCAIToken"));
    co_return co_await execute(token, calls::transfer(to, amount.wei));
}

Task<Result<Hash>> EvmChainWriter::send_coin(Address to, U128 wei) {
    EvmCall call;
    call.to = to;
    call.value = wei;
    CO_TRY(const EvmReceipt receipt, co_await sender_->execute(std::move(call)));
    co_return receipt.transaction;
}

}  // namespace vcity::adapters
