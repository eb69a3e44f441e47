// SPDX-License-Identifier: Apache-2.0
#include "attest/tpm/event_log.hpp"
#include "base/check.hpp"

namespace vcity::attest {
namespace {

// A log is refused or replays to registers of the size of the algorithm.
void fuzz(ByteView bytes) {
    const auto log = parse_event_log(bytes);
    if (!log) return;
    for (const HashAlgorithm algorithm : {HashAlgorithm::kSha1, HashAlgorithm::kSha384}) {
        for (const auto& [index, value] : replay(*log, algorithm)) CHECK(value.size() == digest_size(algorithm));
    }
}

}  // namespace
}  // namespace vcity::attest

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    vcity::attest::fuzz({data, size});
    return 0;
}
