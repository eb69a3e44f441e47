// SPDX-License-Identifier: Apache-2.0
#include "attest/evidence/certificate_table.hpp"

#include <openssl/evp.h>

#include "attest/cursor.hpp"
#include "attest/encoding.hpp"
#include "attest/evidence/evidence.hpp"
#include "base/check.hpp"

namespace vcity::attest {
namespace {

constexpr std::size_t kEntriesMax = 16;
constexpr std::size_t kGuidBytes = 16;
constexpr std::size_t kLineLetters = 64;
constexpr std::string_view kVcek = "63da758de6644564adc5f4b93be8accd";
constexpr std::string_view kVlek = "a8074bc2a25a483eaae639c045a0b8a1";
constexpr std::string_view kAsk = "4ab7b379bbac4fe4a02f05aef327c782";
constexpr std::string_view kArk = "c0b406a4a803495297433fb6014cd0ae";

Error malformed(const char* what) {
    return make_error(Errc::kInvalid, std::string{"certificate table: "} + what);
}

Result<Bytes> to_der(ByteView certificate) {
    if (!as_text(certificate).starts_with("-----BEGIN")) return to_bytes(certificate);
    TRY(const std::vector<Bytes> blocks, parse_pem_certificates(as_text(certificate), 1));
    return blocks.empty() ? Result<Bytes>{malformed("an empty certificate")} : Result<Bytes>{blocks.front()};
}

std::string to_pem(ByteView der) {
    std::string letters((der.size() + 2) / 3 * 4 + 1, '\0');
    const int written =
        EVP_EncodeBlock(reinterpret_cast<unsigned char*>(letters.data()), der.data(), static_cast<int>(der.size()));
    CHECK(written >= 0);
    letters.resize(static_cast<std::size_t>(written));
    std::string pem = "-----BEGIN CERTIFICATE-----\n";
    for (std::size_t at = 0; at < letters.size(); at += kLineLetters) pem += letters.substr(at, kLineLetters) + "\n";
    return pem + "-----END CERTIFICATE-----\n";
}

}  // namespace

Result<SnpCertificates> parse_certificate_table(ByteView table) {
    SnpCertificates certificates;
    if (table.empty()) return certificates;
    if (table.size() > kEvidenceCertificatesMax) return malformed("too long");
    Cursor cursor{table, ByteOrder::kLittle};
    Bytes vlek;
    for (std::size_t count = 0;; ++count) {
        const ByteView guid = cursor.take(kGuidBytes);
        const std::uint32_t offset = cursor.u32();
        const std::uint32_t length = cursor.u32();
        if (!cursor.ok()) return malformed("it does not end");
        if (all_equal(guid, 0)) break;
        if (count == kEntriesMax) return malformed("too many entries");
        if (offset > table.size() || length > table.size() - offset) return malformed("an entry points outside");
        const std::string name = plain_hex(guid);
        if (name != kVcek && name != kVlek && name != kAsk && name != kArk) continue;
        TRY(Bytes der, to_der(table.subspan(offset, length)));
        TRY_OK(Certificate::parse(der));
        if (name == kVcek) {
            certificates.signer_der = std::move(der);
        } else if (name == kVlek) {
            vlek = std::move(der);
        } else {
            certificates.issuers_pem += to_pem(der);
        }
    }
    if (certificates.signer_der.empty()) certificates.signer_der = std::move(vlek);
    return certificates;
}

}  // namespace vcity::attest
