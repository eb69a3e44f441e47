// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "attest/evidence/evidence.hpp"

namespace vcity::attest {

// What the simulated driver states: "vcity-sim-v1" || platform || measurement || report data, 140 bytes, signed with
// secp256k1 over its SHA-256. It proves that somebody holds the simulation's root key and nothing about any machine.
struct SimulatedStatement {
    Hash platform;
    Hash measurement;
    FixedBytes<struct ReportDataTag, 64> report_data;

    bool operator==(const SimulatedStatement&) const = default;
};
Bytes encode_simulated(const SimulatedStatement& statement);
// kInvalid for another size or tag.
Result<SimulatedStatement> parse_simulated(ByteView bytes);
// What the root signs.
Hash simulated_digest(ByteView statement);

// Signed by one of the roots. measurements: "simulated"; platform_id: the platform stated. Every policy refuses the
// kind unless the build allows it (is_simulated_tee_allowed()).
Verdict verify_simulated(const Evidence& evidence, const std::vector<Address>& roots);

}  // namespace vcity::attest
