// SPDX-License-Identifier: Apache-2.0
#include "market/ve_stream.hpp"

#include <algorithm>

#include "base/check.hpp"

namespace vcity::market {
namespace {

constexpr Uint256 kWad{kWeiPerVcai};
constexpr unsigned kSignBit = 255;
constexpr unsigned kWeightBitsMax = 124;
constexpr unsigned kDecayBitsMax = 96;
constexpr unsigned kEmissionBitsMax = 199;
constexpr unsigned kMarkBits = 160;

// A constant of more than 64 bits, from its decimal digits.
consteval Uint256 constant(std::string_view digits) {
    Uint256 value;
    for (const char digit : digits) {
        U128 carry = static_cast<unsigned>(digit - '0');
        for (std::uint64_t& limb : value.limbs) {
            carry += U128{limb} * 10U;
            limb = static_cast<std::uint64_t>(carry);
            carry >>= 64U;
        }
    }
    return value;
}

// Two's complement, as the EVM's sar and sdiv.
bool is_negative(const Uint256& value) {
    return value.bit(kSignBit);
}
Uint256 negate(const Uint256& value) {
    return Uint256{} - value;
}
Uint256 shift_right_signed(const Uint256& value, unsigned bits) {
    if (!is_negative(value)) return value >> bits;
    return Uint256::max() - ((Uint256::max() - value) >> bits);
}
Uint256 divide_signed(const Uint256& a, const Uint256& b) {
    const Uint256 quotient = (is_negative(a) ? negate(a) : a) / (is_negative(b) ? negate(b) : b);
    return is_negative(a) == is_negative(b) ? quotient : negate(quotient);
}

Uint256 scaled_product(const Uint256& a, const Uint256& b) {
    return shift_right_signed(a * b, 96);
}

// Marks are kept modulo 2^160: only differences of two of one lock are used.
Uint256 modulo_mark(const Uint256& value) {
    return value << (256 - kMarkBits) >> (256 - kMarkBits);
}

// The numerator of the (8, 8)-term rational approximation of ln on (1, 2), in Q192.
Uint256 numerator_at(const Uint256& x) {
    Uint256 p = x + constant("3273285459638523848632254066296");
    p = scaled_product(p, x) + constant("24828157081833163892658089445524");
    p = scaled_product(p, x) + constant("43456485725739037958740375743393");
    p = scaled_product(p, x) - constant("11111509109440967052023855526967");
    p = scaled_product(p, x) - constant("45023709667254063763336534515857");
    p = scaled_product(p, x) - constant("14706773417378608786704636184526");
    return p * x - (constant("795164235651350426258249787498") << 96U);
}

// Its monic denominator, in Q96.
Uint256 denominator_at(const Uint256& x) {
    Uint256 q = x + constant("5573035233440673466300451813936");
    q = scaled_product(x, q) + constant("71694874799317883764090561454958");
    q = scaled_product(x, q) + constant("283447036172924575727196451306956");
    q = scaled_product(x, q) + constant("401686690394027663651624208769553");
    q = scaled_product(x, q) + constant("204048457590392012362485061816622");
    q = scaled_product(x, q) + constant("31853899698501571402653359427138");
    return scaled_product(x, q) + constant("909429971244387300277376558375");
}

// atanh(x) / x in Q96 for x < 1/16: 1 + x^2/3 + x^4/5 + ... + x^10/11; what follows is below 2^-50.
Uint256 atanh_series(const Uint256& x) {
    const Uint256 one = Uint256::power_of_two(96);
    const Uint256 y = x * x >> 96U;
    Uint256 f = one / Uint256{11U};
    for (const unsigned divisor : {9U, 7U, 5U, 3U, 1U}) f = one / Uint256{divisor} + (y * f >> 96U);
    return f;
}

// (start + end) / (2 L) = atanh(x) / x in Q96, L the logarithmic mean and x = (start - end) / (start + end).
Result<Uint256> inverse_mean_factor(const Uint256& start, const Uint256& end) {
    const Uint256 x = ((start - end) << 96U) / (start + end);
    if (x < Uint256::power_of_two(92)) return atanh_series(x);
    TRY(const Uint256 logarithm, ln_wad(start * kWad / end));
    return ((logarithm << 187U) / (x * kWad)) << 4U;
}

}  // namespace

Result<Uint256> ln_wad(const Uint256& x) {
    if (x < kWad || is_negative(x)) return make_error(Errc::kInvalid, "logarithm outside its domain");
    const unsigned shift = 256 - x.bit_length();
    const Uint256 mantissa = (x << shift) >> 159U;
    Uint256 p = divide_signed(numerator_at(mantissa), denominator_at(mantissa));
    // The scale factor 5.549..., k * ln(2) and ln(2^96 / 10^18), each times 5^18 * 2^192.
    p = p * constant("1677202110996718588342820967067443963516166");
    const Uint256 ln2 = constant("16597577552685614221487285958193947469193820559219878177908093499208371");
    p = p + (shift <= 159 ? ln2 * Uint256{159 - shift} : negate(ln2 * Uint256{shift - 159}));
    p = p + constant("600920179829731861736702779321621459595472258049074101567377883020018308");
    return shift_right_signed(p, 174);
}

Result<StreamIncrement> stream_increment(const StreamSegment& segment) {
    const Uint256& start = segment.weight_start;
    const Uint256& end = segment.weight_end;
    const Uint256& q = segment.emission;
    if (start.is_zero() || end > start || segment.decay.is_zero() || start.bit_length() > kWeightBitsMax ||
        segment.decay.bit_length() > kDecayBitsMax || q.bit_length() > kEmissionBitsMax) {
        return make_error(Errc::kInvalid, "stream segment out of bounds");
    }
    StreamIncrement increment{.i0 = q / start, .j = Uint256{}};
    if (end.is_zero()) return increment;
    TRY(const Uint256 factor, inverse_mean_factor(start, end));
    const Uint256 mean = (((q << 1U) / (start + end)) * factor) >> 96U;
    // Within [q / start, q / end] no lock's share is negative, so solvency does not rest on the logarithm.
    increment.i0 = std::max(increment.i0, std::min(mean, q / end));
    const Uint256 product = start * increment.i0;
    if (product > q) increment.j = (product - q + segment.decay - Uint256{1U}) / segment.decay;
    return increment;
}

Uint256 stream_mark(const Uint256& i0, const Uint256& i1, std::uint64_t end_seconds) {
    return modulo_mark(Uint256{end_seconds} * i0 - i1);
}

Uint256 stream_earned(U128 strength, const Uint256& from, const Uint256& to) {
    return modulo_mark(to - from) * Uint256{strength} >> kStreamDigits;
}

}  // namespace vcity::market
