// SPDX-License-Identifier: Apache-2.0
#include "attest/signature.hpp"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "base/check.hpp"

namespace vcity::attest {
namespace {

constexpr int kRsaBitsMin = 2048;
constexpr int kRsaBitsMax = 4096;
constexpr std::size_t kSpkiBytesMax = 2048;

const EVP_MD* method_of(HashAlgorithm algorithm) {
    switch (algorithm) {
        case HashAlgorithm::kSha1: return EVP_sha1();
        case HashAlgorithm::kSha256: return EVP_sha256();
        case HashAlgorithm::kSha384: return EVP_sha384();
        case HashAlgorithm::kSha512: return EVP_sha512();
    }
    CHECK(false);
}

Error refused(const char* what) {
    ERR_clear_error();
    return make_error(Errc::kInvalid, what);
}

KeyKind kind_of(EVP_PKEY* key) {
    if (EVP_PKEY_is_a(key, "RSA") == 1) {
        const int bits = EVP_PKEY_get_bits(key);
        return bits >= kRsaBitsMin && bits <= kRsaBitsMax ? KeyKind::kRsa : KeyKind::kOther;
    }
    if (EVP_PKEY_is_a(key, "EC") != 1) return KeyKind::kOther;
    std::array<char, 32> group{};
    std::size_t size = 0;
    if (EVP_PKEY_get_group_name(key, group.data(), group.size(), &size) != 1) return KeyKind::kOther;
    const std::string_view name{group.data(), size};
    if (name == "prime256v1") return KeyKind::kEcP256;
    return name == "secp384r1" ? KeyKind::kEcP384 : KeyKind::kOther;
}

using Context = std::unique_ptr<EVP_PKEY_CTX, decltype(&EVP_PKEY_CTX_free)>;
using Number = std::unique_ptr<BIGNUM, decltype(&BN_free)>;

Number to_number(ByteView bytes) {
    return {BN_bin2bn(bytes.data(), static_cast<int>(bytes.size()), nullptr), BN_free};
}

EVP_PKEY* build(const char* type, OSSL_PARAM* params) {
    const Context context{EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr), EVP_PKEY_CTX_free};
    CHECK(context != nullptr && EVP_PKEY_fromdata_init(context.get()) == 1);
    EVP_PKEY* key = nullptr;
    if (EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, params) != 1) return nullptr;
    return key;
}

enum class RsaPadding : std::uint8_t { kNone, kPkcs1, kPss };

bool verify(EVP_PKEY* key, HashAlgorithm hash, RsaPadding padding, ByteView message, ByteView signature) {
    const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context{EVP_MD_CTX_new(), EVP_MD_CTX_free};
    CHECK(context != nullptr);
    EVP_PKEY_CTX* key_context = nullptr;
    bool good = EVP_DigestVerifyInit(context.get(), &key_context, method_of(hash), nullptr, key) == 1;
    if (good && padding == RsaPadding::kPkcs1) {
        good = EVP_PKEY_CTX_set_rsa_padding(key_context, RSA_PKCS1_PADDING) == 1;
    }
    if (good && padding == RsaPadding::kPss) {
        good = EVP_PKEY_CTX_set_rsa_padding(key_context, RSA_PKCS1_PSS_PADDING) == 1 &&
               EVP_PKEY_CTX_set_rsa_pss_saltlen(key_context, RSA_PSS_SALTLEN_AUTO) == 1;
    }
    good = good &&
           EVP_DigestVerify(context.get(), signature.data(), signature.size(), message.data(), message.size()) == 1;
    ERR_clear_error();
    return good;
}

// The DER that OpenSSL wants for r || s.
Bytes to_der(ByteView r_s) {
    const std::size_t half = r_s.size() / 2;
    const std::unique_ptr<ECDSA_SIG, decltype(&ECDSA_SIG_free)> pair{ECDSA_SIG_new(), ECDSA_SIG_free};
    Number r = to_number(r_s.first(half));
    Number s = to_number(r_s.subspan(half));
    CHECK(pair != nullptr && r != nullptr && s != nullptr);
    CHECK(ECDSA_SIG_set0(pair.get(), r.release(), s.release()) == 1);
    const int size = i2d_ECDSA_SIG(pair.get(), nullptr);
    CHECK(size > 0);
    Bytes der(static_cast<std::size_t>(size));
    std::uint8_t* out = der.data();
    CHECK(i2d_ECDSA_SIG(pair.get(), &out) == size);
    return der;
}

}  // namespace

std::size_t digest_size(HashAlgorithm algorithm) {
    return static_cast<std::size_t>(EVP_MD_get_size(method_of(algorithm)));
}

Bytes digest(HashAlgorithm algorithm, ByteView bytes) {
    Bytes value(digest_size(algorithm));
    CHECK(EVP_Digest(bytes.data(), bytes.size(), value.data(), nullptr, method_of(algorithm), nullptr) == 1);
    return value;
}

void PublicKey::Free::operator()(evp_pkey_st* key) const {
    EVP_PKEY_free(key);
}

PublicKey::PublicKey(evp_pkey_st* key) : key_{key}, kind_{kind_of(key)} {}

PublicKey PublicKey::adopt(evp_pkey_st* key) {
    CHECK(key != nullptr);
    return PublicKey{key};
}

Result<PublicKey> PublicKey::from_point(KeyKind curve, ByteView x_y) {
    CHECK(curve == KeyKind::kEcP256 || curve == KeyKind::kEcP384);
    const bool p256 = curve == KeyKind::kEcP256;
    if (x_y.size() != (p256 ? 64U : 96U)) return make_error(Errc::kInvalid, "key: a point of the wrong size");
    Bytes point{4};
    append(&point, x_y);
    std::string group = p256 ? "prime256v1" : "secp384r1";
    std::array<OSSL_PARAM, 3> params{
        OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group.data(), group.size()),
        OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, point.data(), point.size()),
        OSSL_PARAM_construct_end()};
    EVP_PKEY* key = build("EC", params.data());
    if (key == nullptr) return refused("key: not a point of the curve");
    return PublicKey{key};
}

Result<PublicKey> PublicKey::from_rsa(ByteView modulus, ByteView exponent) {
    if (modulus.size() * 8 > kRsaBitsMax || exponent.size() > 4 || exponent.empty() || (exponent.back() & 1U) == 0 ||
        (exponent.back() == 1 && exponent.size() == 1)) {
        return make_error(Errc::kInvalid, "key: an RSA key of a size or exponent that is refused");
    }
    const Number n = to_number(modulus);
    const Number e = to_number(exponent);
    const std::unique_ptr<OSSL_PARAM_BLD, decltype(&OSSL_PARAM_BLD_free)> builder{OSSL_PARAM_BLD_new(),
                                                                                  OSSL_PARAM_BLD_free};
    CHECK(n != nullptr && e != nullptr && builder != nullptr);
    CHECK(OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, n.get()) == 1);
    CHECK(OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, e.get()) == 1);
    const std::unique_ptr<OSSL_PARAM, decltype(&OSSL_PARAM_free)> params{OSSL_PARAM_BLD_to_param(builder.get()),
                                                                         OSSL_PARAM_free};
    CHECK(params != nullptr);
    EVP_PKEY* raw = build("RSA", params.get());
    if (raw == nullptr) return refused("key: not an RSA key");
    PublicKey key{raw};
    if (key.kind() != KeyKind::kRsa) return make_error(Errc::kInvalid, "key: an RSA modulus that is too small");
    return key;
}

Result<PublicKey> PublicKey::from_spki(ByteView der) {
    if (der.size() > kSpkiBytesMax) return make_error(Errc::kInvalid, "key: too long");
    const std::uint8_t* in = der.data();
    EVP_PKEY* raw = d2i_PUBKEY(nullptr, &in, static_cast<long>(der.size()));
    if (raw == nullptr) return refused("key: not a SubjectPublicKeyInfo");
    PublicKey key{raw};
    if (in != der.data() + der.size() || key.kind() == KeyKind::kOther) {
        return refused("key: bytes after it, or of a kind that is not used");
    }
    return key;
}

bool PublicKey::verify_ecdsa(HashAlgorithm hash, ByteView message, ByteView r_s) const {
    if (kind_ != KeyKind::kEcP256 && kind_ != KeyKind::kEcP384) return false;
    if (r_s.size() != (kind_ == KeyKind::kEcP256 ? 64U : 96U)) return false;
    return verify(key_.get(), hash, RsaPadding::kNone, message, to_der(r_s));
}

bool PublicKey::verify_rsa_pkcs1(HashAlgorithm hash, ByteView message, ByteView signature) const {
    return kind_ == KeyKind::kRsa && verify(key_.get(), hash, RsaPadding::kPkcs1, message, signature);
}

bool PublicKey::verify_rsa_pss(HashAlgorithm hash, ByteView message, ByteView signature) const {
    return kind_ == KeyKind::kRsa && verify(key_.get(), hash, RsaPadding::kPss, message, signature);
}

}  // namespace vcity::attest
