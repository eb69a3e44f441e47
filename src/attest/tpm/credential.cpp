// SPDX-License-Identifier: Apache-2.0
#include "attest/tpm/credential.hpp"

#include <memory>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

#include "attest/cursor.hpp"
#include "attest/signature.hpp"
#include "base/check.hpp"
#include "crypto/sha256.hpp"

namespace vcity::attest {
namespace {

constexpr std::uint16_t kAlgRsa = 0x0001;
constexpr std::uint16_t kAlgAes = 0x0006;
constexpr std::uint16_t kAlgSha256 = 0x000b;
constexpr std::uint16_t kAlgNull = 0x0010;
constexpr std::uint16_t kModeCfb = 0x0043;
constexpr std::uint16_t kAesBits = 128;
constexpr std::uint16_t kRsaBits = 2048;
constexpr std::size_t kRsaBytes = kRsaBits / 8;
constexpr std::uint32_t kFixedTpm = 1U << 1U;
constexpr std::uint32_t kFixedParent = 1U << 4U;
constexpr std::uint32_t kSensitiveOrigin = 1U << 5U;
constexpr std::uint32_t kRestricted = 1U << 16U;
constexpr std::uint32_t kDecrypt = 1U << 17U;
constexpr std::uint32_t kSign = 1U << 18U;
constexpr std::size_t kPublicMax = 1024;
constexpr std::size_t kNameBytes = 2 + Hash::kSize;

Error malformed(const char* what) {
    return make_error(Errc::kInvalid, std::string{"tpm: "} + what);
}

void append_u16(Bytes* bytes, std::size_t value) {
    bytes->push_back(static_cast<std::uint8_t>(value >> 8U));
    bytes->push_back(static_cast<std::uint8_t>(value));
}

void append_u32(Bytes* bytes, std::uint32_t value) {
    append_u16(bytes, value >> 16U);
    append_u16(bytes, value & 0xffffU);
}

// The modulus holder of template L-1.
Result<PublicKey> parse_endorsement(ByteView bytes) {
    if (bytes.size() > kPublicMax) return malformed("a public area that is too long");
    Cursor cursor{bytes, ByteOrder::kBig};
    const std::uint16_t type = cursor.u16();
    const std::uint16_t hash = cursor.u16();
    const std::uint32_t attributes = cursor.u32();
    cursor.take(cursor.u16());  // policy
    constexpr std::uint32_t kWanted = kFixedTpm | kFixedParent | kSensitiveOrigin | kRestricted | kDecrypt;
    if (!cursor.ok() || type != kAlgRsa || hash != kAlgSha256 || (attributes & (kWanted | kSign)) != kWanted) {
        return malformed("not an endorsement key of the RSA template");
    }
    const bool is_aes = cursor.u16() == kAlgAes && cursor.u16() == kAesBits && cursor.u16() == kModeCfb;
    const bool is_plain = cursor.u16() == kAlgNull;
    const std::uint16_t bits = cursor.u16();
    const std::uint32_t exponent = cursor.u32();
    const ByteView modulus = cursor.take(cursor.u16());
    if (!cursor.at_end() || !is_aes || !is_plain || bits != kRsaBits || modulus.size() != kRsaBytes) {
        return malformed("not an endorsement key of the RSA template");
    }
    Bytes digits;
    append_u32(&digits, exponent == 0 ? 65537 : exponent);
    return PublicKey::from_rsa(modulus, digits);
}

// KDFa of part 1, section 11.4.10.2, for at most 256 bits: HMAC(key, 1 || label || 0 || context || bits).
Bytes kdf_a(const Hash& key, std::string_view label, ByteView context, std::uint32_t bits) {
    Bytes message;
    append_u32(&message, 1);
    append(&message, as_bytes(label));
    message.push_back(0);
    append(&message, context);
    append_u32(&message, bits);
    const Hash full = crypto::hmac_sha256(key.view(), message);
    return to_bytes(full.view().first(bits / 8));
}

// MGF1 with SHA-256 (RFC 8017, appendix B.2.1), xored into the target.
void xor_mask(ByteView seed, std::span<std::uint8_t> target) {
    for (std::size_t at = 0; at < target.size(); at += Hash::kSize) {
        Bytes block = to_bytes(seed);
        append_u32(&block, static_cast<std::uint32_t>(at / Hash::kSize));
        const Hash mask = crypto::sha256(block);
        for (std::size_t i = 0; i < std::min(Hash::kSize, target.size() - at); ++i) target[at + i] ^= mask.bytes[i];
    }
}

// EME-OAEP with SHA-256 (RFC 8017, section 7.1.1), label "IDENTITY" and its zero (part 1, B.10.4).
Bytes oaep(ByteView message, const Hash& seed) {
    constexpr std::string_view kLabel{"IDENTITY\0", 9};
    Bytes encoded(kRsaBytes);
    const std::span<std::uint8_t> masked_seed = std::span{encoded}.subspan(1, Hash::kSize);
    const std::span<std::uint8_t> block = std::span{encoded}.subspan(1 + Hash::kSize);
    CHECK(message.size() + Hash::kSize + 1 <= block.size());
    const Hash label = crypto::sha256(as_bytes(kLabel));
    std::ranges::copy(label.bytes, block.begin());
    block[block.size() - message.size() - 1] = 1;
    std::ranges::copy(message, block.end() - static_cast<std::ptrdiff_t>(message.size()));
    std::ranges::copy(seed.bytes, masked_seed.begin());
    xor_mask(seed.view(), block);
    xor_mask(block, masked_seed);
    return encoded;
}

Result<Bytes> encrypt_raw(const PublicKey& key, ByteView encoded) {
    const std::unique_ptr<EVP_PKEY_CTX, decltype(&EVP_PKEY_CTX_free)> context{
        EVP_PKEY_CTX_new_from_pkey(nullptr, key.get(), nullptr), EVP_PKEY_CTX_free};
    Bytes out(kRsaBytes);
    std::size_t size = out.size();
    if (context == nullptr || EVP_PKEY_encrypt_init(context.get()) != 1 ||
        EVP_PKEY_CTX_set_rsa_padding(context.get(), RSA_NO_PADDING) != 1 ||
        EVP_PKEY_encrypt(context.get(), out.data(), &size, encoded.data(), encoded.size()) != 1 || size != out.size()) {
        ERR_clear_error();
        return malformed("a key that does not encrypt");
    }
    return out;
}

Bytes encrypt_cfb(ByteView key, ByteView plain) {
    const std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)> context{EVP_CIPHER_CTX_new(),
                                                                                  EVP_CIPHER_CTX_free};
    const std::array<std::uint8_t, 16> zero{};
    Bytes out(plain.size());
    int size = 0;
    CHECK(context != nullptr &&
          EVP_EncryptInit_ex(context.get(), EVP_aes_128_cfb128(), nullptr, key.data(), zero.data()) == 1);
    CHECK(EVP_EncryptUpdate(context.get(), out.data(), &size, plain.data(), static_cast<int>(plain.size())) == 1);
    CHECK(static_cast<std::size_t>(size) == out.size());
    return out;
}

}  // namespace

Result<Bytes> tpm_name(ByteView public_area) {
    Cursor cursor{public_area, ByteOrder::kBig};
    cursor.take(2);
    if (cursor.u16() != kAlgSha256 || !cursor.ok() || public_area.size() > kPublicMax) {
        return malformed("a public area whose name is not of SHA-256");
    }
    Bytes name;
    append_u16(&name, kAlgSha256);
    append(&name, crypto::sha256(public_area).view());
    return name;
}

Result<TpmCredential> make_credential(ByteView endorsement_public,
                                      ByteView name,
                                      ByteView credential,
                                      const CredentialSeeds& seeds) {
    if (name.size() != kNameBytes) return malformed("a name of the wrong size");
    if (credential.empty() || credential.size() > Hash::kSize) return malformed("a credential of the wrong size");
    TRY(const PublicKey key, parse_endorsement(endorsement_public));
    TpmCredential made;
    TRY(made.secret, encrypt_raw(key, oaep(seeds.seed.view(), seeds.padding)));
    Bytes plain;
    append_u16(&plain, credential.size());
    append(&plain, credential);
    const Bytes identity = encrypt_cfb(kdf_a(seeds.seed, "STORAGE", name, kAesBits), plain);
    Bytes authenticated = identity;
    append(&authenticated, name);
    const Bytes mac_key = kdf_a(seeds.seed, "INTEGRITY", {}, 8 * Hash::kSize);
    append_u16(&made.blob, Hash::kSize);
    append(&made.blob, crypto::hmac_sha256(mac_key, authenticated).view());
    append(&made.blob, identity);
    return made;
}

}  // namespace vcity::attest
