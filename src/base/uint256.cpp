// SPDX-License-Identifier: Apache-2.0
#include "base/uint256.hpp"

#include <algorithm>
#include <bit>
#include <span>

#include "base/check.hpp"

namespace vcity {
namespace {

constexpr std::size_t kLimbs = 4;
constexpr unsigned kLimbBits = 64;
// 10^19 is the largest power of ten in a limb.
constexpr std::uint64_t kDecimalChunk = 10'000'000'000'000'000'000ULL;
constexpr std::size_t kDecimalChunkDigits = 19;

template <std::size_t N>
using Limbs = std::array<std::uint64_t, N>;

std::uint64_t low(U128 value) {
    return static_cast<std::uint64_t>(value);
}

Limbs<8> full_product(const Uint256& a, const Uint256& b) {
    Limbs<8> product{};
    for (std::size_t i = 0; i < kLimbs; ++i) {
        U128 carry = 0;
        for (std::size_t j = 0; j < kLimbs; ++j) {
            carry += U128{a.limbs[i]} * b.limbs[j] + product[i + j];
            product[i + j] = low(carry);
            carry >>= kLimbBits;
        }
        product[i + kLimbs] = low(carry);
    }
    return product;
}

std::size_t significant(std::span<const std::uint64_t> limbs) {
    std::size_t count = limbs.size();
    while (count > 0 && limbs[count - 1] == 0) --count;
    return count;
}

// target -= factor * divisor, and what it still owes beyond its top limb.
std::uint64_t subtract_multiple(std::span<std::uint64_t> target,
                                std::span<const std::uint64_t> divisor,
                                std::uint64_t factor) {
    U128 owed = 0;
    for (std::size_t i = 0; i < divisor.size(); ++i) {
        owed += U128{factor} * divisor[i];
        const bool borrows = target[i] < low(owed);
        target[i] -= low(owed);
        owed = (owed >> kLimbBits) + (borrows ? 1U : 0U);
    }
    return low(owed);
}

void add_back(std::span<std::uint64_t> target, std::span<const std::uint64_t> divisor) {
    U128 carry = 0;
    for (std::size_t i = 0; i < divisor.size(); ++i) {
        carry += U128{target[i]} + divisor[i];
        target[i] = low(carry);
        carry >>= kLimbBits;
    }
    target[divisor.size()] += low(carry);
}

void shift_left(std::span<std::uint64_t> limbs, unsigned bits) {
    if (bits == 0) return;
    for (std::size_t i = limbs.size(); i-- > 0;) {
        const std::uint64_t below = i > 0 ? limbs[i - 1] >> (kLimbBits - bits) : 0;
        limbs[i] = limbs[i] << bits | below;
    }
}

// An estimate of one limb of the quotient from the top limbs, at most two too large (Knuth, The Art of Computer
// Programming, volume 2, 4.3.1, algorithm D). The divisor is normalised and has two limbs at least.
std::uint64_t estimate(std::span<const std::uint64_t> top, std::span<const std::uint64_t> divisor) {
    const std::uint64_t first = divisor[divisor.size() - 1];
    const std::uint64_t second = divisor[divisor.size() - 2];
    const U128 numerator = U128{top[2]} << kLimbBits | top[1];
    U128 quotient = numerator / first;
    U128 remainder = numerator % first;
    while (quotient >> kLimbBits != 0 || quotient * second > (remainder << kLimbBits | top[0])) {
        --quotient;
        remainder += first;
        if (remainder >> kLimbBits != 0) break;
    }
    return low(quotient);
}

// Divides in place: number becomes the quotient, the result is the remainder.
std::uint64_t divide_by_limb(std::span<std::uint64_t> number, std::uint64_t divisor) {
    U128 rest = 0;
    for (std::size_t i = number.size(); i-- > 0;) {
        rest = rest << kLimbBits | number[i];
        number[i] = low(rest / divisor);
        rest %= divisor;
    }
    return low(rest);
}

struct Division {
    Limbs<8> quotient{};
    Uint256 remainder;
};

Division divide(const Limbs<8>& numerator, const Uint256& denominator) {
    const std::size_t size = significant(denominator.limbs);
    CHECK(size > 0);
    Division result;
    if (size == 1) {
        result.quotient = numerator;
        result.remainder = Uint256{divide_by_limb(result.quotient, denominator.limbs[0])};
        return result;
    }
    const auto shift = static_cast<unsigned>(std::countl_zero(denominator.limbs[size - 1]));
    Limbs<4> divisor_limbs = denominator.limbs;
    shift_left(divisor_limbs, shift);
    const std::span<const std::uint64_t> divisor = std::span{divisor_limbs}.first(size);
    Limbs<9> rest{};
    std::copy(numerator.begin(), numerator.end(), rest.begin());
    shift_left(rest, shift);
    for (std::size_t place = rest.size() - size; place-- > 0;) {
        const std::span<std::uint64_t> window = std::span{rest}.subspan(place, size + 1);
        std::uint64_t digit = estimate(window.last(3), divisor);
        const std::uint64_t owed = subtract_multiple(window, divisor, digit);
        const bool is_too_much = window[size] < owed;
        window[size] -= owed;
        if (is_too_much) {
            --digit;
            add_back(window, divisor);
        }
        result.quotient[place] = digit;
    }
    for (std::size_t i = 0; i < size; ++i) {
        const std::uint64_t above = shift == 0 ? 0 : rest[i + 1] << (kLimbBits - shift);
        result.remainder.limbs[i] = rest[i] >> shift | above;
    }
    return result;
}

Limbs<8> widen(const Uint256& value) {
    Limbs<8> wide{};
    std::copy(value.limbs.begin(), value.limbs.end(), wide.begin());
    return wide;
}

Uint256 narrow(const Limbs<8>& value) {
    Uint256 result;
    std::copy_n(value.begin(), kLimbs, result.limbs.begin());
    return result;
}

Error too_large() {
    return make_error(Errc::kInvalid, "number does not fit 256 bits");
}

}  // namespace

std::strong_ordering Uint256::operator<=>(const Uint256& other) const {
    for (std::size_t i = kLimbs; i-- > 0;) {
        if (limbs[i] != other.limbs[i]) return limbs[i] <=> other.limbs[i];
    }
    return std::strong_ordering::equal;
}

unsigned Uint256::bit_length() const {
    const std::size_t size = significant(limbs);
    if (size == 0) return 0;
    return static_cast<unsigned>(size) * kLimbBits - static_cast<unsigned>(std::countl_zero(limbs[size - 1]));
}

Uint256 operator+(const Uint256& a, const Uint256& b) {
    Uint256 sum;
    U128 carry = 0;
    for (std::size_t i = 0; i < kLimbs; ++i) {
        carry += U128{a.limbs[i]} + b.limbs[i];
        sum.limbs[i] = low(carry);
        carry >>= kLimbBits;
    }
    return sum;
}

Uint256 operator-(const Uint256& a, const Uint256& b) {
    Uint256 negated;
    for (std::size_t i = 0; i < kLimbs; ++i) negated.limbs[i] = ~b.limbs[i];
    return a + negated + Uint256{1U};
}

Uint256 operator*(const Uint256& a, const Uint256& b) {
    return narrow(full_product(a, b));
}

Uint256 operator/(const Uint256& a, const Uint256& b) {
    return narrow(divide(widen(a), b).quotient);
}

Uint256 operator%(const Uint256& a, const Uint256& b) {
    return divide(widen(a), b).remainder;
}

Uint256 operator<<(const Uint256& a, unsigned bits) {
    Uint256 result;
    if (bits >= kLimbs * kLimbBits) return result;
    const std::size_t whole = bits / kLimbBits;
    std::copy(a.limbs.begin(), a.limbs.end() - static_cast<std::ptrdiff_t>(whole),
              result.limbs.begin() + static_cast<std::ptrdiff_t>(whole));
    shift_left(result.limbs, bits % kLimbBits);
    return result;
}

Uint256 operator>>(const Uint256& a, unsigned bits) {
    Uint256 result;
    if (bits >= kLimbs * kLimbBits) return result;
    const std::size_t whole = bits / kLimbBits;
    const unsigned part = bits % kLimbBits;
    for (std::size_t i = 0; i + whole < kLimbs; ++i) {
        const std::uint64_t above =
            part == 0 || i + whole + 1 >= kLimbs ? 0 : a.limbs[i + whole + 1] << (kLimbBits - part);
        result.limbs[i] = a.limbs[i + whole] >> part | above;
    }
    return result;
}

Result<Uint256> add(const Uint256& a, const Uint256& b) {
    const Uint256 sum = a + b;
    if (sum < a) return too_large();
    return sum;
}

Result<Uint256> subtract(const Uint256& a, const Uint256& b) {
    if (a < b) return make_error(Errc::kInvalid, "difference is negative");
    return a - b;
}

Result<Uint256> multiply(const Uint256& a, const Uint256& b) {
    const Limbs<8> product = full_product(a, b);
    if (significant(product) > kLimbs) return too_large();
    return narrow(product);
}

Result<Uint256> mul_div_floor(const Uint256& a, const Uint256& b, const Uint256& denominator) {
    const Division division = divide(full_product(a, b), denominator);
    if (significant(division.quotient) > kLimbs) return too_large();
    return narrow(division.quotient);
}

Result<Uint256> mul_div_ceil(const Uint256& a, const Uint256& b, const Uint256& denominator) {
    const Division division = divide(full_product(a, b), denominator);
    if (significant(division.quotient) > kLimbs) return too_large();
    return add(narrow(division.quotient), Uint256{division.remainder.is_zero() ? 0U : 1U});
}

// Newton's iteration from above: it falls until it reaches the floor of the root.
Uint256 isqrt(const Uint256& value) {
    if (value.is_zero()) return value;
    Uint256 root = Uint256::power_of_two(std::min((value.bit_length() + 1) / 2, 255U));
    while (true) {
        const Uint256 next = (root + value / root) >> 1U;
        if (next >= root) return root;
        root = next;
    }
}

Result<U128> to_u128(const Uint256& value) {
    if (value.bit_length() > 128) return make_error(Errc::kInvalid, "number does not fit 128 bits");
    return U128{value.limbs[1]} << kLimbBits | value.limbs[0];
}

Result<std::uint64_t> to_u64(const Uint256& value) {
    if (value.bit_length() > 64) return make_error(Errc::kInvalid, "number does not fit 64 bits");
    return value.limbs[0];
}

U256 to_bytes(const Uint256& value) {
    U256 bytes;
    for (std::size_t i = 0; i < U256::kSize; ++i) {
        bytes.bytes[U256::kSize - 1 - i] = static_cast<std::uint8_t>(value.limbs[i / 8] >> (8 * (i % 8)));
    }
    return bytes;
}

Uint256 from_bytes(const U256& bytes) {
    Uint256 value;
    for (std::size_t i = 0; i < U256::kSize; ++i) {
        value.limbs[i / 8] |= std::uint64_t{bytes.bytes[U256::kSize - 1 - i]} << (8 * (i % 8));
    }
    return value;
}

std::string to_decimal(const Uint256& value) {
    std::string reversed;
    Uint256 rest = value;
    while (!rest.is_zero()) {
        std::uint64_t chunk = divide_by_limb(rest.limbs, kDecimalChunk);
        for (std::size_t i = 0; i < kDecimalChunkDigits; ++i) {
            reversed.push_back(static_cast<char>('0' + chunk % 10));
            chunk /= 10;
        }
    }
    while (!reversed.empty() && reversed.back() == '0') reversed.pop_back();
    if (reversed.empty()) return "0";
    return {reversed.rbegin(), reversed.rend()};
}

Result<Uint256> parse_uint256(std::string_view digits) {
    if (digits.empty()) return make_error(Errc::kInvalid, "number has no digits");
    if (digits.size() > 1 && digits.front() == '0') return make_error(Errc::kInvalid, "number has a leading zero");
    Uint256 value;
    for (const char digit : digits) {
        if (digit < '0' || digit > '9') return make_error(Errc::kInvalid, "number has a character that is no digit");
        TRY(value, multiply(value, Uint256{10U}));
        TRY(value, add(value, Uint256{static_cast<unsigned>(digit - '0')}));
    }
    return value;
}

}  // namespace vcity
