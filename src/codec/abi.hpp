// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/amount.hpp"
#include "base/bytes.hpp"
#include "base/result.hpp"

namespace vcity::codec {

// A value of the Solidity ABI (contract ABI specification 0.8). Numbers, addresses, bools and bytesN are one word.
struct AbiValue {
    enum class Kind : std::uint8_t { kWord, kBytes, kArray, kTuple };

    Kind kind = Kind::kWord;
    U256 word;                    // kWord: right-aligned numbers and addresses, left-aligned bytesN
    Bytes bytes;                  // kBytes: bytes and string
    std::vector<AbiValue> items;  // kArray: dynamic arrays; kTuple: structs and argument lists

    bool operator==(const AbiValue&) const = default;
};

AbiValue abi_uint(std::uint64_t value);
AbiValue abi_uint_wide(U128 value);
// Two's complement of 256 bits, as intN is encoded.
AbiValue abi_int(std::int64_t value);
AbiValue abi_bool(bool value);
AbiValue abi_word(const U256& word);
AbiValue abi_hash(const Hash& hash);
AbiValue abi_address(const Address& address);
// bytesN with N = size, 1 to 32: left-aligned.
AbiValue abi_fixed_bytes(ByteView bytes);
AbiValue abi_bytes(ByteView bytes);
AbiValue abi_string(std::string_view text);
AbiValue abi_array(std::vector<AbiValue> items);
AbiValue abi_tuple(std::vector<AbiValue> items);

// A parsed type: "uint256", "bytes32", "(bytes32,uint128)[]", "string". Fixed-size arrays are not used by our
// contracts and are refused, as are empty tuples, nesting deeper than 8 and names longer than 4,096 bytes.
struct AbiType {
    AbiValue::Kind kind = AbiValue::Kind::kWord;
    std::string name;              // canonical name, e.g. "uint128" or "(bytes32,uint128)[]"
    std::vector<AbiType> members;  // kTuple: fields; kArray: the one element type

    bool is_dynamic() const;
};
Result<AbiType> parse_abi_type(std::string_view text);

// The encoding of the values as an argument list (a tuple without its own offset).
Bytes abi_encode(const std::vector<AbiValue>& arguments);
// Strict: integers and bools in range of their type, padding zero, offsets and lengths exactly as abi_encode writes
// them (and the Solidity compiler does). What is allocated is bounded by the input's size. kInvalid otherwise.
Result<std::vector<AbiValue>> abi_decode(const std::vector<AbiType>& types, ByteView bytes);
// "(uint256,address)" as a list of types.
Result<std::vector<AbiType>> parse_abi_types(std::string_view text);

// Readers of decoded words; kInvalid when the word does not fit or the kind differs.
Result<std::uint64_t> abi_to_u64(const AbiValue& value);
Result<U128> abi_to_u128(const AbiValue& value);
Result<std::int64_t> abi_to_i64(const AbiValue& value);
Result<bool> abi_to_bool(const AbiValue& value);
Result<Hash> abi_to_hash(const AbiValue& value);
Result<Address> abi_to_address(const AbiValue& value);

}  // namespace vcity::codec
