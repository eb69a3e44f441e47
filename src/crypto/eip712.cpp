// SPDX-License-Identifier: Apache-2.0
#include "crypto/eip712.hpp"

#include <algorithm>
#include <array>

#include "codec/integer.hpp"
#include "crypto/keccak.hpp"

namespace vcity::crypto {

Hash domain_separator(const Eip712Domain& domain) {
    return hash_struct("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)",
                       {word(keccak256_text(domain.name)), word(keccak256_text(domain.version)), word(domain.chain_id),
                        word(domain.verifying_contract)});
}

Hash hash_struct(std::string_view type, const std::vector<U256>& words) {
    Bytes encoded;
    encoded.reserve(Hash::kSize + words.size() * U256::kSize);
    append(&encoded, keccak256_text(type).view());
    for (const U256& each : words) append(&encoded, each.view());
    return keccak256(encoded);
}

Hash eip712_digest(const Eip712Domain& domain, const Hash& struct_hash) {
    constexpr std::array<std::uint8_t, 2> kPrefix{0x19, 0x01};
    return keccak256({kPrefix, domain_separator(domain).view(), struct_hash.view()});
}

U256 word(const Address& address) {
    U256 result;
    std::ranges::copy(address.bytes, result.bytes.begin() + (U256::kSize - Address::kSize));
    return result;
}

U256 word(const Hash& hash) {
    return hash.as<U256>();
}

U256 word(std::uint64_t value) {
    return codec::to_u256(value);
}

}  // namespace vcity::crypto
