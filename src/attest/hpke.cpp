// SPDX-License-Identifier: Apache-2.0
#include "attest/hpke.hpp"

#include <memory>

#include <openssl/err.h>
#include <openssl/evp.h>

#include "attest/cursor.hpp"
#include "base/check.hpp"
#include "crypto/sha256.hpp"

namespace vcity::attest {
namespace {

constexpr std::size_t kHashBytes = 32;
constexpr std::size_t kKeyBytes = 32;
constexpr std::size_t kNonceBytes = 12;
constexpr std::size_t kTagBytes = 16;
constexpr std::size_t kMessageBytesMax = 1U << 20U;
constexpr std::string_view kKemSuite{"KEM\x00\x20", 5};
constexpr std::string_view kSuite{"HPKE\x00\x20\x00\x01\x00\x03", 10};
constexpr std::string_view kVersion = "HPKE-v1";

using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
using KeyContext = std::unique_ptr<EVP_PKEY_CTX, decltype(&EVP_PKEY_CTX_free)>;
using Cipher = std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)>;

// LabeledExtract and LabeledExpand of section 4.
SecretBytes extract(std::string_view suite, ByteView salt, std::string_view label, ByteView material) {
    Bytes labeled = to_bytes(as_bytes(kVersion));
    append(&labeled, as_bytes(suite));
    append(&labeled, as_bytes(label));
    append(&labeled, material);
    Bytes value = to_bytes(crypto::hmac_sha256(salt, labeled).view());
    secure_zero(labeled.data(), labeled.size());
    return SecretBytes{std::move(value)};
}

Bytes expand(std::string_view suite, ByteView key, std::string_view label, ByteView info, std::size_t size) {
    CHECK(size <= 255 * kHashBytes);
    Bytes labeled{static_cast<std::uint8_t>(size >> 8U), static_cast<std::uint8_t>(size)};
    append(&labeled, as_bytes(kVersion));
    append(&labeled, as_bytes(suite));
    append(&labeled, as_bytes(label));
    append(&labeled, info);
    Bytes out;
    Bytes block;
    for (std::uint8_t counter = 1; out.size() < size; ++counter) {
        append(&block, labeled);
        block.push_back(counter);
        block = to_bytes(crypto::hmac_sha256(key, block).view());
        append(&out, block);
    }
    secure_zero(block.data(), block.size());
    out.resize(size);
    return out;
}

Key secret_key(ByteView secret) {
    Key key{EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, nullptr, secret.data(), secret.size()), EVP_PKEY_free};
    CHECK(key != nullptr);
    return key;
}

HpkePublicKey public_of(ByteView secret) {
    HpkePublicKey value;
    std::size_t size = value.bytes.size();
    CHECK(EVP_PKEY_get_raw_public_key(secret_key(secret).get(), value.bytes.data(), &size) == 1);
    return value;
}

// X25519; kInvalid for a point of small order, whose result is zero (RFC 7748, section 6.1).
Result<SecretBytes> exchange(ByteView secret, ByteView other) {
    const Key mine = secret_key(secret);
    const Key theirs{EVP_PKEY_new_raw_public_key(EVP_PKEY_X25519, nullptr, other.data(), other.size()), EVP_PKEY_free};
    const KeyContext context{EVP_PKEY_CTX_new(mine.get(), nullptr), EVP_PKEY_CTX_free};
    Bytes shared(kKeyBytes);
    std::size_t size = shared.size();
    CHECK(theirs != nullptr && context != nullptr && EVP_PKEY_derive_init(context.get()) == 1);
    if (EVP_PKEY_derive_set_peer(context.get(), theirs.get()) != 1 ||
        EVP_PKEY_derive(context.get(), shared.data(), &size) != 1 || all_equal(shared, 0)) {
        ERR_clear_error();
        return make_error(Errc::kInvalid, "hpke: a public key of small order");
    }
    return SecretBytes{std::move(shared)};
}

// ExtractAndExpand of section 4.1 over enc || pkR.
SecretBytes shared_secret(const SecretBytes& exchanged,
                          const HpkeEncapsulation& encapsulation,
                          const HpkePublicKey& receiver) {
    Bytes context = to_bytes(encapsulation.view());
    append(&context, receiver.view());
    const SecretBytes key = extract(kKemSuite, {}, "eae_prk", exchanged.reveal());
    return SecretBytes{expand(kKemSuite, key.reveal(), "shared_secret", context, kHashBytes)};
}

}  // namespace

HpkeKeyPair derive_hpke_key(ByteView key_material) {
    CHECK(key_material.size() >= kKeyBytes);
    const SecretBytes key = extract(kKemSuite, {}, "dkp_prk", key_material);
    Bytes secret = expand(kKemSuite, key.reveal(), "sk", {}, kKeyBytes);
    const HpkePublicKey public_key = public_of(secret);
    return {.secret = SecretBytes{std::move(secret)}, .public_key = public_key};
}

// KeySchedule of section 5.1, mode base: no pre-shared key.
HpkeContext::HpkeContext(ByteView shared_secret_bytes, ByteView info) {
    Bytes context{0};
    append(&context, extract(kSuite, {}, "psk_id_hash", {}).reveal());
    append(&context, extract(kSuite, {}, "info_hash", info).reveal());
    const SecretBytes secret = extract(kSuite, shared_secret_bytes, "secret", {});
    key_ = SecretBytes{expand(kSuite, secret.reveal(), "key", context, kKeyBytes)};
    base_nonce_ = SecretBytes{expand(kSuite, secret.reveal(), "base_nonce", context, kNonceBytes)};
    exporter_ = SecretBytes{expand(kSuite, secret.reveal(), "exp", context, kHashBytes)};
}

Bytes HpkeContext::next_nonce() const {
    Bytes nonce = to_bytes(base_nonce_.reveal());
    for (std::size_t i = 0; i < 8; ++i) {
        nonce[kNonceBytes - 1 - i] ^= static_cast<std::uint8_t>(sequence_ >> (8 * i));
    }
    return nonce;
}

Result<Bytes> HpkeContext::seal(ByteView associated, ByteView plaintext) {
    if (plaintext.size() > kMessageBytesMax || associated.size() > kMessageBytesMax) {
        return make_error(Errc::kInvalid, "hpke: a message that is too long");
    }
    const Cipher context{EVP_CIPHER_CTX_new(), EVP_CIPHER_CTX_free};
    const Bytes nonce = next_nonce();
    Bytes out(plaintext.size() + kTagBytes);
    int size = 0;
    EVP_CIPHER_CTX* raw = context.get();
    CHECK(raw != nullptr);
    CHECK(EVP_EncryptInit_ex(raw, EVP_chacha20_poly1305(), nullptr, key_.reveal().data(), nonce.data()) == 1);
    CHECK(EVP_EncryptUpdate(raw, nullptr, &size, associated.data(), static_cast<int>(associated.size())) == 1);
    CHECK(EVP_EncryptUpdate(raw, out.data(), &size, plaintext.data(), static_cast<int>(plaintext.size())) == 1);
    CHECK(EVP_EncryptFinal_ex(raw, out.data() + plaintext.size(), &size) == 1);
    CHECK(EVP_CIPHER_CTX_ctrl(raw, EVP_CTRL_AEAD_GET_TAG, kTagBytes, out.data() + plaintext.size()) == 1);
    ++sequence_;
    return out;
}

Result<Bytes> HpkeContext::open(ByteView associated, ByteView ciphertext) {
    if (ciphertext.size() < kTagBytes || ciphertext.size() > kMessageBytesMax + kTagBytes ||
        associated.size() > kMessageBytesMax) {
        return make_error(Errc::kCorrupt, "hpke: a message of the wrong size");
    }
    const Cipher context{EVP_CIPHER_CTX_new(), EVP_CIPHER_CTX_free};
    const Bytes nonce = next_nonce();
    const ByteView body = ciphertext.first(ciphertext.size() - kTagBytes);
    Bytes tag = to_bytes(ciphertext.last(kTagBytes));
    Bytes out(body.size() + 1);
    int size = 0;
    EVP_CIPHER_CTX* raw = context.get();
    CHECK(raw != nullptr);
    CHECK(EVP_DecryptInit_ex(raw, EVP_chacha20_poly1305(), nullptr, key_.reveal().data(), nonce.data()) == 1);
    CHECK(EVP_CIPHER_CTX_ctrl(raw, EVP_CTRL_AEAD_SET_TAG, kTagBytes, tag.data()) == 1);
    CHECK(EVP_DecryptUpdate(raw, nullptr, &size, associated.data(), static_cast<int>(associated.size())) == 1);
    CHECK(EVP_DecryptUpdate(raw, out.data(), &size, body.data(), static_cast<int>(body.size())) == 1);
    if (EVP_DecryptFinal_ex(raw, out.data() + body.size(), &size) != 1) {
        ERR_clear_error();
        return make_error(Errc::kCorrupt, "hpke: not the next message of the sender");
    }
    out.resize(body.size());
    ++sequence_;
    return out;
}

Bytes HpkeContext::export_secret(ByteView context, std::size_t size) const {
    return expand(kSuite, exporter_.reveal(), "sec", context, size);
}

Result<std::pair<HpkeEncapsulation, HpkeContext>> HpkeContext::make_sender(const HpkePublicKey& receiver,
                                                                           const HpkeKeyPair& ephemeral,
                                                                           ByteView info) {
    TRY(const SecretBytes exchanged, exchange(ephemeral.secret.reveal(), receiver.view()));
    const auto encapsulation = ephemeral.public_key.as<HpkeEncapsulation>();
    return std::pair{encapsulation, HpkeContext{shared_secret(exchanged, encapsulation, receiver).reveal(), info}};
}

Result<HpkeContext> HpkeContext::make_receiver(const HpkeKeyPair& receiver,
                                               const HpkeEncapsulation& encapsulation,
                                               ByteView info) {
    TRY(const SecretBytes exchanged, exchange(receiver.secret.reveal(), encapsulation.view()));
    return HpkeContext{shared_secret(exchanged, encapsulation, receiver.public_key).reveal(), info};
}

}  // namespace vcity::attest
