// SPDX-License-Identifier: Apache-2.0
#include "attest/ear.hpp"
#include "attest/nvidia/rim.hpp"
#include "attest/nvidia/xml.hpp"
#include "base/check.hpp"

namespace vcity::attest {
namespace {

// A canonical document that parses is canonical: writing it again changes nothing.
void fuzz(ByteView bytes) {
    const std::string_view text = as_text(bytes);
    (void)verify_rim(text, vendor_anchors(), UnixMillis{1'750'000'000'000U});
    const auto claims = parse_ear(text);
    if (claims) CHECK(!claims->parts.empty());
    const auto root = parse_xml(text);
    if (!root) return;
    const std::string canonical = canonicalize(*root);
    const auto again = parse_xml(canonical);
    CHECK(again.has_value());
    CHECK(canonicalize(*again) == canonical);
}

}  // namespace
}  // namespace vcity::attest

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    vcity::attest::fuzz({data, size});
    return 0;
}
