// SPDX-License-Identifier: Apache-2.0
#include "attest/certificate.hpp"
#include "attest/roots.hpp"
#include "attest/snp.hpp"
#include "base/check.hpp"

namespace vcity::attest {
namespace {

// Certificates and lists: what is read is the one encoding.
void fuzz(ByteView bytes) {
    const auto certificate = Certificate::parse(bytes);
    if (certificate) {
        CHECK(std::equal(bytes.begin(), bytes.end(), certificate->der().begin(), certificate->der().end()));
        (void)certificate->key();
        (void)parse_snp_claims(*certificate);
    }
    const auto list = parse_certificates(as_text(bytes));
    if (list) {
        std::vector<const Certificate*> chain;
        for (const Certificate& one : *list) chain.push_back(&one);
        (void)verify_chain(chain, vendor_anchors().intel, UnixMillis{1});
        (void)find_chain(*chain[0], *list, vendor_anchors().amd, UnixMillis{1});
    }
    (void)RevocationList::parse(bytes);
}

}  // namespace
}  // namespace vcity::attest

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    vcity::attest::fuzz({data, size});
    return 0;
}
