// SPDX-License-Identifier: Apache-2.0
#include "attest/policy.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "attest/cursor.hpp"
#include "attest/encoding.hpp"
#include "attest/signature.hpp"
#include "base/check.hpp"

namespace vcity::attest {
namespace {

constexpr std::string_view kDomain = "vcity-mon-v1";
constexpr std::uint64_t kBankBitsMin = 256;

bool is_intel(EvidenceKind kind) {
    return kind == EvidenceKind::kTdx || kind == EvidenceKind::kSgx;
}

// Gathers the objections of one decision.
class Judge {
  public:
    Judge(const Policy& policy, const Verdict& verdict) : policy_{policy}, verdict_{verdict} {}

    Decision decide(ByteView report_data, UnixMillis now) {
        check_kind();
        check_steps();
        if (verdict_.expires && now > *verdict_.expires) object(Refusal::kExpired, "a certificate or list has expired");
        if (verdict_.debug) object(Refusal::kDebug, "the host may read the guest");
        check_tcb();
        for (const SecurityVersion& version : policy_.versions_min) check_version(version);
        if (verdict_.kind == EvidenceKind::kTpm) check_version({.name = "bank_bits", .value = kBankBitsMin});
        for (const AllowedMeasurement& allowed : policy_.measurements) check_measurement(allowed);
        if (report_data.empty() || !equal(verdict_.report_data, report_data)) {
            object(Refusal::kReportData, "bound to something else");
        }
        return std::move(decision_);
    }

  private:
    void object(Refusal refusal, std::string detail) { decision_.objections.push_back({refusal, std::move(detail)}); }

    void check_kind() {
        if (verdict_.kind != policy_.kind) object(Refusal::kOtherKind, "evidence of another kind");
        if (verdict_.kind == EvidenceKind::kSimulated && !is_simulated_tee_allowed()) {
            object(Refusal::kSimulated, "simulated evidence");
        }
    }

    void check_steps() {
        if (!verdict_.is_authentic()) object(Refusal::kNotAuthentic, verdict_.first_failure());
        for (const Step step : policy_.steps) {
            if (verdict_.outcome(step) != StepOutcome::kPassed)
                object(Refusal::kNotChecked, std::string{to_string(step)});
        }
    }

    void check_tcb() {
        if (is_intel(policy_.kind) &&
            std::find(policy_.tcb.begin(), policy_.tcb.end(), verdict_.tcb) == policy_.tcb.end()) {
            object(Refusal::kTcb, std::string{to_string(verdict_.tcb)});
        }
        for (const std::string& id : policy_.advisories_refused) {
            const auto& ids = verdict_.advisories;
            if (std::find(ids.begin(), ids.end(), id) != ids.end()) object(Refusal::kAdvisory, id);
        }
    }

    // A version that the evidence does not have is too low.
    void check_version(const SecurityVersion& wanted) {
        const auto found = std::find_if(verdict_.versions.begin(), verdict_.versions.end(),
                                        [&](const SecurityVersion& version) { return version.name == wanted.name; });
        if (found == verdict_.versions.end() || found->value < wanted.value) {
            object(Refusal::kVersion, fmt::format("{} is below {}", wanted.name, wanted.value));
        }
    }

    void check_measurement(const AllowedMeasurement& allowed) {
        const Bytes* measured = verdict_.measurement(allowed.name);
        if (measured == nullptr ||
            std::find(allowed.digests.begin(), allowed.digests.end(), *measured) == allowed.digests.end()) {
            object(Refusal::kMeasurement,
                   fmt::format("{} is {}", allowed.name, measured == nullptr ? "absent" : plain_hex(*measured)));
        }
    }

    const Policy& policy_;
    const Verdict& verdict_;
    Decision decision_;
};

}  // namespace

std::string_view to_string(Refusal refusal) {
    switch (refusal) {
        case Refusal::kOtherKind: return "other_kind";
        case Refusal::kSimulated: return "simulated";
        case Refusal::kNotAuthentic: return "not_authentic";
        case Refusal::kNotChecked: return "not_checked";
        case Refusal::kExpired: return "expired";
        case Refusal::kDebug: return "debug";
        case Refusal::kTcb: return "tcb";
        case Refusal::kAdvisory: return "advisory";
        case Refusal::kVersion: return "version";
        case Refusal::kMeasurement: return "measurement";
        case Refusal::kReportData: return "report_data";
    }
    CHECK(false);
}

Bytes report_data_of(const MonitorBinding& binding) {
    Bytes text = to_bytes(as_bytes(kDomain));
    append(&text, binding.monitor_key.view());
    append(&text, binding.policy.view());
    append(&text, binding.model_root.view());
    for (unsigned shift = 64; shift > 0; shift -= 8) {
        text.push_back(static_cast<std::uint8_t>(binding.epoch >> (shift - 8)));
    }
    append(&text, binding.nonce.view());
    return digest(HashAlgorithm::kSha512, text);
}

Bytes nonce_of(const MonitorBinding& binding) {
    return digest(HashAlgorithm::kSha256, report_data_of(binding));
}

Policy strict_policy(EvidenceKind kind) {
    Policy policy;
    policy.kind = kind;
    if (is_intel(kind)) policy.steps = {Step::kRevocation, Step::kTcbInfo, Step::kQuotingEnclavePolicy};
    if (kind == EvidenceKind::kNvidia) policy.steps = {Step::kReferenceValues};
    if (kind == EvidenceKind::kTpm) policy.steps = {Step::kHardwareBinding};
    return policy;
}

bool Decision::objects(Refusal refusal) const {
    return std::any_of(objections.begin(), objections.end(),
                       [&](const Objection& objection) { return objection.refusal == refusal; });
}

bool is_simulated_tee_allowed() {
#ifdef VCITY_DEVELOPMENT_TEE
    return true;
#else
    return false;
#endif
}

Decision decide(const Policy& policy, const Verdict& verdict, ByteView report_data, UnixMillis now) {
    return Judge{policy, verdict}.decide(report_data, now);
}

}  // namespace vcity::attest
