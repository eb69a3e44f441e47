// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/bytes.hpp"

namespace vcity::crypto {

Hash sha256(ByteView bytes);
Hash hmac_sha256(ByteView key, ByteView message);
// IEEE CRC-32, as in the last characters of an API key.
std::uint32_t crc32(ByteView bytes);

}  // namespace vcity::crypto
