// SPDX-License-Identifier: Apache-2.0
#include "codec/hex.hpp"

#include <fmt/format.h>

namespace vcity::codec {
namespace {

constexpr std::string_view kDigits = "0123456789abcdef";

// The value of a hex digit, or 16.
unsigned digit_value(char digit) {
    if (digit >= '0' && digit <= '9') return static_cast<unsigned>(digit - '0');
    if (digit >= 'a' && digit <= 'f') return static_cast<unsigned>(digit - 'a') + 10U;
    if (digit >= 'A' && digit <= 'F') return static_cast<unsigned>(digit - 'A') + 10U;
    return 16U;
}

}  // namespace

std::string to_hex(ByteView bytes) {
    std::string text = "0x";
    text.reserve(2 + 2 * bytes.size());
    for (const std::uint8_t byte : bytes) {
        text += kDigits[byte >> 4U];
        text += kDigits[byte & 15U];
    }
    return text;
}

Result<Bytes> parse_hex(std::string_view text, std::size_t max_bytes) {
    if (!text.starts_with("0x")) return make_error(Errc::kInvalid, "hex text does not start with 0x");
    const std::string_view digits = text.substr(2);
    if (digits.size() % 2 != 0) return make_error(Errc::kInvalid, "hex text has an odd number of digits");
    if (digits.size() / 2 > max_bytes) {
        return make_error(Errc::kInvalid, fmt::format("hex text is longer than {} bytes", max_bytes));
    }
    Bytes bytes;
    bytes.reserve(digits.size() / 2);
    for (std::size_t index = 0; index < digits.size(); index += 2) {
        const unsigned high = digit_value(digits[index]);
        const unsigned low = digit_value(digits[index + 1]);
        if (high > 15U || low > 15U) return make_error(Errc::kInvalid, "hex text has a character that is no digit");
        bytes.push_back(static_cast<std::uint8_t>(high << 4U | low));
    }
    return bytes;
}

Result<Bytes> parse_hex_exact(std::string_view text, std::size_t size) {
    TRY(Bytes bytes, parse_hex(text, size));
    if (bytes.size() != size) {
        return make_error(Errc::kInvalid, fmt::format("hex text has {} bytes, expected {}", bytes.size(), size));
    }
    return bytes;
}

}  // namespace vcity::codec
