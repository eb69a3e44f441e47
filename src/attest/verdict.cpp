// SPDX-License-Identifier: Apache-2.0
#include "attest/verdict.hpp"

#include <algorithm>

#include "base/check.hpp"

namespace vcity::attest {

std::string_view to_string(Step step) {
    switch (step) {
        case Step::kFormat: return "format";
        case Step::kReportSignature: return "report_signature";
        case Step::kKeyBinding: return "key_binding";
        case Step::kQuotingEnclave: return "quoting_enclave";
        case Step::kCertificateChain: return "certificate_chain";
        case Step::kCertificateClaims: return "certificate_claims";
        case Step::kRevocation: return "revocation";
        case Step::kTcbInfo: return "tcb_info";
        case Step::kQuotingEnclavePolicy: return "quoting_enclave_policy";
        case Step::kRegisterDigest: return "register_digest";
        case Step::kEventLog: return "event_log";
        case Step::kHardwareBinding: return "hardware_binding";
        case Step::kKeyEnrolment: return "key_enrolment";
        case Step::kReferenceValues: return "reference_values";
    }
    CHECK(false);
}

std::string_view to_string(EvidenceKind kind) {
    switch (kind) {
        case EvidenceKind::kTdx: return "tdx";
        case EvidenceKind::kSgx: return "sgx";
        case EvidenceKind::kSevSnp: return "sev-snp";
        case EvidenceKind::kTpm: return "tpm";
        case EvidenceKind::kNvidia: return "nvidia";
        case EvidenceKind::kSimulated: return "sim";
    }
    CHECK(false);
}

std::string_view to_string(TcbStatus status) {
    switch (status) {
        case TcbStatus::kNotEvaluated: return "NotEvaluated";
        case TcbStatus::kUpToDate: return "UpToDate";
        case TcbStatus::kSwHardeningNeeded: return "SWHardeningNeeded";
        case TcbStatus::kConfigurationNeeded: return "ConfigurationNeeded";
        case TcbStatus::kConfigurationAndSwHardeningNeeded: return "ConfigurationAndSWHardeningNeeded";
        case TcbStatus::kOutOfDate: return "OutOfDate";
        case TcbStatus::kOutOfDateConfigurationNeeded: return "OutOfDateConfigurationNeeded";
        case TcbStatus::kRevoked: return "Revoked";
        case TcbStatus::kUnsupported: return "Unsupported";
    }
    CHECK(false);
}

StepOutcome Verdict::outcome(Step step) const {
    const auto found = std::find_if(steps.begin(), steps.end(), [&](const StepResult& r) { return r.step == step; });
    return found == steps.end() ? StepOutcome::kNotChecked : found->outcome;
}

bool Verdict::is_authentic() const {
    const std::vector<Step> required = required_steps(kind);
    return first_failure().empty() && !required.empty() &&
           std::all_of(required.begin(), required.end(),
                       [&](Step step) { return outcome(step) == StepOutcome::kPassed; });
}

std::string Verdict::first_failure() const {
    for (const StepResult& result : steps) {
        if (result.outcome == StepOutcome::kFailed) return result.reason.empty() ? "failed" : result.reason;
    }
    return {};
}

const Bytes* Verdict::measurement(std::string_view name) const {
    const auto found =
        std::find_if(measurements.begin(), measurements.end(), [&](const Measurement& m) { return m.name == name; });
    return found == measurements.end() ? nullptr : &found->digest;
}

void Verdict::pass(Step step) {
    steps.push_back({.step = step, .outcome = StepOutcome::kPassed, .reason = {}});
}

void Verdict::fail(Step step, std::string reason) {
    steps.push_back({.step = step, .outcome = StepOutcome::kFailed, .reason = std::move(reason)});
}

void Verdict::leave_unchecked(Step step, std::string reason) {
    steps.push_back({.step = step, .outcome = StepOutcome::kNotChecked, .reason = std::move(reason)});
}

void Verdict::expires_by(UnixMillis time) {
    if (!expires || time < *expires) expires = time;
}

std::vector<Step> required_steps(EvidenceKind kind) {
    switch (kind) {
        case EvidenceKind::kTdx:
        case EvidenceKind::kSgx:
            return {Step::kFormat, Step::kReportSignature, Step::kKeyBinding, Step::kQuotingEnclave,
                    Step::kCertificateChain};
        case EvidenceKind::kSevSnp:
            return {Step::kFormat, Step::kReportSignature, Step::kCertificateChain, Step::kCertificateClaims};
        case EvidenceKind::kTpm: return {Step::kFormat, Step::kReportSignature, Step::kRegisterDigest};
        case EvidenceKind::kNvidia:
            return {Step::kFormat, Step::kReportSignature, Step::kCertificateChain, Step::kCertificateClaims};
        case EvidenceKind::kSimulated: return {Step::kFormat, Step::kReportSignature};
    }
    CHECK(false);
}

}  // namespace vcity::attest
