// SPDX-License-Identifier: Apache-2.0
#include "base/check.hpp"
#include "seal/judge.hpp"

namespace vcity::seal {
namespace {

// Everything that a monitor, a node or a verifier may be sent.
void fuzz(std::string_view text) {
    (void)parse_evidence_request(text);
    (void)parse_activate_request(text);
    (void)parse_credential(text);
    (void)parse_tpm_identity(text);
    (void)parse_seal_request(text);
    (void)PlatformPins::parse(text);
    const auto sealed = parse_signed_seal(text);
    if (sealed) CHECK(*parse_signed_seal(codec::dump_json(to_json(*sealed))) == *sealed);
    const auto reply = parse_evidence_reply(text);
    if (reply) {
        CHECK(*parse_evidence_reply(codec::dump_json(to_json(*reply))) == *reply);
        const attest::MonitorPolicy policy;
        const attest::EvidenceContext context;
        const Expectation expected{
            .policy = &policy, .context = &context, .model_root = {}, .nonce = {}, .now = UnixMillis{0}};
        CHECK(!judge_monitor(*reply, expected).is_believed());
    }
}

}  // namespace
}  // namespace vcity::seal

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    vcity::seal::fuzz(vcity::as_text({data, size}));
    return 0;
}
