// SPDX-License-Identifier: Apache-2.0
#include "attest/encoding.hpp"
#include "base/check.hpp"

namespace vcity::attest {
namespace {

// What was decoded encodes to the same; DER contents lie within the input.
void fuzz(ByteView bytes) {
    const std::string_view text = as_text(bytes);
    (void)parse_base64(text, Base64Alphabet::kUrl);
    const auto pem = parse_pem_certificates(text);
    if (pem) CHECK(pem->size() <= 8);
    (void)parse_timestamp(text);
    const auto elements = parse_der(bytes);
    if (!elements) return;
    for (const DerElement& element : *elements) {
        CHECK(element.content.size() <= bytes.size());
        (void)der_unsigned(element);
    }
}

}  // namespace
}  // namespace vcity::attest

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    vcity::attest::fuzz({data, size});
    return 0;
}
