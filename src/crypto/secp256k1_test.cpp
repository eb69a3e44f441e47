// SPDX-License-Identifier: Apache-2.0
#include "crypto/secp256k1.hpp"

#include <algorithm>
#include <random>

#include <gtest/gtest.h>

#include "codec/hex.hpp"
#include "crypto/keccak.hpp"

namespace vcity::crypto {
namespace {

// The first account of the mnemonic "test test test test test test test test test test test junk".
constexpr const char* kKnownKey = "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80";
constexpr const char* kKnownAddress = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266";
constexpr const char* kGroupOrder = "0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141";

PrivateKey known_key() {
    return PrivateKey::make(codec::parse_hex(kKnownKey).value()).value();
}

// The same signature in its other form: s replaced by n - s, v flipped.
Signature malleated(Signature signature) {
    const Bytes order = codec::parse_hex(kGroupOrder).value();
    int borrow = 0;
    for (std::size_t index = 32; index-- > 0;) {
        const int digit = order[index] - signature.bytes[32 + index] - borrow;
        borrow = digit < 0 ? 1 : 0;
        signature.bytes[32 + index] = static_cast<std::uint8_t>(digit + 256 * borrow);
    }
    signature.bytes[64] = static_cast<std::uint8_t>(55 - signature.bytes[64]);
    return signature;
}

TEST(PrivateKey, GivesTheAddressOfAWellKnownAccount) {
    EXPECT_EQ(to_checksum_address(known_key().address()), kKnownAddress);
}

TEST(PrivateKey, RefusesWhatIsNoKey) {
    EXPECT_FALSE(PrivateKey::make({}));
    EXPECT_FALSE(PrivateKey::make(Bytes(31, 1)));
    EXPECT_FALSE(PrivateKey::make(Bytes(33, 1)));
    EXPECT_FALSE(PrivateKey::make(Bytes(32, 0)));
    EXPECT_FALSE(PrivateKey::make(codec::parse_hex(kGroupOrder).value()));
    EXPECT_FALSE(PrivateKey::make(Bytes(32, 0xff)));
}

TEST(Sign, IsDeterministicAndRecovers) {
    const PrivateKey key = known_key();
    const Hash digest = keccak256_text("hello");

    const Signature signature = key.sign(digest);

    EXPECT_EQ(key.sign(digest), signature);
    EXPECT_EQ(recover(digest, signature).value(), key.address());
    EXPECT_NE(recover(keccak256_text("other"), signature).value(), key.address());
}

TEST(Sign, MatchesRfc6979OnSecp256k1) {
    // Key 1, SHA-256 of "Satoshi Nakamoto": the vector that Bitcoin libraries share.
    Bytes one(32, 0);
    one[31] = 1;
    const Hash digest =
        codec::parse_fixed<Hash>("0xa0dc65ffca799873cbea0ac274015b9526505daaaed385155425f7337704883e").value();
    const Signature signature = PrivateKey::make(one).value().sign(digest);
    EXPECT_EQ(codec::to_hex(signature.view().first(64)),
              "0x934b1ea10a4b3c1757e2b0c017d0b6143ce3c9a7e6a4a49860d7a6ab210ee3d8"
              "2442ce9d2b916064108014783e923ec36b49743e2ffa1c4496f01a512aafd9e5");
}

TEST(Recover, RefusesTheMalleatedForm) {
    const Hash digest = keccak256_text("hello");
    const Signature signature = known_key().sign(digest);
    EXPECT_FALSE(recover(digest, malleated(signature)));
    EXPECT_EQ(malleated(malleated(signature)), signature);
}

TEST(Recover, RefusesBadParts) {
    const Hash digest = keccak256_text("hello");
    const Signature good = known_key().sign(digest);
    for (const int v : {0, 1, 26, 29, 255}) {
        Signature bad = good;
        bad.bytes[64] = static_cast<std::uint8_t>(v);
        EXPECT_FALSE(recover(digest, bad)) << v;
    }
    Signature zero_r = good;
    std::fill_n(zero_r.bytes.begin(), 32, std::uint8_t{0});
    EXPECT_FALSE(recover(digest, zero_r));
    Signature zero_s = good;
    std::fill_n(zero_s.bytes.begin() + 32, 32, std::uint8_t{0});
    EXPECT_FALSE(recover(digest, zero_s));
    Signature large_r = good;
    std::fill_n(large_r.bytes.begin(), 32, std::uint8_t{0xff});
    EXPECT_FALSE(recover(digest, large_r));
    EXPECT_FALSE(recover(digest, Signature{}));
}

TEST(Sign, AlwaysRecoversToItsSigner) {
    std::mt19937 random{1};
    for (int round = 0; round < 20; ++round) {
        Bytes secret(32, 0);
        for (std::uint8_t& byte : secret) byte = static_cast<std::uint8_t>(random());
        const PrivateKey key = PrivateKey::make(secret).value();
        const Hash digest = keccak256(secret);
        EXPECT_EQ(recover(digest, key.sign(digest)).value(), key.address());
    }
}

TEST(ParseAddress, ChecksMixedCase) {
    // EIP-55's own examples.
    for (const char* text :
         {"0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
          "0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB", "0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb",
          "0x52908400098527886E0F7030069857D2E4169EE7", "0xde709f2102306220921060314715629080e2fb77"}) {
        EXPECT_EQ(to_checksum_address(parse_address(text).value()), text);
    }
    EXPECT_TRUE(parse_address("0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed"));
    EXPECT_TRUE(parse_address("0x5AAEB6053F3E94C9B9A09F33669435E7EF1BEAED"));
    EXPECT_FALSE(parse_address("0x5AAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"));
    EXPECT_FALSE(parse_address("5aaeb6053f3e94c9b9a09f33669435e7ef1beaed"));
    EXPECT_FALSE(parse_address("0x5aaeb6053f3e94c9b9a09f33669435e7ef1beae"));
    EXPECT_FALSE(parse_address(""));
}

}  // namespace
}  // namespace vcity::crypto
