// SPDX-License-Identifier: Apache-2.0
#include "codec/integer.hpp"

#include <limits>

#include <gtest/gtest.h>

#include "codec/hex.hpp"

namespace vcity::codec {
namespace {

constexpr std::uint64_t kMax64 = std::numeric_limits<std::uint64_t>::max();
constexpr U128 kMax128 = ~U128{0};

TEST(U256, IsBigEndian) {
    EXPECT_EQ(to_hex(to_u256(0x1234)), "0x0000000000000000000000000000000000000000000000000000000000001234");
    EXPECT_TRUE(to_u256(0).is_zero());
}

TEST(U256, ReadsBackAndRefusesWhatDoesNotFit) {
    EXPECT_EQ(to_u64(to_u256(kMax64)).value(), kMax64);
    EXPECT_TRUE(to_u128(to_u256_wide(kMax128)).value() == kMax128);
    EXPECT_FALSE(to_u64(to_u256_wide(U128{kMax64} + 1)));
    U256 large;
    large.bytes[15] = 1;
    EXPECT_FALSE(to_u128(large));
}

TEST(Quantity, IsHexWithoutLeadingZeros) {
    EXPECT_EQ(to_quantity(0), "0x0");
    EXPECT_EQ(to_quantity(31), "0x1f");
    EXPECT_EQ(parse_quantity("0x0").value(), 0U);
    EXPECT_EQ(parse_quantity("0xffffffffffffffff").value(), kMax64);
    for (const char* text : {"", "0x", "1", "0x01", "0x00", "0xg", "0x-1", "0x1 ", "0x10000000000000000"}) {
        EXPECT_FALSE(parse_quantity(text)) << text;
    }
}

TEST(Quantity, HasAForm256BitsWide) {
    EXPECT_EQ(parse_quantity_u256("0x1f").value(), to_u256(31));
    EXPECT_EQ(parse_quantity_u256("0x" + std::string(64, 'f')).value(), U256::make(Bytes(32, 0xff)));
    EXPECT_FALSE(parse_quantity_u256("0x1" + std::string(64, '0')));
    EXPECT_FALSE(parse_quantity_u256("0x0f"));
    EXPECT_FALSE(parse_quantity_u256("0xzz"));
}

TEST(Decimal, ReadsPlainNumbersOnly) {
    EXPECT_EQ(parse_decimal("0").value(), 0U);
    EXPECT_EQ(parse_decimal("18446744073709551615").value(), kMax64);
    for (const char* text : {"", "00", "01", "-1", "+1", "1.0", " 1", "18446744073709551616"}) {
        EXPECT_FALSE(parse_decimal(text)) << text;
    }
}

TEST(Decimal, Prints128Bits) {
    EXPECT_EQ(to_decimal(0), "0");
    EXPECT_EQ(to_decimal(kMax128), "340282366920938463463374607431768211455");
}

}  // namespace
}  // namespace vcity::codec
