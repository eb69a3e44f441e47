// SPDX-License-Identifier: Apache-2.0
#include "attest/nvidia/report.hpp"
#include "base/check.hpp"

namespace vcity::attest {
namespace {

// A report is refused or every measurement is a SHA-384.
void fuzz(ByteView bytes) {
    const auto report = parse_nvidia_report(bytes);
    if (!report) return;
    CHECK(report->signature.size() == 96);
    for (const auto& [index, value] : report->measurements) CHECK(value.size() == 48);
}

}  // namespace
}  // namespace vcity::attest

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    vcity::attest::fuzz({data, size});
    return 0;
}
