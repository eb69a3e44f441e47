// SPDX-License-Identifier: Apache-2.0
#include "attest/tpm/quote.hpp"
#include "attest/tpm/vtpm.hpp"
#include "base/check.hpp"

namespace vcity::attest {
namespace {

// Structures of a TPM and of the paravisor around it.
void fuzz(ByteView bytes) {
    const auto quote = parse_tpm_quote(bytes);
    if (quote) CHECK(quote->selections.size() <= 4 && quote->extra_data.size() <= 64);
    (void)parse_tpm_signature(bytes);
    (void)parse_tpm_public(bytes);
    const auto report = parse_hcl_report(bytes);
    if (report) (void)hcl_attestation_key(*report);
}

}  // namespace
}  // namespace vcity::attest

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    vcity::attest::fuzz({data, size});
    return 0;
}
