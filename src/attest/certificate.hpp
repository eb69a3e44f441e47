// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "attest/signature.hpp"
#include "base/time.hpp"

struct x509_st;
struct X509_crl_st;

namespace vcity::attest {

// An X.509 certificate (RFC 5280) of at most 8 KiB, exactly as its DER has it. Move-only.
class Certificate {
  public:
    static Result<Certificate> parse(ByteView der);

    ByteView der() const { return der_; }
    Hash fingerprint() const;  // SHA-256 of the DER
    // kInvalid for keys of a kind that is not used.
    Result<PublicKey> key() const;
    UnixMillis not_before() const { return not_before_; }
    UnixMillis not_after() const { return not_after_; }
    // The contents of the extension's extnValue, a view of this certificate; nothing when absent or given twice.
    std::optional<ByteView> extension(std::string_view oid) const;
    std::string common_name() const;
    bool is_issued_by_name(const Certificate& issuer) const;
    x509_st* get() const { return certificate_.get(); }

  private:
    struct Free {
        void operator()(x509_st* certificate) const;
    };
    Certificate() = default;

    std::unique_ptr<x509_st, Free> certificate_;
    Bytes der_;
    UnixMillis not_before_{};
    UnixMillis not_after_{};
};

using CertificateList = std::vector<Certificate>;
Result<CertificateList> parse_certificates(std::string_view pem);

// The trusted roots of one vendor, by the SHA-256 of their DER.
using RootPins = std::vector<Hash>;

// Leaf first, each issued by the next, the last a pinned root. Every certificate is valid at `now`; every issuer is a
// CA that may sign certificates, within its path length; SHA-256 or stronger; no unknown critical extension.
// kDenied with the reason otherwise.
Result<void> verify_chain(std::span<const Certificate* const> chain, const RootPins& roots, UnixMillis now);
// Orders the leaf's issuers out of a pool (by name; at most 8 steps), then verifies as above and gives the chain.
Result<std::vector<const Certificate*>> find_chain(const Certificate& leaf,
                                                   std::span<const Certificate> pool,
                                                   const RootPins& roots,
                                                   UnixMillis now);

// A certificate revocation list of at most 1 MiB.
class RevocationList {
  public:
    static Result<RevocationList> parse(ByteView der);

    // Signed by the issuer and current at `now`; kDenied otherwise.
    Result<void> verify(const Certificate& issuer, UnixMillis now) const;
    // Whether this list speaks for the issuer of the certificate.
    bool covers(const Certificate& certificate) const;
    bool is_revoked(const Certificate& certificate) const;
    UnixMillis next_update() const { return next_update_; }

  private:
    struct Free {
        void operator()(X509_crl_st* list) const;
    };
    RevocationList() = default;

    std::unique_ptr<X509_crl_st, Free> list_;
    UnixMillis this_update_{};
    UnixMillis next_update_{};
};

}  // namespace vcity::attest
