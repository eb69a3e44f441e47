// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "crypto/secp256k1.hpp"

namespace vcity::crypto {

// Web3 Secret Storage, version 3: AES-128-CTR, scrypt (read and written) or PBKDF2-HMAC-SHA256 (read), MAC keccak-256.
struct ScryptCost {
    std::uint32_t n = 1U << 17U;
    std::uint32_t r = 8;
    std::uint32_t p = 1;
};

// salt: 32 random bytes, iv: 16, uuid: 16.
struct KeystoreRandomness {
    Bytes salt;
    Bytes iv;
    Bytes uuid;
};

Result<std::string> encrypt_keystore(const PrivateKey& key,
                                     ByteView password,
                                     const KeystoreRandomness& randomness,
                                     const ScryptCost& cost = {});
// kDenied for a wrong password (MAC mismatch), kInvalid for a malformed file or a cost above n = 2^20, r = 16, p = 16.
Result<PrivateKey> decrypt_keystore(std::string_view json, ByteView password);

}  // namespace vcity::crypto
