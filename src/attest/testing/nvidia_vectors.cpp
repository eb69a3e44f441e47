// SPDX-License-Identifier: Apache-2.0
// The forms in which other projects store GPU evidence.
#include "attest/nvidia/report.hpp"
#include "attest/nvidia/rim.hpp"
#include "attest/testing/context.hpp"

namespace vcity::attest::testing {
namespace {

using codec::Json;

Result<std::string> text_member(const Json& json, std::string_view name) {
    const Json* value = json.find(name);
    if (value == nullptr || !value->is_string()) return make_error(Errc::kInvalid, "vector: a text is missing");
    return *value->get_string();
}

// One entry of the SDK's serialized evidence; the nonce beside the report must be the report's.
Result<Verdict> entry(const Json& json, const Context& context) {
    TRY(const std::string encoded, text_member(json, "evidence"));
    TRY(const std::string encoded_chain, text_member(json, "certificate"));
    TRY(const std::string nonce, text_member(json, "nonce"));
    TRY(const Bytes report, parse_base64(encoded, Base64Alphabet::kStandard));
    TRY(const Bytes chain, parse_base64(encoded_chain, Base64Alphabet::kStandard));
    TRY(const Bytes expected, parse_plain_hex(nonce));
    Verdict verdict = verify_nvidia_report(report, as_text(chain), context.anchors, context.now);
    if (verdict.report_data != expected) verdict.fail(Step::kFormat, "another nonce");
    return verdict;
}

// All entries in one verdict: the first that is not authentic, or the last.
Result<Verdict> entries(const Context& context) {
    TRY(const Json root, codec::parse_json(context.as_given()));
    if (!root.is_array() || root.get_array()->empty()) return make_error(Errc::kInvalid, "vector: no entries");
    Verdict joined;
    for (const Json& json : *root.get_array()) {
        TRY(Verdict verdict, entry(json, context));
        if (!verdict.is_authentic()) return verdict;
        const std::vector<Measurement> before = std::move(joined.measurements);
        joined = std::move(verdict);
        joined.measurements.insert(joined.measurements.begin(), before.begin(), before.end());
    }
    return joined;
}

}  // namespace

Verdict check_nvidia(const Context& context) {
    const Result<Bytes> report = parse_plain_hex(trimmed(std::string{context.as_given()}));
    if (!report) return parse_verdict(report);
    return verify_nvidia_report(*report, context.text_file("chain"), context.anchors, context.now);
}

Verdict check_nvidia_chain(const Context& context) {
    const Result<Bytes> report = parse_plain_hex(trimmed(context.text_file("report")));
    if (!report) return parse_verdict(report);
    return verify_nvidia_report(*report, context.as_given(), context.anchors, context.now);
}

Verdict check_rim(const Context& context) {
    const Result<ReferenceManifest> manifest = verify_rim(context.as_given(), context.anchors, context.now);
    Verdict verdict = parse_verdict(manifest);
    if (!manifest) return verdict;
    // In the place of the steps of evidence, so that byte flips can be compared.
    verdict.pass(Step::kReportSignature);
    verdict.expires_by(manifest->expires);
    verdict.measurements.push_back({manifest->product + " " + manifest->version, {}});
    for (const auto& [index, digests] : manifest->measurements) {
        for (const Bytes& digest : digests) verdict.measurements.push_back({std::to_string(index), digest});
    }
    return verdict;
}

Verdict check_nvidia_json(const Context& context) {
    Result<Verdict> verdict = entries(context);
    return verdict ? *std::move(verdict) : parse_verdict(verdict);
}

}  // namespace vcity::attest::testing
