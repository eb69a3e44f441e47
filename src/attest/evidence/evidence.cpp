// SPDX-License-Identifier: Apache-2.0
#include "attest/evidence/evidence.hpp"

#include <algorithm>

#include "attest/cursor.hpp"
#include "attest/evidence/certificate_table.hpp"
#include "attest/evidence/sim.hpp"
#include "attest/intel/verify.hpp"
#include "attest/tpm/credential.hpp"
#include "attest/tpm/event_log.hpp"
#include "attest/tpm/quote.hpp"
#include "base/check.hpp"

namespace vcity::attest {
namespace {

constexpr std::size_t kSmallMax = 1024;  // signatures, public areas
constexpr std::size_t kRegisterMax = 64;

Verdict refuse(EvidenceKind kind, std::string reason) {
    Verdict verdict;
    verdict.kind = kind;
    verdict.fail(Step::kFormat, std::move(reason));
    return verdict;
}

Verdict verify_tdx(const Evidence& evidence, const EvidenceContext& context, UnixMillis now) {
    Verdict verdict = verify_intel_quote(evidence.report, context.collateral, context.anchors, now);
    if (evidence.kind != verdict.kind) return refuse(evidence.kind, "a quote of another kind");
    if (!evidence.event_log.empty() && verdict.outcome(Step::kFormat) == StepOutcome::kPassed) {
        check_ccel(evidence.event_log, &verdict);
    }
    return verdict;
}

Verdict verify_snp(const Evidence& evidence, const EvidenceContext& context, UnixMillis now) {
    Result<SnpCertificates> table = parse_certificate_table(evidence.certificates);
    if (!table) return refuse(evidence.kind, table.error().message);
    if (table->signer_der.empty()) table->signer_der = context.snp.signer_der;
    // What the verifier has goes first, and does not depend on what the host says.
    table->issuers_pem = context.snp.issuers_pem.empty() ? table->issuers_pem : context.snp.issuers_pem;
    return verify_snp_report(evidence.report, *table, context.anchors, now);
}

void check_enrolment(const Evidence& evidence, const EvidenceContext& context, Verdict* verdict) {
    const Result<Bytes> name = tpm_name(evidence.key);
    const auto found =
        std::ranges::find_if(context.enrolled, [&](const EnrolledKey& key) { return name && key.name == *name; });
    if (found == context.enrolled.end()) {
        return verdict->leave_unchecked(Step::kKeyEnrolment, "nobody vouches for the attestation key");
    }
    verdict->platform_id = to_bytes(found->endorsement.view());
    verdict->pass(Step::kKeyEnrolment);
}

Verdict verify_tpm(const Evidence& evidence, const EvidenceContext& context) {
    const Result<PublicKey> key = parse_tpm_public(evidence.key);
    if (!key) return refuse(evidence.kind, key.error().message);
    Result<TpmSignature> signature = parse_tpm_signature(evidence.signature);
    if (!signature) return refuse(evidence.kind, signature.error().message);
    const TpmEvidence quote{.message = evidence.report, .signature = *std::move(signature), .pcrs = evidence.registers};
    Verdict verdict = verify_tpm_quote(quote, *key);
    check_enrolment(evidence, context, &verdict);
    if (!evidence.event_log.empty()) check_tpm_log(evidence.event_log, &verdict);
    return verdict;
}

}  // namespace

Result<void> check_evidence_size(const Evidence& evidence) {
    const auto invalid = [](const char* what) { return make_error(Errc::kInvalid, what); };
    const bool is_tpm = evidence.kind == EvidenceKind::kTpm;
    if (evidence.report.empty() || evidence.report.size() > kEvidenceReportMax) {
        return invalid("evidence: the report's size");
    }
    const bool has_signature = is_tpm || evidence.kind == EvidenceKind::kSimulated;
    if (evidence.signature.size() > (has_signature ? kSmallMax : 0)) return invalid("evidence: the signature's size");
    if (evidence.key.size() > (is_tpm ? kSmallMax : 0)) return invalid("evidence: the key's size");
    const bool has_table = evidence.kind == EvidenceKind::kSevSnp;
    if (evidence.certificates.size() > (has_table ? kEvidenceCertificatesMax : 0)) {
        return invalid("evidence: the certificates' size");
    }
    if (evidence.registers.size() > (is_tpm ? kEvidenceRegistersMax : 0) ||
        std::ranges::any_of(evidence.registers, [](const Bytes& value) { return value.size() > kRegisterMax; })) {
        return invalid("evidence: the registers' number or size");
    }
    const bool has_log = is_tpm || evidence.kind == EvidenceKind::kTdx;
    if (evidence.event_log.size() > (has_log ? kEvidenceEventLogMax : 0)) {
        return invalid("evidence: the event log's size");
    }
    return {};
}

Verdict verify_evidence(const Evidence& evidence, const EvidenceContext& context, UnixMillis now) {
    const Result<void> size = check_evidence_size(evidence);
    if (!size) return refuse(evidence.kind, size.error().message);
    switch (evidence.kind) {
        case EvidenceKind::kTdx:
        case EvidenceKind::kSgx: return verify_tdx(evidence, context, now);
        case EvidenceKind::kSevSnp: return verify_snp(evidence, context, now);
        case EvidenceKind::kTpm: return verify_tpm(evidence, context);
        case EvidenceKind::kNvidia: return refuse(evidence.kind, "evidence: no driver gives this kind");
        case EvidenceKind::kSimulated: return verify_simulated(evidence, context.simulated_roots);
    }
    CHECK(false);
}

}  // namespace vcity::attest
