// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "attest/certificate.hpp"

struct evp_pkey_st;

namespace vcity::attest::testing {

// What a test certificate says; the defaults are those of a good CA.
struct CertificateSpec {
    std::string subject = "CA";
    bool is_ca = true;
    int path_length = -1;  // none
    bool may_sign = true;  // keyCertSign
    bool has_unknown_critical = false;
    bool is_sha1 = false;
    bool is_p384 = false;  // of this certificate's key; else P-256
    std::uint64_t serial = 1;
    std::int64_t not_before_s = 1'600'000'000;
    std::int64_t not_after_s = 1'900'000'000;
    std::vector<std::pair<std::string, Bytes>> extensions = {};  // OID and value
};

// A key and its certificate, for tests: fresh keys, so no two runs have the same bytes.
class Authority {
  public:
    static Authority root(const CertificateSpec& spec = {.subject = "Root"});
    Authority issue(const CertificateSpec& spec) const;
    // DER of a list that names these serials, current from 1.6e9 to `next_update_s`.
    Bytes revoke(const std::vector<std::uint64_t>& serials, std::int64_t next_update_s = 1'900'000'000) const;
    // ECDSA with SHA-256, or SHA-384 under a P-384 key; r || s.
    Bytes sign(ByteView message) const;

    const Certificate& certificate() const { return certificate_; }
    Bytes public_point() const;  // x || y
    std::string pem() const;

  private:
    struct Free {
        void operator()(evp_pkey_st* key) const;
    };
    using Key = std::unique_ptr<evp_pkey_st, Free>;
    Authority(Key key, Certificate certificate) : key_{std::move(key)}, certificate_{std::move(certificate)} {}
    static Bytes certify(const CertificateSpec& spec, evp_pkey_st* subject, x509_st* issuer, evp_pkey_st* signer);
    static Key make_key(bool is_p384);

    Key key_;
    Certificate certificate_;
};

}  // namespace vcity::attest::testing
