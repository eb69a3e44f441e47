// SPDX-License-Identifier: Apache-2.0
#include "base/amount.hpp"

#include <limits>
#include <random>

#include <gtest/gtest.h>

namespace vcity {
namespace {

constexpr std::uint64_t kMax = std::numeric_limits<std::uint64_t>::max();

TEST(Usd, AddsUpToTheLargestValueAndNotBeyond) {
    EXPECT_EQ(add(Usd{kMax - 1}, Usd{1}).value(), Usd{kMax});
    ASSERT_FALSE(add(Usd{kMax}, Usd{1}));
    EXPECT_EQ(add(Usd{kMax}, Usd{kMax}).error().code, Errc::kInvalid);
}

TEST(Usd, IsNeverNegative) {
    EXPECT_EQ(subtract(Usd{5}, Usd{5}).value(), Usd{0});
    ASSERT_FALSE(subtract(Usd{5}, Usd{6}));
    EXPECT_EQ(subtract(Usd{5}, Usd{6}).error().code, Errc::kInvalid);
}

TEST(MulDiv, RoundsAsItsNameSays) {
    EXPECT_EQ(mul_div_ceil(7, 3, 2).value(), 11U);
    EXPECT_EQ(mul_div_floor(7, 3, 2).value(), 10U);
    EXPECT_EQ(mul_div_ceil(8, 3, 2).value(), 12U);
    EXPECT_EQ(mul_div_ceil(0, kMax, kMax).value(), 0U);
}

TEST(MulDiv, UsesTheFull128BitProduct) {
    EXPECT_EQ(mul_div_ceil(kMax, kMax, kMax).value(), kMax);
    EXPECT_EQ(mul_div_floor(kMax, kMax, kMax).value(), kMax);
    EXPECT_FALSE(mul_div_ceil(kMax, kMax, kMax - 1));
    EXPECT_FALSE(mul_div_floor(kMax, 2, 1));
}

TEST(Usd, PrintsSixDecimals) {
    EXPECT_EQ(to_string(Usd{0}), "0.000000");
    EXPECT_EQ(to_string(Usd{12'345'678}), "12.345678");
    EXPECT_EQ(to_string(Usd{kMax}), "18446744073709.551615");
}

TEST(ParseUsd, ReadsWhatPeopleWrite) {
    EXPECT_EQ(parse_usd("0.5").value(), Usd{500'000});
    EXPECT_EQ(parse_usd("12").value(), Usd{12'000'000});
    EXPECT_EQ(parse_usd("3.000001").value(), Usd{3'000'001});
    EXPECT_EQ(parse_usd("18446744073709.551615").value(), Usd{kMax});
}

TEST(ParseUsd, RefusesEverythingElse) {
    for (const char* text : {"", ".", ".5", "5.", "-1", "+1", "1e3", " 1", "1 ", "1,5", "1.2.3", "1.0000001", "007",
                             "0x1", "18446744073709.551616", "18446744073710", "99999999999999999999999999"}) {
        EXPECT_FALSE(parse_usd(text)) << text;
    }
}

TEST(ParseUsd, ReadsBackWhatIsPrinted) {
    std::mt19937_64 random{7};
    for (int round = 0; round < 1000; ++round) {
        const Usd amount{random() >> (random() % 64)};
        EXPECT_EQ(parse_usd(to_string(amount)).value(), amount);
    }
}

}  // namespace
}  // namespace vcity
