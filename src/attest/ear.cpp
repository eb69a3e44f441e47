// SPDX-License-Identifier: Apache-2.0
#include "attest/ear.hpp"

#include <array>
#include <limits>
#include <utility>

#include <fmt/format.h>

#include "attest/encoding.hpp"
#include "codec/json.hpp"

namespace vcity::attest {
namespace {

using codec::Json;

constexpr codec::JsonLimits kLimits{.bytes_max = 256U << 10U, .depth_max = 16, .values_max = 20'000};
constexpr std::size_t kPartsMax = 64;
constexpr std::size_t kKeyBytesMax = 1024;
constexpr std::array<std::string_view, 8> kVectorClaims{"instance-identity", "configuration", "executables",
                                                        "file-system",       "hardware",      "runtime-opaque",
                                                        "storage-opaque",    "sourced-data"};

Error malformed(std::string_view claim) {
    return make_error(Errc::kInvalid, fmt::format("ear: {} is missing or not valid", claim));
}

Result<std::string> text_of(const Json& json, std::string_view name) {
    const Json* value = json.find(name);
    if (value == nullptr || !value->is_string()) return malformed(name);
    return *value->get_string();
}

Result<EarStatus> status_of(const Json& json) {
    constexpr std::array<std::pair<std::string_view, EarStatus>, 4> kStatuses{
        {{"none", EarStatus::kNone},
         {"affirming", EarStatus::kAffirming},
         {"warning", EarStatus::kWarning},
         {"contraindicated", EarStatus::kContraindicated}}};
    const Json* value = json.find("ear.status");
    std::int64_t number = -1;
    const bool is_number = value != nullptr && value->get_i64(&number);
    for (const auto& [name, status] : kStatuses) {
        if (is_number && number == static_cast<std::int64_t>(status)) return status;
        if (value != nullptr && value->is_string() && *value->get_string() == name) return status;
    }
    return malformed("ear.status");
}

Result<std::map<std::string, std::int8_t>> vector_of(const Json& json) {
    std::map<std::string, std::int8_t> result;
    const Json* vector = json.find("ear.trustworthiness-vector");
    if (vector == nullptr) return result;
    if (!vector->is_object()) return malformed("ear.trustworthiness-vector");
    for (const std::string_view claim : kVectorClaims) {
        const Json* value = vector->find(claim);
        if (value == nullptr) continue;
        std::int64_t number = 0;
        if (!value->get_i64(&number) || number < std::numeric_limits<std::int8_t>::min() ||
            number > std::numeric_limits<std::int8_t>::max()) {
            return malformed(claim);
        }
        result.emplace(claim, static_cast<std::int8_t>(number));
    }
    return result;
}

Result<EarAppraisal> parse_part(const Json& json) {
    EarAppraisal part;
    TRY(part.status, status_of(json));
    TRY(part.vector, vector_of(json));
    if (json.find("ear.appraisal-policy-id") != nullptr) {
        TRY(part.policy, text_of(json, "ear.appraisal-policy-id"));
    }
    if (const Json* key = json.find("ear.veraison.key-attestation"); key != nullptr) {
        TRY(const std::string encoded, text_of(*key, "akpub"));
        TRY(part.attested_key, parse_base64(encoded, Base64Alphabet::kUrl, kKeyBytesMax));
        if (part.attested_key->empty()) return malformed("akpub");
    }
    return part;
}

}  // namespace

Result<EarClaims> parse_ear(std::string_view json) {
    TRY(const Json root, codec::parse_json(json, kLimits));
    EarClaims claims;
    TRY(claims.profile, text_of(root, "eat_profile"));
    const Json* issued = root.find("iat");
    std::uint64_t seconds = 0;
    if (issued == nullptr || !issued->get_u64(&seconds) || seconds > 253'402'300'799U) return malformed("iat");
    claims.issued = UnixMillis{seconds * 1000U};
    const Json* verifier = root.find("ear.verifier-id");
    if (verifier == nullptr) return malformed("ear.verifier-id");
    TRY(claims.developer, text_of(*verifier, "developer"));
    TRY(claims.build, text_of(*verifier, "build"));
    if (root.find("ear.raw-evidence") != nullptr) {
        TRY(const std::string encoded, text_of(root, "ear.raw-evidence"));
        const Base64Alphabet alphabet =
            encoded.find_first_of("+/") == std::string::npos ? Base64Alphabet::kUrl : Base64Alphabet::kStandard;
        TRY(claims.raw_evidence, parse_base64(encoded, alphabet));
    }
    const Json* parts = root.find("submods");
    if (parts == nullptr || !parts->is_object() || parts->get_object()->empty() ||
        parts->get_object()->size() > kPartsMax) {
        return malformed("submods");
    }
    for (const auto& [name, value] : *parts->get_object()) {
        TRY(EarAppraisal part, parse_part(value));
        claims.parts.emplace(name, std::move(part));
    }
    return claims;
}

}  // namespace vcity::attest
