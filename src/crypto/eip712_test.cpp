// SPDX-License-Identifier: Apache-2.0
#include "crypto/eip712.hpp"

#include <gtest/gtest.h>

#include "codec/hex.hpp"
#include "crypto/keccak.hpp"
#include "crypto/secp256k1.hpp"

namespace vcity::crypto {
namespace {

// The example of EIP-712 itself ("Ether Mail", Cow to Bob).
const Eip712Domain kMailDomain{
    .name = "Ether Mail",
    .version = "1",
    .chain_id = 1,
    .verifying_contract = codec::parse_fixed<Address>("0xcccccccccccccccccccccccccccccccccccccccc").value(),
};

Hash person(std::string_view name, std::string_view wallet) {
    return hash_struct("Person(string name,address wallet)",
                       {word(keccak256_text(name)), word(codec::parse_fixed<Address>(wallet).value())});
}

Hash mail() {
    return hash_struct(
        "Mail(Person from,Person to,string contents)Person(string name,address wallet)",
        {word(person("Cow", "0xcd2a3d9f938e13cd947ec05abc7fe734df8dd826")),
         word(person("Bob", "0xbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb")), word(keccak256_text("Hello, Bob!"))});
}

TEST(Eip712, MatchesTheStandardsExample) {
    EXPECT_EQ(codec::to_hex(domain_separator(kMailDomain)),
              "0xf2cee375fa42b42143804025fc449deafd50cc031ca257e0b194a650a912090f");
    EXPECT_EQ(codec::to_hex(mail()), "0xc52c0ee5d84264471806290a3f2c4cecfc5490626bf912d01f240d7a274b371e");
    EXPECT_EQ(codec::to_hex(eip712_digest(kMailDomain, mail())),
              "0xbe609aee343fb3c4b28e1df9e632fca64fcfaede20f02e86244efddf30957bd2");
}

TEST(Eip712, TheExamplesSignatureIsByItsSender) {
    const PrivateKey cow = PrivateKey::make(keccak256_text("cow").view()).value();
    EXPECT_EQ(codec::to_hex(cow.address()), "0xcd2a3d9f938e13cd947ec05abc7fe734df8dd826");
    EXPECT_EQ(codec::to_hex(cow.sign(eip712_digest(kMailDomain, mail()))),
              "0x4355c47d63924e8a72e509b65029052eb6c299d53a04e167c5775fd466751c9d"
              "07299936d304c153f6443dfa05f40ff007d72911b6f72307f996231605b915621c");
}

TEST(Word, PadsOnTheLeft) {
    EXPECT_EQ(codec::to_hex(word(std::uint64_t{258})),
              "0x0000000000000000000000000000000000000000000000000000000000000102");
    EXPECT_EQ(codec::to_hex(word(kMailDomain.verifying_contract)),
              "0x000000000000000000000000cccccccccccccccccccccccccccccccccccccccc");
}

}  // namespace
}  // namespace vcity::crypto
