// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.hpp"

namespace vcity::crypto {

// EIP-712 domain {name, version, chainId, verifyingContract}.
struct Eip712Domain {
    std::string name;
    std::string version;
    std::uint64_t chain_id = 0;
    Address verifying_contract;
};

Hash domain_separator(const Eip712Domain& domain);
// keccak256(typeHash || words), where type is the encodeType text, e.g. "Mail(address to,bytes32 body)".
Hash hash_struct(std::string_view type, const std::vector<U256>& words);
// keccak256(0x19 0x01 || domainSeparator || hashStruct).
Hash eip712_digest(const Eip712Domain& domain, const Hash& struct_hash);

U256 word(const Address& address);
U256 word(const Hash& hash);
U256 word(std::uint64_t value);

}  // namespace vcity::crypto
