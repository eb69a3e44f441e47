// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "base/amount.hpp"
#include "base/bytes.hpp"
#include "base/result.hpp"

namespace vcity::crypto {

// Amounts in wei; gas in units. Without a receiver the transaction creates a contract from its data.

// EIP-155: the chain id is signed.
struct LegacyTransaction {
    std::uint64_t chain_id = 0;  // below 2^62, so that v fits
    std::uint64_t nonce = 0;
    U128 gas_price = 0;
    std::uint64_t gas = 0;
    std::optional<Address> to;
    U256 value;
    Bytes data;
};

// EIP-1559 (type 2), always with an empty access list.
struct FeeMarketTransaction {
    std::uint64_t chain_id = 0;
    std::uint64_t nonce = 0;
    U128 priority_fee_per_gas_max = 0;
    U128 fee_per_gas_max = 0;
    std::uint64_t gas = 0;
    std::optional<Address> to;
    U256 value;
    Bytes data;
};

// What eth_sendRawTransaction takes, and the hash the chain knows it by.
struct SignedTransaction {
    Bytes raw;
    Hash hash;
};

// The digest for the sender to sign (as Signer::sign or PrivateKey::sign do).
Hash signing_hash(const LegacyTransaction& transaction);
Hash signing_hash(const FeeMarketTransaction& transaction);

// Joins a transaction and the signature over its signing hash.
SignedTransaction attach_signature(const LegacyTransaction& transaction, const Signature& signature);
SignedTransaction attach_signature(const FeeMarketTransaction& transaction, const Signature& signature);

// The address of the contract that the sender's transaction with this nonce creates.
Address created_address(const Address& sender, std::uint64_t nonce);

}  // namespace vcity::crypto
