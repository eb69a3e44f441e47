// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <initializer_list>

#include "base/bytes.hpp"

namespace vcity::crypto {

// Keccak-256 with the original padding 0x01 (Ethereum), not SHA3-256.
Hash keccak256(ByteView bytes);
// Of the concatenation.
Hash keccak256(std::initializer_list<ByteView> parts);
inline Hash keccak256_text(std::string_view text) {
    return keccak256(as_bytes(text));
}

}  // namespace vcity::crypto
