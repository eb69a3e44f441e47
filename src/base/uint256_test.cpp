// SPDX-License-Identifier: Apache-2.0
#include "base/uint256.hpp"

#include <random>

#include <boost/multiprecision/cpp_int.hpp>
#include <gtest/gtest.h>

namespace vcity {
namespace {

// Another implementation to compare with; tests only.
using Big = boost::multiprecision::cpp_int;

Big big(const Uint256& value) {
    Big result = 0;
    for (std::size_t i = value.limbs.size(); i-- > 0;) result = (result << 64) + value.limbs[i];
    return result;
}

const Big kModulus = Big{1} << 256;

// Numbers of every size, with long runs of ones and zeros, where carries and borrows go wrong.
class Numbers {
  public:
    Uint256 next() {
        Uint256 value;
        for (std::uint64_t& limb : value.limbs) limb = limb_of(static_cast<unsigned>(generator_() % 4));
        return value >> static_cast<unsigned>(generator_() % 257);
    }
    Uint256 next_positive() {
        const Uint256 value = next();
        return value.is_zero() ? Uint256{1U} : value;
    }

  private:
    std::uint64_t limb_of(unsigned kind) {
        if (kind == 0) return 0;
        if (kind == 1) return ~std::uint64_t{0};
        if (kind == 2) return std::uint64_t{1} << 63U;
        return generator_();
    }

    std::mt19937_64 generator_{7};
};

constexpr int kRounds = 20'000;

TEST(Uint256, AddsSubtractsAndMultipliesModuloTheWord) {
    Numbers numbers;
    for (int round = 0; round < kRounds; ++round) {
        const Uint256 a = numbers.next();
        const Uint256 b = numbers.next();
        ASSERT_EQ(big(a + b), (big(a) + big(b)) % kModulus);
        ASSERT_EQ(big(a - b), (big(a) + kModulus - big(b)) % kModulus);
        ASSERT_EQ(big(a * b), big(a) * big(b) % kModulus);
    }
}

TEST(Uint256, DividesExactly) {
    Numbers numbers;
    for (int round = 0; round < kRounds; ++round) {
        const Uint256 a = numbers.next();
        const Uint256 b = numbers.next_positive();
        ASSERT_EQ(big(a / b), big(a) / big(b)) << to_decimal(a) << " / " << to_decimal(b);
        ASSERT_EQ(big(a % b), big(a) % big(b)) << to_decimal(a) << " % " << to_decimal(b);
    }
}

TEST(Uint256, KeepsTheWholeProductWhileItDivides) {
    Numbers numbers;
    int fitting = 0;
    for (int round = 0; round < kRounds; ++round) {
        const Uint256 a = numbers.next();
        const Uint256 b = numbers.next();
        const Uint256 d = numbers.next_positive();
        const Big product = big(a) * big(b);
        const Big down = product / big(d);
        const Big up = (product + big(d) - 1) / big(d);
        const Result<Uint256> floor = mul_div_floor(a, b, d);
        const Result<Uint256> ceil = mul_div_ceil(a, b, d);
        ASSERT_EQ(floor.has_value(), down < kModulus);
        ASSERT_EQ(ceil.has_value(), up < kModulus);
        if (floor) ASSERT_EQ(big(*floor), down);
        if (ceil) ASSERT_EQ(big(*ceil), up);
        fitting += floor ? 1 : 0;
    }
    EXPECT_GT(fitting, kRounds / 4);
}

TEST(Uint256, ShiftsAcrossLimbs) {
    Numbers numbers;
    for (unsigned bits = 0; bits <= 300; ++bits) {
        const Uint256 a = numbers.next();
        EXPECT_EQ(big(a << bits), (big(a) << bits) % kModulus);
        EXPECT_EQ(big(a >> bits), big(a) >> bits);
    }
}

TEST(Uint256, ComparesFromTheTop) {
    EXPECT_LT(Uint256{~std::uint64_t{0}}, Uint256::power_of_two(64));
    EXPECT_GT(Uint256::max(), Uint256::power_of_two(255));
    EXPECT_EQ(Uint256{U128{5}}, Uint256{5U});
    EXPECT_EQ(Uint256::max().bit_length(), 256U);
    EXPECT_EQ(Uint256{}.bit_length(), 0U);
    EXPECT_EQ(Uint256::power_of_two(64).bit_length(), 65U);
    EXPECT_TRUE(Uint256::power_of_two(200).bit(200));
    EXPECT_FALSE(Uint256::power_of_two(200).bit(199));
}

TEST(Uint256, ChecksWhereItIsAsked) {
    const Uint256 one{1U};
    EXPECT_EQ(add(Uint256::max() - one, one).value(), Uint256::max());
    EXPECT_FALSE(add(Uint256::max(), one));
    EXPECT_EQ(subtract(one, one).value(), Uint256{});
    EXPECT_FALSE(subtract(Uint256{}, one));
    EXPECT_EQ(multiply(Uint256::power_of_two(127), Uint256::power_of_two(128)).value(), Uint256::power_of_two(255));
    EXPECT_FALSE(multiply(Uint256::power_of_two(128), Uint256::power_of_two(128)));
    EXPECT_EQ(to_u128(Uint256{~U128{0}}).value(), ~U128{0});
    EXPECT_FALSE(to_u128(Uint256::power_of_two(128)));
    EXPECT_EQ(to_u64(Uint256{7U}).value(), 7U);
    EXPECT_FALSE(to_u64(Uint256::power_of_two(64)));
}

TEST(Uint256, TakesTheFloorOfARoot) {
    Numbers numbers;
    for (int round = 0; round < 2'000; ++round) {
        const Uint256 a = numbers.next();
        ASSERT_EQ(big(isqrt(a)), sqrt(big(a)));
    }
    for (const std::uint64_t root : {std::uint64_t{1}, std::uint64_t{3}, std::uint64_t{1} << 32U, ~std::uint64_t{0}}) {
        const Uint256 square = Uint256{root} * Uint256{root};
        EXPECT_EQ(isqrt(square), Uint256{root});
        EXPECT_EQ(isqrt(square - Uint256{1U}), Uint256{root - 1});
    }
    EXPECT_EQ(isqrt(Uint256{}), Uint256{});
}

TEST(Uint256, IsReadAndPrintedInDecimal) {
    Numbers numbers;
    for (int round = 0; round < 2'000; ++round) {
        const Uint256 a = numbers.next();
        ASSERT_EQ(to_decimal(a), big(a).str());
        ASSERT_EQ(parse_uint256(big(a).str()).value(), a);
        ASSERT_EQ(from_bytes(to_bytes(a)), a);
    }
    EXPECT_EQ(to_decimal(Uint256{}), "0");
    EXPECT_FALSE(parse_uint256(kModulus.str()));
    for (const char* bad : {"", "01", "-1", "1 ", "0x1", "1e3"}) EXPECT_FALSE(parse_uint256(bad)) << bad;
}

TEST(Uint256, HasTheMostSignificantByteFirstOnTheWire) {
    const U256 bytes = to_bytes(Uint256{0x0102U});

    EXPECT_EQ(bytes.bytes[31], 2);
    EXPECT_EQ(bytes.bytes[30], 1);
    EXPECT_EQ(bytes.bytes[0], 0);
}

}  // namespace
}  // namespace vcity
