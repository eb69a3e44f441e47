// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "base/bytes.hpp"

struct evp_md_ctx_st;

namespace vcity::crypto {

Hash sha256(ByteView bytes);

// The same of bytes that come in parts.
class Sha256 {
  public:
    Sha256();
    void update(ByteView bytes);
    Hash finish();  // of all parts; nothing may follow

  private:
    struct Free {
        void operator()(evp_md_ctx_st* context) const;
    };
    std::unique_ptr<evp_md_ctx_st, Free> context_;
};

Hash hmac_sha256(ByteView key, ByteView message);
// IEEE CRC-32, as in the last characters of an API key.
std::uint32_t crc32(ByteView bytes);

}  // namespace vcity::crypto
