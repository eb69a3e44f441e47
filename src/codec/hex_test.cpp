// SPDX-License-Identifier: Apache-2.0
#include "codec/hex.hpp"

#include <gtest/gtest.h>

namespace vcity::codec {
namespace {

TEST(Hex, WritesLowerCaseWithPrefix) {
    EXPECT_EQ(to_hex(Bytes{}), "0x");
    EXPECT_EQ(to_hex(Bytes{0x00, 0xAb, 0xff}), "0x00abff");
    EXPECT_EQ(to_hex(Address{}), "0x0000000000000000000000000000000000000000");
}

TEST(Hex, ReadsEitherCase) {
    EXPECT_EQ(parse_hex("0x").value(), Bytes{});
    EXPECT_EQ(parse_hex("0x00aBFf").value(), (Bytes{0x00, 0xab, 0xff}));
}

TEST(Hex, RefusesMalformedText) {
    for (const char* text : {"", "0", "00", "0X00", "0x0", "0x0g", "0x 0", "0x0:", "0x0@", "0x0G", "0x0`", "0x-1"}) {
        EXPECT_FALSE(parse_hex(text)) << text;
    }
}

TEST(Hex, RefusesMoreBytesThanAllowed) {
    EXPECT_TRUE(parse_hex("0x0011", 2));
    EXPECT_FALSE(parse_hex("0x001122", 2));
}

TEST(Hex, ReadsFixedBytesOfExactlyTheirSize) {
    EXPECT_EQ(parse_fixed<Address>("0x00000000000000000000000000000000000000ff").value().bytes[19], 0xff);
    EXPECT_FALSE(parse_fixed<Address>("0x000000000000000000000000000000000000ff"));
    EXPECT_FALSE(parse_fixed<Address>("0x0000000000000000000000000000000000000000ff"));
}

}  // namespace
}  // namespace vcity::codec
