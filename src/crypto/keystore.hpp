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

// What a file may ask of the reader: scrypt takes 128 * n * r bytes of memory.
struct KeystoreCostMax {
    std::uint64_t n = 1U << 20U;
    std::uint64_t r = 16;
    std::uint64_t p = 16;
    std::uint64_t memory_bytes = 1ULL << 30U;
    std::uint64_t iterations = 10'000'000;  // of PBKDF2
};

// The cost must be within KeystoreCostMax and n a power of two above 1: kInvalid otherwise. Takes a good part of a
// second.
Result<std::string> encrypt_keystore(const PrivateKey& key,
                                     ByteView password,
                                     const KeystoreRandomness& randomness,
                                     const ScryptCost& cost = {});
// kDenied for a wrong password (MAC mismatch), kInvalid for a malformed file, a cost above the maximum, or scrypt
// parameters that RFC 7914 forbids (n >= 2^(16 r), as in the definition's own example; wallets use r = 8).
Result<PrivateKey> decrypt_keystore(std::string_view json, ByteView password, const KeystoreCostMax& cost_max = {});

}  // namespace vcity::crypto
