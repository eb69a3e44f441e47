// SPDX-License-Identifier: Apache-2.0
#include "attest/evidence/monitor_policy.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "attest/evidence/evidence_json.hpp"
#include "codec/hex.hpp"
#include "codec/json.hpp"
#include "crypto/sha256.hpp"

namespace vcity::attest {
namespace {

using codec::Json;

constexpr std::size_t kPolicyBytesMax = 256U << 10U;
constexpr std::size_t kListMax = 256;
constexpr std::size_t kDigestMax = 64;
constexpr std::uint64_t kEpochSecondsMin = 1;
constexpr std::uint64_t kEpochSecondsMax = 7ULL * 24 * 3600;
constexpr std::array kSteps{Step::kFormat,         Step::kReportSignature,  Step::kKeyBinding,
                            Step::kQuotingEnclave, Step::kCertificateChain, Step::kCertificateClaims,
                            Step::kRevocation,     Step::kTcbInfo,          Step::kQuotingEnclavePolicy,
                            Step::kRegisterDigest, Step::kEventLog,         Step::kHardwareBinding,
                            Step::kKeyEnrolment,   Step::kReferenceValues};
constexpr std::array kStatuses{TcbStatus::kNotEvaluated,
                               TcbStatus::kUpToDate,
                               TcbStatus::kSwHardeningNeeded,
                               TcbStatus::kConfigurationNeeded,
                               TcbStatus::kConfigurationAndSwHardeningNeeded,
                               TcbStatus::kOutOfDate,
                               TcbStatus::kOutOfDateConfigurationNeeded,
                               TcbStatus::kRevoked,
                               TcbStatus::kUnsupported};

Error invalid(std::string_view what) {
    return make_error(Errc::kInvalid, fmt::format("policy: {}", what));
}

template <class Enum, std::size_t N>
Result<Enum> named(const std::array<Enum, N>& values, std::string_view name) {
    const auto found = std::ranges::find_if(values, [&](Enum value) { return to_string(value) == name; });
    if (found == values.end()) return invalid("a name that is not known");
    return *found;
}

// A list of texts, each through `parse`.
template <class T, class Parse>
Result<std::vector<T>> parse_list(const Json& json, Parse parse) {
    const codec::JsonArray* items = json.get_array();
    if (items == nullptr || items->size() > kListMax) return invalid("a list is missing or too long");
    std::vector<T> list;
    for (const Json& item : *items) {
        const std::string* text = item.get_string();
        if (text == nullptr) return invalid("a list holds something else than texts");
        TRY(T value, parse(*text));
        list.push_back(std::move(value));
    }
    return list;
}

Result<std::vector<SecurityVersion>> parse_versions(const Json& json) {
    const codec::JsonObject* members = json.get_object();
    if (members == nullptr || members->size() > kListMax) return invalid("versions_min is no object");
    std::vector<SecurityVersion> versions;
    for (const auto& [name, value] : *members) {
        std::uint64_t number = 0;
        if (!value.get_u64(&number)) return invalid("a version is no integer");
        versions.push_back({name, number});
    }
    return versions;
}

Result<std::vector<AllowedMeasurement>> parse_measurements(const Json& json) {
    const codec::JsonObject* members = json.get_object();
    if (members == nullptr || members->size() > kListMax) return invalid("measurements is no object");
    std::vector<AllowedMeasurement> measurements;
    for (const auto& [name, value] : *members) {
        AllowedMeasurement allowed{.name = name, .digests = {}};
        TRY(allowed.digests,
            parse_list<Bytes>(value, [](const std::string& text) { return codec::parse_hex(text, kDigestMax); }));
        measurements.push_back(std::move(allowed));
    }
    return measurements;
}

Result<void> parse_entry_member(const std::string& name, const Json& value, Policy* policy) {
    if (name == "steps") {
        TRY(policy->steps, parse_list<Step>(value, [](const std::string& text) { return named(kSteps, text); }));
    } else if (name == "tcb") {
        TRY(policy->tcb, parse_list<TcbStatus>(value, [](const std::string& text) { return named(kStatuses, text); }));
    } else if (name == "versions_min") {
        TRY(policy->versions_min, parse_versions(value));
    } else if (name == "measurements") {
        TRY(policy->measurements, parse_measurements(value));
    } else if (name == "advisories_refused") {
        TRY(policy->advisories_refused,
            parse_list<std::string>(value, [](const std::string& text) { return Result<std::string>{text}; }));
    } else if (name != "kind") {
        return invalid("an entry has a member that is not known");
    }
    return {};
}

Result<Policy> parse_entry(const Json& json) {
    const Json* kind = json.find("kind");
    if (kind == nullptr || !kind->is_string()) return invalid("an entry without a kind");
    TRY(const EvidenceKind parsed, parse_evidence_kind(*kind->get_string()));
    Policy policy = strict_policy(parsed);
    for (const auto& [name, value] : *json.get_object()) {
        TRY_OK(parse_entry_member(name, value, &policy));
    }
    return policy;
}

Result<std::vector<Policy>> parse_entries(const Json& json) {
    const codec::JsonArray* items = json.get_array();
    if (items == nullptr) return invalid("evidence is no list");
    std::vector<Policy> policies;
    for (const Json& item : *items) {
        TRY(Policy policy, parse_entry(item));
        if (std::ranges::any_of(policies, [&](const Policy& p) { return p.kind == policy.kind; })) {
            return invalid("a kind twice");
        }
        policies.push_back(std::move(policy));
    }
    return policies;
}

Result<void> parse_member(const std::string& name, const Json& value, MonitorPolicy* policy) {
    std::uint64_t number = 0;
    if (name == "version") {
        if (!value.get_u64(&number) || number != 1) return invalid("a version other than 1");
    } else if (name == "epoch_seconds") {
        if (!value.get_u64(&number) || number < kEpochSecondsMin || number > kEpochSecondsMax) {
            return invalid("epoch_seconds is not from 1 to a week");
        }
        policy->epoch_seconds = number;
    } else if (name == "endorsement_keys") {
        TRY(policy->endorsement_keys, parse_list<Hash>(value, codec::parse_fixed<Hash>));
    } else if (name == "simulated_roots") {
        TRY(policy->simulated_roots, parse_list<Address>(value, codec::parse_fixed<Address>));
    } else if (name == "evidence") {
        TRY(policy->accepted, parse_entries(value));
    } else {
        return invalid("a member that is not known");
    }
    return {};
}

}  // namespace

const Policy* MonitorPolicy::find(EvidenceKind kind) const {
    const auto found = std::ranges::find_if(accepted, [&](const Policy& policy) { return policy.kind == kind; });
    return found == accepted.end() ? nullptr : &*found;
}

Result<MonitorPolicy> parse_monitor_policy(std::string_view text) {
    TRY(const Json json, codec::parse_json(text, {.bytes_max = kPolicyBytesMax, .depth_max = 8, .values_max = 16'384}));
    if (!json.is_object() || json.find("version") == nullptr) return invalid("no object with a version");
    MonitorPolicy policy;
    policy.hash = crypto::sha256(as_bytes(text));
    for (const auto& [name, value] : *json.get_object()) {
        TRY_OK(parse_member(name, value, &policy));
    }
    return policy;
}

Bytes bound_data_of(EvidenceKind kind, const MonitorBinding& binding) {
    const bool takes_hash = kind == EvidenceKind::kTpm || kind == EvidenceKind::kNvidia;
    return takes_hash ? nonce_of(binding) : report_data_of(binding);
}

}  // namespace vcity::attest
