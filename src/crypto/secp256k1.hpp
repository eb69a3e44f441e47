// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "base/secret.hpp"

namespace vcity::crypto {

// x || y of a public key, big-endian.
using PublicPoint = FixedBytes<struct PublicPointTag, 64>;
// The last 20 bytes of keccak256(x || y). The point is not checked to be on the curve: nothing recovers to one that is
// not.
Address address_of(const PublicPoint& point);

// An account key. Signatures are deterministic (RFC 6979) with s in the lower half (EIP-2).
class PrivateKey {
  public:
    // kInvalid unless 0 < key < n.
    static Result<PrivateKey> make(ByteView bytes);

    Address address() const { return address_; }
    PublicPoint public_point() const;
    Signature sign(const Hash& digest) const;
    ByteView reveal() const { return secret_.reveal(); }

  private:
    PrivateKey(SecretBytes secret, const Address& address) : secret_{std::move(secret)}, address_{address} {}

    SecretBytes secret_;
    Address address_;
};

// The signer of a digest. kInvalid for v outside {27, 28}, s in the upper half, or no such point.
Result<Address> recover(const Hash& digest, const Signature& signature);

// EIP-55 mixed-case form.
std::string to_checksum_address(const Address& address);
// 0x and 40 digits; all-lower and all-upper are accepted, mixed case must match EIP-55.
Result<Address> parse_address(std::string_view text);

}  // namespace vcity::crypto
