// SPDX-License-Identifier: Apache-2.0
#include "attest/testing/authority.hpp"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "attest/cursor.hpp"
#include "base/check.hpp"

namespace vcity::attest::testing {
namespace {

using Name = std::unique_ptr<X509_NAME, decltype(&X509_NAME_free)>;

Name name_of(const std::string& subject) {
    Name name{X509_NAME_new(), X509_NAME_free};
    CHECK(X509_NAME_add_entry_by_txt(name.get(), "CN", MBSTRING_ASC,
                                     reinterpret_cast<const unsigned char*>(subject.c_str()), -1, -1, 0) == 1);
    return name;
}

void add_extension(X509* certificate, int nid, const char* value) {
    X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, nullptr, nid, value);
    CHECK(extension != nullptr && X509_add_ext(certificate, extension, -1) == 1);
    X509_EXTENSION_free(extension);
}

void add_raw(X509* certificate, const std::string& name, const Bytes& content, bool is_critical) {
    ASN1_OBJECT* oid = OBJ_txt2obj(name.c_str(), 1);
    ASN1_OCTET_STRING* value = ASN1_OCTET_STRING_new();
    CHECK(ASN1_OCTET_STRING_set(value, content.data(), static_cast<int>(content.size())) == 1);
    X509_EXTENSION* extension = X509_EXTENSION_create_by_OBJ(nullptr, oid, is_critical ? 1 : 0, value);
    CHECK(X509_add_ext(certificate, extension, -1) == 1);
    X509_EXTENSION_free(extension);
    ASN1_OCTET_STRING_free(value);
    ASN1_OBJECT_free(oid);
}

template <class T, class Encode>
Bytes to_der(T* object, Encode encode) {
    const int size = encode(object, nullptr);
    CHECK(size > 0);
    Bytes der(static_cast<std::size_t>(size));
    unsigned char* out = der.data();
    CHECK(encode(object, &out) == size);
    return der;
}

}  // namespace

void Authority::Free::operator()(evp_pkey_st* key) const {
    EVP_PKEY_free(key);
}

Authority::Key Authority::make_key(bool is_p384) {
    Key key{EVP_EC_gen(is_p384 ? "P-384" : "P-256")};
    CHECK(key != nullptr);
    return key;
}

Bytes Authority::certify(const CertificateSpec& spec, evp_pkey_st* subject, x509_st* issuer, evp_pkey_st* signer) {
    const std::unique_ptr<X509, decltype(&X509_free)> certificate{X509_new(), X509_free};
    X509* raw = certificate.get();
    CHECK(raw != nullptr && X509_set_version(raw, 2) == 1);
    CHECK(ASN1_INTEGER_set_uint64(X509_get_serialNumber(raw), spec.serial) == 1);
    CHECK(ASN1_TIME_set(X509_getm_notBefore(raw), spec.not_before_s) != nullptr);
    CHECK(ASN1_TIME_set(X509_getm_notAfter(raw), spec.not_after_s) != nullptr);
    const Name name = name_of(spec.subject);
    CHECK(X509_set_subject_name(raw, name.get()) == 1);
    CHECK(X509_set_issuer_name(raw, issuer == nullptr ? name.get() : X509_get_subject_name(issuer)) == 1);
    CHECK(X509_set_pubkey(raw, subject) == 1);
    const std::string length = spec.path_length < 0 ? "" : ",pathlen:" + std::to_string(spec.path_length);
    add_extension(raw, NID_basic_constraints, spec.is_ca ? ("critical,CA:TRUE" + length).c_str() : "critical,CA:FALSE");
    add_extension(raw, NID_key_usage, spec.may_sign ? "critical,keyCertSign,cRLSign" : "critical,digitalSignature");
    if (spec.has_unknown_critical) add_raw(raw, "1.2.3.4.5", {1}, true);
    for (const auto& [oid, value] : spec.extensions) add_raw(raw, oid, value, false);
    CHECK(X509_sign(raw, signer, spec.is_sha1 ? EVP_sha1() : EVP_sha256()) > 0);
    return to_der(raw, i2d_X509);
}

Authority Authority::root(const CertificateSpec& spec) {
    Key key = make_key(spec.is_p384);
    Certificate certificate = Certificate::parse(certify(spec, key.get(), nullptr, key.get())).value();
    return {std::move(key), std::move(certificate)};
}

Authority Authority::issue(const CertificateSpec& spec) const {
    Key key = make_key(spec.is_p384);
    Certificate certificate = Certificate::parse(certify(spec, key.get(), certificate_.get(), key_.get())).value();
    return {std::move(key), std::move(certificate)};
}

Bytes Authority::revoke(const std::vector<std::uint64_t>& serials, std::int64_t next_update_s) const {
    const std::unique_ptr<X509_CRL, decltype(&X509_CRL_free)> list{X509_CRL_new(), X509_CRL_free};
    const std::unique_ptr<ASN1_TIME, decltype(&ASN1_TIME_free)> start{ASN1_TIME_set(nullptr, 1'600'000'000),
                                                                      ASN1_TIME_free};
    const std::unique_ptr<ASN1_TIME, decltype(&ASN1_TIME_free)> end{ASN1_TIME_set(nullptr, next_update_s),
                                                                    ASN1_TIME_free};
    CHECK(X509_CRL_set_version(list.get(), 1) == 1);
    CHECK(X509_CRL_set_issuer_name(list.get(), X509_get_subject_name(certificate_.get())) == 1);
    CHECK(X509_CRL_set1_lastUpdate(list.get(), start.get()) == 1);
    CHECK(X509_CRL_set1_nextUpdate(list.get(), end.get()) == 1);
    for (const std::uint64_t serial : serials) {
        X509_REVOKED* entry = X509_REVOKED_new();
        ASN1_INTEGER* number = ASN1_INTEGER_new();
        CHECK(ASN1_INTEGER_set_uint64(number, serial) == 1);
        CHECK(X509_REVOKED_set_serialNumber(entry, number) == 1);
        CHECK(X509_REVOKED_set_revocationDate(entry, start.get()) == 1);
        CHECK(X509_CRL_add0_revoked(list.get(), entry) == 1);
        ASN1_INTEGER_free(number);
    }
    CHECK(X509_CRL_sign(list.get(), key_.get(), EVP_sha256()) > 0);
    return to_der(list.get(), i2d_X509_CRL);
}

Bytes Authority::sign(ByteView message) const {
    const bool is_p384 = EVP_PKEY_get_bits(key_.get()) == 384;
    const int half = is_p384 ? 48 : 32;
    const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context{EVP_MD_CTX_new(), EVP_MD_CTX_free};
    CHECK(EVP_DigestSignInit(context.get(), nullptr, is_p384 ? EVP_sha384() : EVP_sha256(), nullptr, key_.get()) == 1);
    std::size_t size = 128;
    Bytes der(size);
    CHECK(EVP_DigestSign(context.get(), der.data(), &size, message.data(), message.size()) == 1);
    const unsigned char* in = der.data();
    const std::unique_ptr<ECDSA_SIG, decltype(&ECDSA_SIG_free)> pair{
        d2i_ECDSA_SIG(nullptr, &in, static_cast<long>(size)), ECDSA_SIG_free};
    Bytes r_s(static_cast<std::size_t>(2 * half));
    CHECK(BN_bn2binpad(ECDSA_SIG_get0_r(pair.get()), r_s.data(), half) == half);
    CHECK(BN_bn2binpad(ECDSA_SIG_get0_s(pair.get()), r_s.data() + half, half) == half);
    return r_s;
}

Bytes Authority::public_point() const {
    Bytes point(97);
    std::size_t size = 0;
    CHECK(EVP_PKEY_get_octet_string_param(key_.get(), OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY, point.data(), point.size(),
                                          &size) == 1);
    CHECK((size == 65 || size == 97) && point[0] == 4);
    return to_bytes(ByteView{point}.first(size).subspan(1));
}

// Base64 with lines and marks.
std::string Authority::pem() const {
    const ByteView der = certificate_.der();
    std::string text(4 * (der.size() / 3 + 1) + 1, '\0');
    const int size =
        EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()), der.data(), static_cast<int>(der.size()));
    text.resize(static_cast<std::size_t>(size));
    return "-----BEGIN CERTIFICATE-----\n" + text + "\n-----END CERTIFICATE-----\n";
}

}  // namespace vcity::attest::testing
