// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.hpp"
#include "base/result.hpp"

namespace vcity::codec {

// RFC 4648, sections 4 and 5. Padding may be left out, as JOSE does; spare bits must be zero.
enum class Base64Alphabet : std::uint8_t { kStandard, kUrl };
Result<Bytes> parse_base64(std::string_view text, Base64Alphabet alphabet, std::size_t max_bytes = 1U << 20U);
// Section 4, with padding.
std::string to_base64(ByteView bytes);

}  // namespace vcity::codec
