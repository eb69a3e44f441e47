// SPDX-License-Identifier: Apache-2.0
#include "codec/integer.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include <fmt/format.h>

#include "codec/hex.hpp"

namespace vcity::codec {
namespace {

// The low `size` bytes of a word as a number; kInvalid when a higher byte is set.
Result<U128> low_bytes(const U256& value, std::size_t size) {
    const std::size_t first = value.bytes.size() - size;
    if (std::ranges::any_of(value.view().first(first), [](std::uint8_t byte) { return byte != 0; })) {
        return make_error(Errc::kInvalid, fmt::format("number does not fit {} bits", 8 * size));
    }
    U128 result = 0;
    for (std::size_t index = first; index < value.bytes.size(); ++index) result = result << 8U | value.bytes[index];
    return result;
}

// The digits after 0x, without a needless leading zero.
Result<std::string_view> quantity_digits(std::string_view text) {
    if (!text.starts_with("0x") || text.size() == 2) return make_error(Errc::kInvalid, "quantity is not 0x and digits");
    const std::string_view digits = text.substr(2);
    if (digits.size() > 1 && digits.front() == '0') return make_error(Errc::kInvalid, "quantity has a leading zero");
    return digits;
}

}  // namespace

U256 to_u256(std::uint64_t value) {
    return to_u256_wide(value);
}

U256 to_u256_wide(U128 value) {
    U256 word;
    for (std::size_t index = word.bytes.size(); value != 0; value >>= 8U) {
        word.bytes[--index] = static_cast<std::uint8_t>(value & 0xffU);
    }
    return word;
}

Result<std::uint64_t> to_u64(const U256& value) {
    TRY(const U128 wide, low_bytes(value, sizeof(std::uint64_t)));
    return static_cast<std::uint64_t>(wide);
}

Result<U128> to_u128(const U256& value) {
    return low_bytes(value, sizeof(U128));
}

std::string to_quantity(std::uint64_t value) {
    return fmt::format("{:#x}", value);
}

Result<std::uint64_t> parse_quantity(std::string_view text) {
    TRY(const std::string_view digits, quantity_digits(text));
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
    if (error != std::errc{} || end != digits.data() + digits.size()) {
        return make_error(Errc::kInvalid, "quantity is not a 64-bit hex number");
    }
    return value;
}

Result<U256> parse_quantity_u256(std::string_view text) {
    TRY(const std::string_view digits, quantity_digits(text));
    if (digits.size() > 2 * U256::kSize) return make_error(Errc::kInvalid, "quantity does not fit 256 bits");
    TRY(const Bytes bytes,
        parse_hex_exact("0x" + std::string(2 * U256::kSize - digits.size(), '0').append(digits), U256::kSize));
    return U256::make(bytes);
}

Result<std::uint64_t> parse_decimal(std::string_view text) {
    if (text.empty() || (text.size() > 1 && text.front() == '0')) {
        return make_error(Errc::kInvalid, "decimal number is empty or has a leading zero");
    }
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, 10);
    if (error != std::errc{} || end != text.data() + text.size()) {
        return make_error(Errc::kInvalid, "not a decimal number of 64 bits");
    }
    return value;
}

std::string to_decimal(U128 value) {
    std::string text;
    do {
        text += static_cast<char>('0' + static_cast<int>(value % 10U));
        value /= 10U;
    } while (value != 0);
    std::ranges::reverse(text);
    return text;
}

}  // namespace vcity::codec
