// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "base/time.hpp"

namespace vcity::attest {

// The tiers of an appraisal (draft-ietf-rats-ar4si, section 2.3.2).
enum class EarStatus : std::int8_t { kNone = 0, kAffirming = 2, kWarning = 32, kContraindicated = 96 };

// The result about one part of a machine. vector: claim ("hardware", "executables", ...) to -128..127.
struct EarAppraisal {
    EarStatus status = EarStatus::kNone;
    std::map<std::string, std::int8_t> vector;
    std::optional<std::string> policy;
    std::optional<Bytes> attested_key;  // SubjectPublicKeyInfo, from ear.veraison.key-attestation
};

// The claims of an entity attestation result (draft-ietf-rats-ear), as JSON: what other verifiers, such as Trustee,
// say about evidence. The claims only: whoever verified the token's signature may believe them.
struct EarClaims {
    std::string profile;
    UnixMillis issued{};
    std::string developer;
    std::string build;
    std::optional<Bytes> raw_evidence;
    std::map<std::string, EarAppraisal> parts;  // at least one
};
// At most 256 KiB and 64 parts. Claims that are not known are left out; known ones must be well-formed. kInvalid
// otherwise.
Result<EarClaims> parse_ear(std::string_view json);

}  // namespace vcity::attest
