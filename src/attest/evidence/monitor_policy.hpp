// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "attest/policy.hpp"
#include "base/result.hpp"

namespace vcity::attest {

// What a network demands of monitors, as a file that monitors and verifiers hold alike. Its hash goes into the report
// data, so that a monitor cannot show a verifier of one policy what it made for another.
struct MonitorPolicy {
    Hash hash;  // SHA-256 of the file's bytes
    // A monitor's key and its evidence are of one epoch: unix seconds / epoch_seconds.
    std::uint64_t epoch_seconds = 3600;
    std::vector<Policy> accepted;          // one for each kind of evidence
    std::vector<Hash> endorsement_keys;    // TPM: SHA-256 of the TPMT_PUBLICs that are trusted
    std::vector<Address> simulated_roots;  // of builds that allow simulated evidence at all

    const Policy* find(EvidenceKind kind) const;
    std::uint64_t epoch_at(UnixMillis time) const { return time.count() / 1000 / epoch_seconds; }
};

// {"version":1,"epoch_seconds":3600,"endorsement_keys":["0x.."],"simulated_roots":["0x.."],"evidence":[{"kind":"tpm",
// "steps":["key_enrolment"],"tcb":["UpToDate"],"versions_min":{"bank_bits":256},"measurements":{"pcr0":["0x.."]},
// "advisories_refused":["INTEL-SA-00001"]}]}. What is left out of an entry is that of strict_policy(). At most 256 KiB;
// each kind once; members that are not known are errors. kInvalid otherwise.
Result<MonitorPolicy> parse_monitor_policy(std::string_view text);

// What evidence of the kind must be bound to: report_data_of(), or nonce_of() for TPMs and GPUs.
Bytes bound_data_of(EvidenceKind kind, const MonitorBinding& binding);

}  // namespace vcity::attest
