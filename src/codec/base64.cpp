// SPDX-License-Identifier: Apache-2.0
#include "codec/base64.hpp"

namespace vcity::codec {
namespace {

int digit_of(char c, Base64Alphabet alphabet) {
    if (c >= 'A' && c <= 'Z') return c - 'A';
    if (c >= 'a' && c <= 'z') return c - 'a' + 26;
    if (c >= '0' && c <= '9') return c - '0' + 52;
    const bool url = alphabet == Base64Alphabet::kUrl;
    if (c == (url ? '-' : '+')) return 62;
    return c == (url ? '_' : '/') ? 63 : -1;
}

}  // namespace

Result<Bytes> parse_base64(std::string_view text, Base64Alphabet alphabet, std::size_t max_bytes) {
    if (text.size() % 4 == 0 && text.ends_with('=')) {
        text.remove_suffix(text.ends_with("==") ? 2 : 1);
    }
    if (text.size() / 4 * 3 > max_bytes) return make_error(Errc::kInvalid, "base64: longer than allowed");
    if (text.size() % 4 == 1) return make_error(Errc::kInvalid, "base64: a lone last digit");
    Bytes bytes;
    bytes.reserve(text.size() / 4 * 3 + 2);
    std::uint32_t held = 0;
    unsigned bits = 0;
    for (const char c : text) {
        const int digit = digit_of(c, alphabet);
        if (digit < 0) return make_error(Errc::kInvalid, "base64: a character outside the alphabet");
        held = (held << 6U | static_cast<std::uint32_t>(digit)) & 0x3fffU;
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            bytes.push_back(static_cast<std::uint8_t>(held >> bits));
        }
    }
    if ((held & ((1U << bits) - 1U)) != 0) return make_error(Errc::kInvalid, "base64: spare bits are not zero");
    return bytes;
}

std::string to_base64(ByteView bytes) {
    constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string text;
    text.reserve((bytes.size() + 2) / 3 * 4);
    for (std::size_t at = 0; at < bytes.size(); at += 3) {
        const std::size_t given = bytes.size() - at < 3 ? bytes.size() - at : 3;
        std::uint32_t held = 0;
        for (std::size_t i = 0; i < 3; ++i) held = held << 8U | (i < given ? bytes[at + i] : 0U);
        for (std::size_t i = 0; i < 4; ++i) {
            text.push_back(i <= given ? kDigits[held >> (18U - 6U * i) & 63U] : '=');
        }
    }
    return text;
}

}  // namespace vcity::codec
