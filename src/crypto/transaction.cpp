// SPDX-License-Identifier: Apache-2.0
#include "crypto/transaction.hpp"

#include "base/check.hpp"
#include "codec/integer.hpp"
#include "codec/rlp.hpp"
#include "crypto/keccak.hpp"

namespace vcity::crypto {
namespace {

using codec::rlp_bytes;
using codec::rlp_integer;
using codec::rlp_u256;
using codec::RlpItem;

constexpr std::uint8_t kFeeMarketType = 2;
constexpr std::uint8_t kRecoveryBase = 27;
constexpr std::uint64_t kEip155Base = 35;

RlpItem amount(U128 wei) {
    return rlp_u256(codec::to_u256_wide(wei));
}

RlpItem receiver(const std::optional<Address>& to) {
    return rlp_bytes(to ? to->view() : ByteView{});
}

// r and s as integers, that is without leading zeros.
RlpItem half(const Signature& signature, std::size_t offset) {
    return rlp_u256(U256::make(signature.view().subspan(offset, U256::kSize)));
}

std::uint64_t parity(const Signature& signature) {
    const std::uint8_t v = signature.bytes[2 * U256::kSize];
    CHECK(v == kRecoveryBase || v == kRecoveryBase + 1);
    return v - kRecoveryBase;
}

std::vector<RlpItem> fields(const LegacyTransaction& transaction) {
    return {rlp_integer(transaction.nonce), amount(transaction.gas_price), rlp_integer(transaction.gas),
            receiver(transaction.to),       rlp_u256(transaction.value),   rlp_bytes(transaction.data)};
}

std::vector<RlpItem> fields(const FeeMarketTransaction& transaction) {
    return {rlp_integer(transaction.chain_id),
            rlp_integer(transaction.nonce),
            amount(transaction.priority_fee_per_gas_max),
            amount(transaction.fee_per_gas_max),
            rlp_integer(transaction.gas),
            receiver(transaction.to),
            rlp_u256(transaction.value),
            rlp_bytes(transaction.data),
            codec::rlp_list({})};
}

Bytes typed(std::vector<RlpItem> items) {
    Bytes encoded{kFeeMarketType};
    append(&encoded, codec::rlp_encode(codec::rlp_list(std::move(items))));
    return encoded;
}

SignedTransaction finished(Bytes raw) {
    const Hash hash = keccak256(raw);
    return {.raw = std::move(raw), .hash = hash};
}

}  // namespace

Hash signing_hash(const LegacyTransaction& transaction) {
    std::vector<RlpItem> items = fields(transaction);
    items.push_back(rlp_integer(transaction.chain_id));
    items.push_back(rlp_integer(0));
    items.push_back(rlp_integer(0));
    return keccak256(codec::rlp_encode(codec::rlp_list(std::move(items))));
}

Hash signing_hash(const FeeMarketTransaction& transaction) {
    return keccak256(typed(fields(transaction)));
}

SignedTransaction attach_signature(const LegacyTransaction& transaction, const Signature& signature) {
    CHECK(transaction.chain_id < std::uint64_t{1} << 62U);
    std::vector<RlpItem> items = fields(transaction);
    items.push_back(rlp_integer(2 * transaction.chain_id + kEip155Base + parity(signature)));
    items.push_back(half(signature, 0));
    items.push_back(half(signature, U256::kSize));
    return finished(codec::rlp_encode(codec::rlp_list(std::move(items))));
}

SignedTransaction attach_signature(const FeeMarketTransaction& transaction, const Signature& signature) {
    std::vector<RlpItem> items = fields(transaction);
    items.push_back(rlp_integer(parity(signature)));
    items.push_back(half(signature, 0));
    items.push_back(half(signature, U256::kSize));
    return finished(typed(std::move(items)));
}

Address created_address(const Address& sender, std::uint64_t nonce) {
    const Hash hash = keccak256(codec::rlp_encode(codec::rlp_list({rlp_bytes(sender.view()), rlp_integer(nonce)})));
    return Address::make(hash.view().last(Address::kSize));
}

}  // namespace vcity::crypto
