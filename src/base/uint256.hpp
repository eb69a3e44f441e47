// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/amount.hpp"
#include "base/bytes.hpp"
#include "base/result.hpp"

namespace vcity {

// An unsigned 256-bit number to compute with, as the EVM has it: +, - and * are modulo 2^256 (Solidity's `unchecked`),
// so use them where the bounds of the operands prove that nothing wraps, or where wrapping is meant. U256 is the same
// number as bytes on the wire.
struct Uint256 {
    std::array<std::uint64_t, 4> limbs{};  // least significant first

    constexpr Uint256() = default;
    constexpr Uint256(std::uint64_t value) : limbs{value, 0, 0, 0} {}
    constexpr Uint256(U128 value)
        : limbs{static_cast<std::uint64_t>(value), static_cast<std::uint64_t>(value >> 64U)} {}
    constexpr Uint256(unsigned value) : Uint256(std::uint64_t{value}) {}
    // Negative numbers would become huge ones.
    Uint256(int value) = delete;

    static constexpr Uint256 max() {
        Uint256 value;
        for (std::uint64_t& limb : value.limbs) limb = ~std::uint64_t{0};
        return value;
    }
    static constexpr Uint256 power_of_two(unsigned exponent) {
        Uint256 value;
        value.limbs[(exponent / 64U) % 4U] = std::uint64_t{1} << (exponent % 64U);
        return value;
    }

    constexpr bool operator==(const Uint256&) const = default;
    std::strong_ordering operator<=>(const Uint256& other) const;
    bool is_zero() const { return *this == Uint256{}; }
    bool bit(unsigned index) const { return (limbs[index / 64U] >> (index % 64U) & 1U) != 0; }
    // Position of the highest one bit, plus one; 0 for zero.
    unsigned bit_length() const;
};

Uint256 operator+(const Uint256& a, const Uint256& b);
Uint256 operator-(const Uint256& a, const Uint256& b);
Uint256 operator*(const Uint256& a, const Uint256& b);
// The divisor must not be zero.
Uint256 operator/(const Uint256& a, const Uint256& b);
Uint256 operator%(const Uint256& a, const Uint256& b);
// A shift by 256 or more gives zero.
Uint256 operator<<(const Uint256& a, unsigned bits);
Uint256 operator>>(const Uint256& a, unsigned bits);

// kInvalid instead of wrapping.
Result<Uint256> add(const Uint256& a, const Uint256& b);
Result<Uint256> subtract(const Uint256& a, const Uint256& b);
Result<Uint256> multiply(const Uint256& a, const Uint256& b);
// floor(a * b / denominator) and ceil(...), the product in 512 bits. denominator > 0; kInvalid when the quotient does
// not fit 256 bits.
Result<Uint256> mul_div_floor(const Uint256& a, const Uint256& b, const Uint256& denominator);
Result<Uint256> mul_div_ceil(const Uint256& a, const Uint256& b, const Uint256& denominator);
// floor(sqrt(value)).
Uint256 isqrt(const Uint256& value);

// kInvalid when the value does not fit.
Result<U128> to_u128(const Uint256& value);
Result<std::uint64_t> to_u64(const Uint256& value);
U256 to_bytes(const Uint256& value);
Uint256 from_bytes(const U256& bytes);

std::string to_decimal(const Uint256& value);
// Digits only, no leading zero but for "0" itself; kInvalid otherwise or above 2^256 - 1.
Result<Uint256> parse_uint256(std::string_view digits);

}  // namespace vcity
