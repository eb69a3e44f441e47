// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "base/bytes.hpp"
#include "base/result.hpp"

namespace vcity::codec {

// Lower-case, with the 0x prefix that Ethereum tools expect.
std::string to_hex(ByteView bytes);
template <class Tag, std::size_t N>
std::string to_hex(const FixedBytes<Tag, N>& value) {
    return to_hex(value.view());
}

// Any even number of digits after an obligatory 0x; either case. At most max_bytes bytes.
Result<Bytes> parse_hex(std::string_view text, std::size_t max_bytes = 1U << 20U);

Result<Bytes> parse_hex_exact(std::string_view text, std::size_t size);
template <class Fixed>
Result<Fixed> parse_fixed(std::string_view text) {
    TRY(const Bytes bytes, parse_hex_exact(text, Fixed::kSize));
    return Fixed::make(bytes);
}

}  // namespace vcity::codec
