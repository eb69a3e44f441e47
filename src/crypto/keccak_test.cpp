// SPDX-License-Identifier: Apache-2.0
#include "crypto/keccak.hpp"

#include <gtest/gtest.h>

#include "codec/hex.hpp"
#include "crypto/sha256.hpp"

namespace vcity::crypto {
namespace {

TEST(Keccak256, IsEthereumsVariant) {
    EXPECT_EQ(codec::to_hex(keccak256(ByteView{})),
              "0xc5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470");
    EXPECT_EQ(codec::to_hex(keccak256_text("abc")),
              "0x4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45");
    EXPECT_EQ(codec::to_hex(keccak256_text("Transfer(address,address,uint256)")),
              "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef");
}

TEST(Keccak256, OfPartsIsThatOfTheConcatenation) {
    const Bytes long_text(500, 'x');
    EXPECT_EQ(keccak256({as_bytes("ab"), {}, as_bytes("c")}), keccak256_text("abc"));
    EXPECT_EQ(keccak256({ByteView{long_text}.first(136), ByteView{long_text}.subspan(136)}), keccak256(long_text));
    EXPECT_EQ(keccak256(std::initializer_list<ByteView>{}), keccak256(ByteView{}));
}

TEST(Sha256, MatchesTheStandardsExamples) {
    EXPECT_EQ(codec::to_hex(sha256({})), "0xe3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    EXPECT_EQ(codec::to_hex(sha256(as_bytes("abc"))),
              "0xba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(HmacSha256, MatchesRfc4231) {
    // RFC 4231, test case 2.
    EXPECT_EQ(codec::to_hex(hmac_sha256(as_bytes("Jefe"), as_bytes("what do ya want for nothing?"))),
              "0x5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    EXPECT_EQ(codec::to_hex(hmac_sha256({}, {})), "0xb613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

TEST(Crc32, MatchesTheCheckValue) {
    EXPECT_EQ(crc32(as_bytes("123456789")), 0xcbf43926U);
    EXPECT_EQ(crc32({}), 0U);
}

}  // namespace
}  // namespace vcity::crypto
