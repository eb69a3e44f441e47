// SPDX-License-Identifier: Apache-2.0
#include "attest/snp.hpp"
#include "base/check.hpp"

namespace vcity::attest {
namespace {

// A report is refused or has a signature of 96 bytes.
void fuzz(ByteView bytes) {
    const auto report = parse_snp_report(bytes);
    if (report) CHECK(report->signature.size() == 96);
}

}  // namespace
}  // namespace vcity::attest

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    vcity::attest::fuzz({data, size});
    return 0;
}
