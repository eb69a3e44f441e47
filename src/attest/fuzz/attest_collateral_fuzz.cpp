// SPDX-License-Identifier: Apache-2.0
#include "attest/intel/verify.hpp"
#include "base/check.hpp"

namespace vcity::attest {
namespace {

// Intel's documents: parsed or refused; a split document is a part of the response.
void fuzz(ByteView bytes) {
    const std::string_view text = as_text(bytes);
    (void)parse_intel_collateral(text);
    const auto info = parse_tcb_info(text);
    if (info) (void)evaluate_tcb(*info, PckClaims{.ppid = {}, .pce_id = info->pce_id, .fmspc = info->fmspc}, nullptr);
    (void)parse_qe_identity(text);
    const auto split = split_signed_text(text, "tcbInfo");
    if (split) CHECK(split->signature.size() == 64 && text.find(split->text) != std::string_view::npos);
}

}  // namespace
}  // namespace vcity::attest

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    vcity::attest::fuzz({data, size});
    return 0;
}
