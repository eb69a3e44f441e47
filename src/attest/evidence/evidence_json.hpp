// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "attest/evidence/evidence.hpp"
#include "codec/json.hpp"

namespace vcity::attest {

// {"kind":"tpm","report":"0x..","signature":"0x..","key":"0x..","certificates":"0x..","registers":["0x.."],
// "event_log":"0x.."}; empty members are left out.
codec::Json to_json(const Evidence& evidence);
// Members that are not known are errors; sizes as check_evidence_size(). kInvalid otherwise.
Result<Evidence> parse_evidence(const codec::Json& json);

Result<EvidenceKind> parse_evidence_kind(std::string_view name);

}  // namespace vcity::attest
