// SPDX-License-Identifier: Apache-2.0
#include "attest/evidence/certificate_table.hpp"
#include "attest/evidence/evidence_json.hpp"
#include "attest/evidence/monitor_policy.hpp"
#include "attest/evidence/sim.hpp"
#include "attest/tpm/credential.hpp"
#include "base/check.hpp"

namespace vcity::attest {
namespace {

// What a monitor sends a verifier, the policy file, and the host's certificate table.
void fuzz(ByteView bytes) {
    (void)parse_certificate_table(bytes);
    (void)parse_monitor_policy(as_text(bytes));
    (void)make_credential(bytes, Bytes(34, 1), Bytes(32, 2), {});
    const auto statement = parse_simulated(bytes);
    if (statement) CHECK(encode_simulated(*statement) == Bytes(bytes.begin(), bytes.end()));
    const auto json = codec::parse_json(as_text(bytes), {.bytes_max = 1U << 20U, .depth_max = 8, .values_max = 4096});
    if (!json) return;
    const auto evidence = parse_evidence(*json);
    if (!evidence) return;
    CHECK(!verify_evidence(*evidence, {}, UnixMillis{1'751'328'000'000}).is_authentic() ||
          evidence->kind != EvidenceKind::kSimulated);
    CHECK(*parse_evidence(to_json(*evidence)) == *evidence);
}

}  // namespace
}  // namespace vcity::attest

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    vcity::attest::fuzz({data, size});
    return 0;
}
