// SPDX-License-Identifier: Apache-2.0
// The forms in which other projects store TPM evidence.
#include <map>

#include "attest/cursor.hpp"
#include "attest/intel/verify.hpp"
#include "attest/testing/context.hpp"
#include "attest/tpm/vtpm.hpp"

namespace vcity::attest::testing {
namespace {

using codec::Json;

// Bytes as a list of numbers, hex, base64url or base64, as the file has them.
Result<Bytes> any_bytes(const Json* value) {
    const auto refused = [] { return make_error(Errc::kInvalid, "vector: not bytes"); };
    if (value == nullptr) return refused();
    if (value->is_string()) {
        const std::string& text = *value->get_string();
        if (const Result<Bytes> hex = parse_plain_hex(text); hex && text.size() > 4) return hex;
        if (Result<Bytes> base64 = parse_base64(text, Base64Alphabet::kStandard)) return base64;
        return parse_base64(text, Base64Alphabet::kUrl);
    }
    if (!value->is_array()) return refused();
    Bytes bytes;
    for (const Json& item : *value->get_array()) {
        std::uint64_t number = 0;
        if (!item.get_u64(&number) || number > 255) return refused();
        bytes.push_back(static_cast<std::uint8_t>(number));
    }
    return bytes;
}

Result<TpmEvidence> quote_of(const Json* json) {
    if (json == nullptr) return make_error(Errc::kInvalid, "vector: no quote");
    TpmEvidence evidence;
    TRY(evidence.message, any_bytes(json->find("message")));
    TRY(const Bytes signature, any_bytes(json->find("signature")));
    // TPMT_SIGNATURE, or the bare RSASSA-SHA256 signature of 256 bytes.
    evidence.signature.value = signature;
    if (signature.size() != 256) {
        TRY(evidence.signature, parse_tpm_signature(signature));
    }
    const Json* pcrs = json->find("pcrs");
    if (pcrs == nullptr || !pcrs->is_array()) return make_error(Errc::kInvalid, "vector: no PCRs");
    for (const Json& pcr : *pcrs->get_array()) {
        TRY(Bytes value, any_bytes(&pcr));
        evidence.pcrs.push_back(std::move(value));
    }
    return evidence;
}

// A virtual TPM's two verdicts in one, for comparison: the steps of both.
Verdict joined(const VtpmVerdict& both) {
    Verdict verdict = both.tpm;
    if (!both.hardware.is_authentic() && verdict.first_failure().empty()) {
        verdict.fail(Step::kHardwareBinding, both.hardware.first_failure());
    }
    verdict.measurements.insert(verdict.measurements.end(), both.hardware.measurements.begin(),
                                both.hardware.measurements.end());
    return verdict;
}

Result<Verdict> vtpm(const Context& context) {
    TRY(const Json root, codec::parse_json(context.as_given()));
    const Json* quote_json = root.find("tpm_quote") != nullptr ? root.find("tpm_quote") : root.find("quote");
    TRY(const TpmEvidence quote, quote_of(quote_json));
    TRY(const Bytes hcl, any_bytes(root.find("hcl_report") != nullptr ? root.find("hcl_report") : root.find("report")));
    if (root.find("td_quote") != nullptr) {
        TRY(const Bytes td_quote, any_bytes(root.find("td_quote")));
        return joined(verify_tdx_vtpm(hcl, quote, td_quote, context.anchors, context.now));
    }
    if (!context.has("issuers")) return make_error(Errc::kInvalid, "vector: no issuers");
    SnpCertificates certificates{.signer_der = {}, .issuers_pem = context.text_file("issuers")};
    const Json* vcek = root.find("vcek");
    if (vcek == nullptr || !vcek->is_string()) return make_error(Errc::kInvalid, "vector: no VCEK");
    if (vcek->get_string()->starts_with("-----")) {
        TRY(const std::vector<Bytes> pem, parse_pem_certificates(*vcek->get_string()));
        certificates.signer_der = pem[0];
    } else {
        TRY(certificates.signer_der, any_bytes(vcek));
    }
    return joined(verify_snp_vtpm(hcl, quote, certificates, context.anchors, context.now));
}

// A quote whose key is in an HCL report or in the file.
Result<Verdict> tpm_json(const Context& context) {
    TRY(const Json root, codec::parse_json(context.as_given()));
    TRY(const TpmEvidence quote, quote_of(root.find("tpm_quote") != nullptr ? root.find("tpm_quote") : &root));
    if (context.has("hcl")) {
        const Bytes bytes = context.file("hcl");
        TRY(const HclReport report, parse_hcl_report(bytes));
        TRY(const PublicKey key, hcl_attestation_key(report));
        return verify_tpm_quote(quote, key);
    }
    TRY(const Bytes spki, any_bytes(root.find("ak_public")));
    TRY(const PublicKey key, PublicKey::from_spki(spki));
    return verify_tpm_quote(quote, key);
}

// go-attestation's dump of a machine.
Result<Verdict> windows_tpm(const Context& context) {
    TRY(const Json root, codec::parse_json(context.as_given()));
    const Json* quote = root.find("Quote");
    const Json* log = root.find("Log");
    const Json* pcrs = log == nullptr ? nullptr : log->find("PCRs");
    const Json* ak = root.find("AK");
    if (quote == nullptr || pcrs == nullptr || !pcrs->is_array() || ak == nullptr) {
        return make_error(Errc::kInvalid, "vector: members are missing");
    }
    TpmEvidence evidence;
    TRY(evidence.message, any_bytes(quote->find("Quote")));
    TRY(const Bytes signature, any_bytes(quote->find("Signature")));
    TRY(evidence.signature, parse_tpm_signature(signature));
    std::map<std::uint64_t, Bytes> values;
    for (const Json& pcr : *pcrs->get_array()) {
        std::uint64_t index = 0;
        const Json* number = pcr.find("Index");
        if (number == nullptr || !number->get_u64(&index)) return make_error(Errc::kInvalid, "vector: no index");
        TRY(values[index], any_bytes(pcr.find("Digest")));
    }
    for (const auto& [index, value] : values) evidence.pcrs.push_back(value);
    TRY(const Bytes area, any_bytes(ak->find("Public")));
    TRY(const PublicKey key, parse_tpm_public(area));
    Verdict verdict = verify_tpm_quote(evidence, key);
    TRY(const Bytes raw, any_bytes(log->find("Raw")));
    check_tpm_log(raw, &verdict);
    return verdict;
}

Verdict or_refused(Result<Verdict> verdict) {
    return verdict ? *std::move(verdict) : parse_verdict(verdict);
}

}  // namespace

Verdict check_vtpm(const Context& context) {
    return or_refused(vtpm(context));
}

Verdict check_tpm_json(const Context& context) {
    return or_refused(tpm_json(context));
}

Verdict check_windows_tpm(const Context& context) {
    return or_refused(windows_tpm(context));
}

// A message or signature file, with the other one and the key's report beside it.
Verdict check_tpm_pair(const Context& context) {
    TpmEvidence evidence;
    evidence.message = context.has("message") ? context.file("message") : context.bytes;
    evidence.signature.value = context.has("signature") ? context.file("signature") : context.bytes;
    const Bytes hcl = context.file("hcl");
    const PublicKey key = hcl_attestation_key(parse_hcl_report(hcl).value()).value();
    return verify_tpm_quote(evidence, key);
}

// An HCL report alone: its hardware report is verified and binds the JSON, which holds a key. For TDX the quote is
// beside it.
Verdict check_hcl(const Context& context) {
    const Result<HclReport> report = parse_hcl_report(context.bytes);
    if (!report) return parse_verdict(report);
    if (const Result<PublicKey> key = hcl_attestation_key(*report); !key) return parse_verdict(key);
    Verdict hardware;
    if (report->is_tdx) {
        hardware = verify_intel_quote(context.file("quote"), nullptr, context.anchors, context.now);
    } else {
        const CertificateList certificates = parse_certificates(context.text_file("issuers")).value();
        hardware = verify_snp_report(
            report->hardware_report,
            {.signer_der = to_bytes(certificates[0].der()), .issuers_pem = context.text_file("issuers")},
            context.anchors, context.now);
    }
    if (is_bound(hardware, *report)) {
        hardware.pass(Step::kHardwareBinding);
    } else {
        hardware.fail(Step::kHardwareBinding, "not bound");
    }
    return hardware;
}

}  // namespace vcity::attest::testing
