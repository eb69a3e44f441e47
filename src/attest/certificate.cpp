// SPDX-License-Identifier: Apache-2.0
#include "attest/certificate.hpp"

#include <chrono>
#include <ctime>

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/objects.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "attest/encoding.hpp"
#include "base/check.hpp"
#include "crypto/sha256.hpp"

namespace vcity::attest {
namespace {

constexpr std::size_t kCertificateBytesMax = 8192;
constexpr std::size_t kListBytesMax = 1U << 20U;
constexpr std::size_t kChainLengthMax = 8;

Error refused(std::string what) {
    ERR_clear_error();
    return make_error(Errc::kDenied, std::move(what));
}

Error malformed(const char* what) {
    ERR_clear_error();
    return make_error(Errc::kInvalid, what);
}

Result<UnixMillis> to_millis(const ASN1_TIME* time) {
    std::tm parts{};
    if (time == nullptr || ASN1_TIME_to_tm(time, &parts) != 1) return malformed("certificate: a time is not valid");
    const std::chrono::year_month_day date{std::chrono::year{parts.tm_year + 1900},
                                           std::chrono::month{static_cast<unsigned>(parts.tm_mon + 1)},
                                           std::chrono::day{static_cast<unsigned>(parts.tm_mday)}};
    const std::int64_t days = std::chrono::sys_days{date}.time_since_epoch().count();
    if (!date.ok() || days < 0) return malformed("certificate: a time before 1970");
    const std::int64_t seconds = ((days * 24 + parts.tm_hour) * 60 + parts.tm_min) * 60 + parts.tm_sec;
    return UnixMillis{static_cast<std::uint64_t>(seconds) * 1000U};
}

bool is_strong_hash(int nid) {
    return nid == NID_sha256 || nid == NID_sha384 || nid == NID_sha512;
}

bool signature_is_strong(X509* certificate) {
    int hash = 0;
    return X509_get_signature_info(certificate, &hash, nullptr, nullptr, nullptr) == 1 && is_strong_hash(hash);
}

// What every certificate of a chain must satisfy.
Result<void> check_alone(const Certificate& certificate, UnixMillis now) {
    const std::string name = certificate.common_name();
    if (now < certificate.not_before()) return refused(fmt::format("certificate {}: not valid yet", name));
    if (now > certificate.not_after()) return refused(fmt::format("certificate {}: expired", name));
    const std::uint32_t flags = X509_get_extension_flags(certificate.get());
    if ((flags & (EXFLAG_INVALID | EXFLAG_CRITICAL)) != 0) {
        return refused(fmt::format("certificate {}: an extension is malformed or critical and unknown", name));
    }
    return {};
}

// below: how many CA certificates stand between this issuer and the leaf.
Result<void> check_issuer(const Certificate& issuer, std::size_t below) {
    const std::string name = issuer.common_name();
    const bool is_ca = (X509_get_extension_flags(issuer.get()) & EXFLAG_CA) != 0;
    if (!is_ca || (X509_get_key_usage(issuer.get()) & KU_KEY_CERT_SIGN) == 0) {
        return refused(fmt::format("certificate {}: may not sign certificates", name));
    }
    const long path_length = X509_get_pathlen(issuer.get());
    if (path_length >= 0 && below > static_cast<std::size_t>(path_length)) {
        return refused(fmt::format("certificate {}: the chain is longer than it allows", name));
    }
    return {};
}

Result<void> check_link(const Certificate& child, const Certificate& issuer) {
    const std::string name = child.common_name();
    if (!child.is_issued_by_name(issuer))
        return refused(fmt::format("certificate {}: the next is not its issuer", name));
    if (!signature_is_strong(child.get())) return refused(fmt::format("certificate {}: a weak signature", name));
    TRY(const PublicKey key, issuer.key());
    if (X509_verify(child.get(), key.get()) != 1) {
        return refused(fmt::format("certificate {}: the signature does not verify", name));
    }
    return {};
}

}  // namespace

void Certificate::Free::operator()(x509_st* certificate) const {
    X509_free(certificate);
}

Result<Certificate> Certificate::parse(ByteView der) {
    if (der.size() > kCertificateBytesMax) return make_error(Errc::kInvalid, "certificate: too long");
    Certificate result;
    const std::uint8_t* in = der.data();
    result.certificate_.reset(d2i_X509(nullptr, &in, static_cast<long>(der.size())));
    if (result.certificate_ == nullptr || in != der.data() + der.size()) return malformed("certificate: not DER");
    // OpenSSL reads some BER; only one encoding may stand for a certificate.
    const int size = i2d_X509(result.get(), nullptr);
    result.der_.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
    std::uint8_t* out = result.der_.data();
    if (size <= 0 || i2d_X509(result.get(), &out) != size ||
        !std::equal(der.begin(), der.end(), result.der_.begin(), result.der_.end())) {
        return malformed("certificate: not the one encoding");
    }
    TRY(result.not_before_, to_millis(X509_get0_notBefore(result.get())));
    TRY(result.not_after_, to_millis(X509_get0_notAfter(result.get())));
    ERR_clear_error();
    return result;
}

Hash Certificate::fingerprint() const {
    return crypto::sha256(der_);
}

Result<PublicKey> Certificate::key() const {
    EVP_PKEY* raw = X509_get_pubkey(get());
    if (raw == nullptr) return malformed("certificate: no key that can be read");
    PublicKey key = PublicKey::adopt(raw);
    if (key.kind() == KeyKind::kOther) return malformed("certificate: a key of a kind that is not used");
    return key;
}

std::optional<ByteView> Certificate::extension(std::string_view oid) const {
    const std::unique_ptr<ASN1_OBJECT, decltype(&ASN1_OBJECT_free)> object{OBJ_txt2obj(std::string{oid}.c_str(), 1),
                                                                           ASN1_OBJECT_free};
    CHECK(object != nullptr);
    const int at = X509_get_ext_by_OBJ(get(), object.get(), -1);
    if (at < 0 || X509_get_ext_by_OBJ(get(), object.get(), at) >= 0) return std::nullopt;
    const ASN1_OCTET_STRING* value = X509_EXTENSION_get_data(X509_get_ext(get(), at));
    return ByteView{ASN1_STRING_get0_data(value), static_cast<std::size_t>(ASN1_STRING_length(value))};
}

std::string Certificate::common_name() const {
    std::array<char, 128> name{};
    const int size = X509_NAME_get_text_by_NID(X509_get_subject_name(get()), NID_commonName, name.data(),
                                               static_cast<int>(name.size()));
    return size > 0 ? std::string{name.data(), static_cast<std::size_t>(size)} : std::string{"without a name"};
}

bool Certificate::is_issued_by_name(const Certificate& issuer) const {
    return X509_NAME_cmp(X509_get_issuer_name(get()), X509_get_subject_name(issuer.get())) == 0;
}

Result<CertificateList> parse_certificates(std::string_view pem) {
    TRY(const std::vector<Bytes> encoded, parse_pem_certificates(pem));
    CertificateList list;
    for (const Bytes& der : encoded) {
        TRY(Certificate certificate, Certificate::parse(der));
        list.push_back(std::move(certificate));
    }
    return list;
}

Result<void> verify_chain(std::span<const Certificate* const> chain, const RootPins& roots, UnixMillis now) {
    if (chain.size() < 2 || chain.size() > kChainLengthMax) return refused("chain: too short or too long");
    const Hash root = chain.back()->fingerprint();
    if (std::find(roots.begin(), roots.end(), root) == roots.end())
        return refused("chain: does not end in a known root");
    for (std::size_t i = 0; i < chain.size(); ++i) {
        TRY_OK(check_alone(*chain[i], now));
        if (i > 0) {
            TRY_OK(check_issuer(*chain[i], i - 1));
        }
        if (i + 1 < chain.size()) {
            TRY_OK(check_link(*chain[i], *chain[i + 1]));
        }
    }
    return {};
}

Result<std::vector<const Certificate*>> find_chain(const Certificate& leaf,
                                                   std::span<const Certificate> pool,
                                                   const RootPins& roots,
                                                   UnixMillis now) {
    std::vector<const Certificate*> chain{&leaf};
    while (chain.size() < kChainLengthMax && !chain.back()->is_issued_by_name(*chain.back())) {
        const auto issuer = std::find_if(pool.begin(), pool.end(), [&](const Certificate& candidate) {
            return chain.back()->is_issued_by_name(candidate);
        });
        if (issuer == pool.end()) return refused(fmt::format("chain: no issuer of {}", chain.back()->common_name()));
        chain.push_back(&*issuer);
    }
    TRY_OK(verify_chain(chain, roots, now));
    return chain;
}

void RevocationList::Free::operator()(X509_crl_st* list) const {
    X509_CRL_free(list);
}

Result<RevocationList> RevocationList::parse(ByteView der) {
    if (der.size() > kListBytesMax) return make_error(Errc::kInvalid, "revocation list: too long");
    RevocationList result;
    const std::uint8_t* in = der.data();
    result.list_.reset(d2i_X509_CRL(nullptr, &in, static_cast<long>(der.size())));
    if (result.list_ == nullptr || in != der.data() + der.size()) return malformed("revocation list: not DER");
    TRY(result.this_update_, to_millis(X509_CRL_get0_lastUpdate(result.list_.get())));
    TRY(result.next_update_, to_millis(X509_CRL_get0_nextUpdate(result.list_.get())));
    ERR_clear_error();
    return result;
}

Result<void> RevocationList::verify(const Certificate& issuer, UnixMillis now) const {
    if (X509_NAME_cmp(X509_CRL_get_issuer(list_.get()), X509_get_subject_name(issuer.get())) != 0) {
        return refused("revocation list: of another issuer");
    }
    TRY(const PublicKey key, issuer.key());
    if (X509_CRL_verify(list_.get(), key.get()) != 1) return refused("revocation list: the signature does not verify");
    if (now < this_update_ || now > next_update_) return refused("revocation list: not current");
    return {};
}

bool RevocationList::covers(const Certificate& certificate) const {
    return X509_NAME_cmp(X509_CRL_get_issuer(list_.get()), X509_get_issuer_name(certificate.get())) == 0;
}

bool RevocationList::is_revoked(const Certificate& certificate) const {
    X509_REVOKED* entry = nullptr;
    return X509_CRL_get0_by_cert(list_.get(), &entry, certificate.get()) == 1;
}

}  // namespace vcity::attest
