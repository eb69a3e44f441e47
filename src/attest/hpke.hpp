// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "base/secret.hpp"

namespace vcity::attest {

// Hybrid public key encryption (RFC 9180), base mode, of the one suite that goes to a monitor's attested key:
// DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, ChaCha20-Poly1305. Anyone may have sealed: base mode names no sender.
using HpkePublicKey = FixedBytes<struct HpkePublicKeyTag, 32>;
using HpkeEncapsulation = FixedBytes<struct HpkeEncapsulationTag, 32>;

struct HpkeKeyPair {
    SecretBytes secret;  // 32 bytes
    HpkePublicKey public_key;
};
// DeriveKeyPair of section 7.1.3: at least 32 bytes of key material, never used twice.
HpkeKeyPair derive_hpke_key(ByteView key_material);

// One direction of messages, in order. Move-only; the nonce is a counter, so a context seals or opens, not both.
class HpkeContext {
  public:
    // Plaintext and associated data of at most 1 MiB: kInvalid above.
    Result<Bytes> seal(ByteView associated, ByteView plaintext);
    // kCorrupt when this is not the next message of the sender; the context stays where it is.
    Result<Bytes> open(ByteView associated, ByteView ciphertext);
    // Section 5.3; size at most 255 * 32.
    Bytes export_secret(ByteView context, std::size_t size) const;

    // `ephemeral` is used for one context only.
    static Result<std::pair<HpkeEncapsulation, HpkeContext>> make_sender(const HpkePublicKey& receiver,
                                                                         const HpkeKeyPair& ephemeral,
                                                                         ByteView info);
    static Result<HpkeContext> make_receiver(const HpkeKeyPair& receiver,
                                             const HpkeEncapsulation& encapsulation,
                                             ByteView info);

  private:
    HpkeContext(ByteView shared_secret, ByteView info);
    Bytes next_nonce() const;

    SecretBytes key_;
    SecretBytes base_nonce_;
    SecretBytes exporter_;
    std::uint64_t sequence_ = 0;
};

}  // namespace vcity::attest
