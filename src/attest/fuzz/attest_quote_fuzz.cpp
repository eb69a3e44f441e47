// SPDX-License-Identifier: Apache-2.0
#include "attest/intel/verify.hpp"
#include "base/check.hpp"

namespace vcity::attest {
namespace {

// A quote is refused or has a verdict; its signed bytes are the start of the input.
void fuzz(ByteView bytes) {
    const auto quote = parse_intel_quote(bytes);
    if (quote) CHECK(quote->signed_bytes.data() == bytes.data() && quote->trailing_bytes < bytes.size());
    const Verdict verdict = verify_intel_quote(bytes, nullptr, vendor_anchors(), UnixMillis{1'750'000'000'000U});
    CHECK(quote.has_value() || !verdict.is_authentic());
    (void)parse_local_td_report(bytes);
}

}  // namespace
}  // namespace vcity::attest

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    vcity::attest::fuzz({data, size});
    return 0;
}
