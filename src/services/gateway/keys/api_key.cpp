// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/keys/api_key.hpp"

#include <algorithm>

#include "base/check.hpp"
#include "crypto/sha256.hpp"

namespace vcity::gateway {
namespace {

constexpr std::string_view kAlphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
constexpr std::size_t kChecksumLength = 6;

std::string checksum_of(std::string_view text) {
    const std::uint32_t crc = crypto::crc32(as_bytes(text));
    const std::array<std::uint8_t, 4> bytes = {static_cast<std::uint8_t>(crc >> 24U),
                                               static_cast<std::uint8_t>(crc >> 16U),
                                               static_cast<std::uint8_t>(crc >> 8U), static_cast<std::uint8_t>(crc)};
    return to_base62(bytes, kChecksumLength);
}

}  // namespace

std::string to_base62(ByteView big_endian, std::size_t width) {
    Bytes number(big_endian.begin(), big_endian.end());
    std::string digits(width, '0');
    for (std::size_t position = width; position-- > 0;) {
        unsigned remainder = 0;
        for (auto& byte : number) {
            const unsigned value = remainder * 256U + byte;
            byte = static_cast<std::uint8_t>(value / 62U);
            remainder = value % 62U;
        }
        digits[position] = kAlphabet[remainder];
    }
    CHECK(std::ranges::all_of(number, [](std::uint8_t byte) { return byte == 0; }));
    return digits;
}

std::string make_token(std::string_view prefix, const KeyEntropy& entropy) {
    std::string key{prefix};
    key += to_base62(entropy, 43);
    key += checksum_of(key);
    return key;
}

bool is_well_formed_token(std::string_view prefix, std::string_view text) {
    if (text.size() != prefix.size() + 43 + kChecksumLength || !text.starts_with(prefix)) return false;
    const std::string_view digits = text.substr(prefix.size());
    if (digits.find_first_not_of(kAlphabet) != std::string_view::npos) return false;
    const std::size_t body = text.size() - kChecksumLength;
    return checksum_of(text.substr(0, body)) == text.substr(body);
}

std::string make_api_key(const KeyEntropy& entropy) {
    return make_token(kApiKeyPrefix, entropy);
}

bool is_well_formed_api_key(std::string_view text) {
    return is_well_formed_token(kApiKeyPrefix, text);
}

Hash api_key_digest(ByteView pepper, std::string_view key) {
    return crypto::hmac_sha256(pepper, as_bytes(key));
}

}  // namespace vcity::gateway
