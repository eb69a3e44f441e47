// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>
#include <vector>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "codec/base64.hpp"

namespace vcity::attest {

using codec::Base64Alphabet;
using codec::parse_base64;

// Certificates as DER, in the order of the file. Only CERTIFICATE blocks with white space between them, at most
// count_max of them, each at most 8 KiB; a NUL at the end (Intel writes one) is accepted. kInvalid otherwise.
Result<std::vector<Bytes>> parse_pem_certificates(std::string_view text, std::size_t count_max = 8);

// Hex without a prefix, either case.
Result<Bytes> parse_plain_hex(std::string_view text, std::size_t max_bytes = 1U << 20U);
std::string plain_hex(ByteView bytes);

// "2025-06-19T10:16:03Z", from 1970 to 9999.
Result<UnixMillis> parse_timestamp(std::string_view text);

// A DER element (ITU-T X.690) of definite, minimal length.
struct DerElement {
    std::uint8_t tag = 0;
    ByteView content;
};
inline constexpr std::uint8_t kDerInteger = 0x02;
inline constexpr std::uint8_t kDerOctets = 0x04;
inline constexpr std::uint8_t kDerOid = 0x06;
inline constexpr std::uint8_t kDerSequence = 0x30;
// The elements that fill the bytes exactly; at most count_max.
Result<std::vector<DerElement>> parse_der(ByteView bytes, std::size_t count_max = 64);
// Not negative, minimal, at most 8 bytes.
Result<std::uint64_t> der_unsigned(const DerElement& element);

}  // namespace vcity::attest
