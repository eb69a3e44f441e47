// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>

#include "base/bytes.hpp"
#include "base/result.hpp"

struct evp_pkey_st;

namespace vcity::attest {

enum class HashAlgorithm : std::uint8_t { kSha1, kSha256, kSha384, kSha512 };
std::size_t digest_size(HashAlgorithm algorithm);
Bytes digest(HashAlgorithm algorithm, ByteView bytes);

enum class KeyKind : std::uint8_t { kEcP256, kEcP384, kRsa, kOther };

// A public key of a signer. Move-only; parsing checks that the point is on the curve, or that the modulus has 2,048 to
// 4,096 bits and the exponent is odd, above 1 and below 2^32. kInvalid otherwise.
class PublicKey {
  public:
    static Result<PublicKey> from_point(KeyKind curve, ByteView x_y);  // x || y, 32 or 48 bytes each
    static Result<PublicKey> from_rsa(ByteView modulus, ByteView exponent);
    static Result<PublicKey> from_spki(ByteView der);
    // Takes the key; used by Certificate.
    static PublicKey adopt(evp_pkey_st* key);

    KeyKind kind() const { return kind_; }
    evp_pkey_st* get() const { return key_.get(); }

    // r || s, big-endian, each of the size of the curve. False for any other key or size.
    bool verify_ecdsa(HashAlgorithm hash, ByteView message, ByteView r_s) const;
    // RSASSA-PKCS1-v1_5 and RSASSA-PSS (salt of any length), RFC 8017.
    bool verify_rsa_pkcs1(HashAlgorithm hash, ByteView message, ByteView signature) const;
    bool verify_rsa_pss(HashAlgorithm hash, ByteView message, ByteView signature) const;

  private:
    struct Free {
        void operator()(evp_pkey_st* key) const;
    };
    explicit PublicKey(evp_pkey_st* key);

    std::unique_ptr<evp_pkey_st, Free> key_;
    KeyKind kind_ = KeyKind::kOther;
};

}  // namespace vcity::attest
