// SPDX-License-Identifier: Apache-2.0
#include "crypto/secp256k1.hpp"

#include <algorithm>
#include <array>
#include <span>

#include <openssl/rand.h>
#include <secp256k1.h>
#include <secp256k1_recovery.h>

#include "base/check.hpp"
#include "codec/hex.hpp"
#include "crypto/keccak.hpp"

namespace vcity::crypto {
namespace {

constexpr std::size_t kKeySize = 32;
constexpr std::size_t kCompactSize = 64;
constexpr std::uint8_t kRecoveryBase = 27;

// One context for the process: its use is read-only and so free of races. Blinded once, against side channels.
const secp256k1_context* context() {
    static const secp256k1_context* const instance = [] {
        secp256k1_context* fresh = secp256k1_context_create(SECP256K1_CONTEXT_NONE);
        std::array<std::uint8_t, 32> seed{};
        CHECK(RAND_bytes(seed.data(), static_cast<int>(seed.size())) == 1);
        CHECK(secp256k1_context_randomize(fresh, seed.data()) == 1);
        secure_zero(seed.data(), seed.size());
        return fresh;
    }();
    return instance;
}

PublicPoint point_of(const secp256k1_pubkey& key) {
    std::array<std::uint8_t, 65> point{};
    std::size_t size = point.size();
    CHECK(secp256k1_ec_pubkey_serialize(context(), point.data(), &size, &key, SECP256K1_EC_UNCOMPRESSED) == 1);
    CHECK(size == point.size());
    return PublicPoint::make(ByteView{point}.subspan(1));
}

secp256k1_pubkey public_key_of(ByteView secret) {
    secp256k1_pubkey key;
    CHECK(secp256k1_ec_pubkey_create(context(), &key, secret.data()) == 1);
    return key;
}

bool is_low_s(const secp256k1_ecdsa_recoverable_signature& signature) {
    secp256k1_ecdsa_signature plain;
    CHECK(secp256k1_ecdsa_recoverable_signature_convert(context(), &plain, &signature) == 1);
    return secp256k1_ecdsa_signature_normalize(context(), nullptr, &plain) == 0;
}

}  // namespace

Address address_of(const PublicPoint& point) {
    return Address::make(keccak256(point.view()).view().last(Address::kSize));
}

Result<PrivateKey> PrivateKey::make(ByteView bytes) {
    if (bytes.size() != kKeySize || secp256k1_ec_seckey_verify(context(), bytes.data()) != 1) {
        return make_error(Errc::kInvalid, "not a secp256k1 private key");
    }
    const Address address = address_of(point_of(public_key_of(bytes)));
    return PrivateKey{SecretBytes{Bytes(bytes.begin(), bytes.end())}, address};
}

PublicPoint PrivateKey::public_point() const {
    return point_of(public_key_of(secret_.reveal()));
}

Signature PrivateKey::sign(const Hash& digest) const {
    secp256k1_ecdsa_recoverable_signature signed_digest;
    CHECK(secp256k1_ecdsa_sign_recoverable(context(), &signed_digest, digest.bytes.data(), secret_.reveal().data(),
                                           secp256k1_nonce_function_rfc6979, nullptr) == 1);
    Signature signature;
    int recovery = 0;
    CHECK(secp256k1_ecdsa_recoverable_signature_serialize_compact(context(), signature.bytes.data(), &recovery,
                                                                  &signed_digest) == 1);
    // 2 and 3 need r to have overflowed the group order, which nobody has ever seen (probability 2^-127).
    CHECK(recovery == 0 || recovery == 1);
    signature.bytes[kCompactSize] = static_cast<std::uint8_t>(kRecoveryBase + recovery);
    return signature;
}

Result<Address> recover(const Hash& digest, const Signature& signature) {
    const int recovery = signature.bytes[kCompactSize] - kRecoveryBase;
    if (recovery != 0 && recovery != 1) return make_error(Errc::kInvalid, "signature v is neither 27 nor 28");
    secp256k1_ecdsa_recoverable_signature parsed;
    if (secp256k1_ecdsa_recoverable_signature_parse_compact(context(), &parsed, signature.bytes.data(), recovery) !=
        1) {
        return make_error(Errc::kInvalid, "signature r or s is out of range");
    }
    if (!is_low_s(parsed)) return make_error(Errc::kInvalid, "signature s is in the upper half");
    secp256k1_pubkey key;
    if (secp256k1_ecdsa_recover(context(), &key, &parsed, digest.bytes.data()) != 1) {
        return make_error(Errc::kInvalid, "signature recovers to no key");
    }
    return address_of(point_of(key));
}

std::string to_checksum_address(const Address& address) {
    std::string text = codec::to_hex(address);
    const Hash hash = keccak256_text(std::string_view{text}.substr(2));
    for (std::size_t digit = 0; digit < 2 * Address::kSize; ++digit) {
        const unsigned nibble = digit % 2 == 0 ? hash.bytes[digit / 2] >> 4U : hash.bytes[digit / 2] & 15U;
        char& letter = text[digit + 2];
        if (nibble >= 8U && letter >= 'a') letter = static_cast<char>(letter - 'a' + 'A');
    }
    return text;
}

Result<Address> parse_address(std::string_view text) {
    TRY(const Address address, codec::parse_fixed<Address>(text));
    const std::string_view digits = text.substr(2);
    const bool has_lower = std::ranges::any_of(digits, [](char c) { return c >= 'a' && c <= 'f'; });
    const bool has_upper = std::ranges::any_of(digits, [](char c) { return c >= 'A' && c <= 'F'; });
    if (has_lower && has_upper && text != to_checksum_address(address)) {
        return make_error(Errc::kInvalid, "address does not match its EIP-55 checksum");
    }
    return address;
}

}  // namespace vcity::crypto
