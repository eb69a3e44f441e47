// SPDX-License-Identifier: Apache-2.0
// The shared vectors of tests/vectors, which another implementation wrote.
#include "codec/testing/vectors.hpp"

#include <gtest/gtest.h>

#include "crypto/eip712.hpp"
#include "crypto/keccak.hpp"
#include "crypto/merkle.hpp"
#include "crypto/secp256k1.hpp"
#include "crypto/transaction.hpp"

namespace vcity::crypto {
namespace {

using codec::Json;
using codec::testing::bytes;
using codec::testing::fixed;
using codec::testing::list;
using codec::testing::number;
using codec::testing::text;

codec::JsonArray cases(const char* name) {
    return codec::testing::vector_cases(VCITY_SOURCE_DIR, name);
}

U128 wide(const Json& vector, std::string_view name) {
    U128 value = 0;
    for (const char digit : text(vector, name)) value = value * 10U + static_cast<unsigned>(digit - '0');
    return value;
}

// Decimal text of up to 256 bits, by schoolbook multiplication.
U256 wide_word(const Json& vector, std::string_view name) {
    U256 value;
    for (const char digit : text(vector, name)) {
        unsigned carry = static_cast<unsigned>(digit - '0');
        for (std::size_t index = value.bytes.size(); index-- > 0;) {
            carry += 10U * value.bytes[index];
            value.bytes[index] = static_cast<std::uint8_t>(carry & 0xffU);
            carry >>= 8U;
        }
    }
    return value;
}

PrivateKey key(const Json& vector) {
    return PrivateKey::make(bytes(vector, "privateKey")).value();
}

TEST(Vectors, Keccak256) {
    for (const Json& vector : cases("keccak256")) {
        EXPECT_EQ(keccak256(bytes(vector, "input")), fixed<Hash>(vector, "hash"));
    }
}

TEST(Vectors, Addresses) {
    for (const Json& vector : cases("addresses")) {
        EXPECT_EQ(key(vector).address(), fixed<Address>(vector, "address"));
        EXPECT_EQ(to_checksum_address(key(vector).address()), text(vector, "checksum"));
        EXPECT_EQ(parse_address(text(vector, "checksum")).value(), key(vector).address());
    }
}

TEST(Vectors, Signatures) {
    for (const Json& vector : cases("signatures")) {
        const Bytes encoded = bytes(vector, "signature");
        const bool has_size = encoded.size() == Signature::kSize;
        const Result<Address> signer = recover(fixed<Hash>(vector, "digest"), Signature::make(encoded));
        const bool is_valid = has_size && signer && *signer == parse_address(text(vector, "signer")).value();
        EXPECT_EQ(is_valid, *codec::testing::field(vector, "valid").get_bool()) << text(vector, "name");
    }
}

TEST(Vectors, Eip712Domains) {
    for (const Json& vector : cases("eip712_domains")) {
        EXPECT_EQ(domain_separator({text(vector, "name"), text(vector, "version"), number(vector, "chainId"),
                                    fixed<Address>(vector, "verifyingContract")}),
                  fixed<Hash>(vector, "separator"));
    }
}

TEST(Vectors, Eip712Types) {
    for (const Json& vector : cases("eip712_types")) {
        EXPECT_EQ(keccak256_text(text(vector, "type")), fixed<Hash>(vector, "typeHash"));
    }
}

MerkleTree numbered_tree(std::uint64_t count) {
    std::vector<Hash> leaves;
    for (std::uint64_t index = 0; index < count; ++index) leaves.push_back(keccak256(word(index).view()));
    return MerkleTree{std::move(leaves)};
}

TEST(Vectors, MerkleRoots) {
    for (const Json& vector : cases("merkle_roots")) {
        EXPECT_EQ(numbered_tree(number(vector, "count")).root(), fixed<Hash>(vector, "root"));
    }
}

TEST(Vectors, MerkleProofs) {
    for (const Json& vector : cases("merkle_proofs")) {
        std::vector<Hash> proof;
        for (const Json& node : list(vector, "proof")) {
            proof.push_back(codec::parse_fixed<Hash>(*node.get_string()).value());
        }
        EXPECT_EQ(numbered_tree(number(vector, "count")).proof(number(vector, "index")), proof);
        EXPECT_EQ(merkle_root_of_proof(fixed<Hash>(vector, "leaf"), proof), fixed<Hash>(vector, "root"));
    }
}

TEST(Vectors, Selectors) {
    for (const char* file : {"abi_calls", "abi_errors"}) {
        for (const Json& vector : cases(file)) {
            const Hash hash = keccak256_text(text(vector, "signature"));
            EXPECT_EQ(codec::to_hex(hash.view().first(4)), text(vector, "selector"));
        }
    }
    for (const Json& vector : cases("abi_events")) {
        EXPECT_EQ(keccak256_text(text(vector, "signature")), fixed<Hash>(vector, "topic0"));
    }
}

template <class Transaction>
void expect_signed(const Transaction& transaction, const Json& vector) {
    const Hash digest = signing_hash(transaction);
    EXPECT_EQ(digest, fixed<Hash>(vector, "signingHash"));
    const SignedTransaction signed_transaction = attach_signature(transaction, key(vector).sign(digest));
    EXPECT_EQ(codec::to_hex(signed_transaction.raw), text(vector, "raw")) << text(vector, "name");
    EXPECT_EQ(signed_transaction.hash, fixed<Hash>(vector, "hash"));
}

TEST(Vectors, Transactions) {
    for (const Json& vector : cases("transactions")) {
        const Bytes receiver = bytes(vector, "to");
        const std::optional<Address> to = receiver.empty() ? std::nullopt : std::optional{Address::make(receiver)};
        if (text(vector, "type") == "legacy") {
            expect_signed(
                LegacyTransaction{number(vector, "chainId"), number(vector, "nonce"), wide(vector, "gasPrice"),
                                  number(vector, "gas"), to, wide_word(vector, "value"), bytes(vector, "data")},
                vector);
        } else {
            expect_signed(
                FeeMarketTransaction{number(vector, "chainId"), number(vector, "nonce"),
                                     wide(vector, "maxPriorityFeePerGas"), wide(vector, "maxFeePerGas"),
                                     number(vector, "gas"), to, wide_word(vector, "value"), bytes(vector, "data")},
                vector);
        }
    }
}

TEST(Vectors, CreatedAddresses) {
    for (const Json& vector : cases("create_addresses")) {
        EXPECT_EQ(created_address(fixed<Address>(vector, "sender"), number(vector, "nonce")),
                  fixed<Address>(vector, "address"));
    }
}

}  // namespace
}  // namespace vcity::crypto
