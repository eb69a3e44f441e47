// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.hpp"

namespace vcity::gateway {

// "sk-vcity-", 43 base62 digits of 256 random bits, 6 base62 digits of the CRC-32 of everything before them. The
// checksum lets scanners find leaked keys with few false alarms, and lets us drop typing errors without a look-up.
inline constexpr std::string_view kApiKeyPrefix = "sk-vcity-";
inline constexpr std::size_t kApiKeyLength = 9 + 43 + 6;

using KeyEntropy = std::array<std::uint8_t, 32>;

// The same for other prefixes: whoever has the text has what it stands for.
std::string make_token(std::string_view prefix, const KeyEntropy& entropy);
bool is_well_formed_token(std::string_view prefix, std::string_view text);
// The caller hands it out once and never stores it.
std::string make_api_key(const KeyEntropy& entropy);
// Prefix, length, alphabet and checksum. A well-formed key may still be unknown.
bool is_well_formed_api_key(std::string_view text);
// HMAC-SHA256(pepper, key): all that is stored, so that a stolen store opens nothing.
Hash api_key_digest(ByteView pepper, std::string_view key);

// Big-endian base62 (0-9 A-Z a-z), left-padded with '0' to width; value < 62^width.
std::string to_base62(ByteView big_endian, std::size_t width);

}  // namespace vcity::gateway
