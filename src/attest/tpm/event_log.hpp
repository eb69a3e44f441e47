// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <vector>

#include "attest/signature.hpp"
#include "attest/verdict.hpp"

namespace vcity::attest {

struct EventDigest {
    HashAlgorithm algorithm = HashAlgorithm::kSha256;
    Bytes value;
};
// One entry. data is what firmware says was measured: it is not covered by any signature and only the digest counts.
struct LogEvent {
    std::uint32_t register_index = 0;
    std::uint32_t type = 0;
    std::vector<EventDigest> digests;
    ByteView data;
};
// A log of the TCG PC Client Platform Firmware Profile, either form (SHA-1 only, or crypto agile after a "Spec ID
// Event03"), or a CCEL log (UEFI 2.10, section 38.4.1), whose registers are 1 + the RTMR index. data borrows the bytes.
struct EventLog {
    std::vector<LogEvent> events;
    std::uint8_t startup_locality = 0;  // what PCR 0 starts from
};
// At most 16 MiB and 64 Ki events. What follows the last event must be all 0xff or all zero. kInvalid otherwise.
Result<EventLog> parse_event_log(ByteView bytes);

// Extends the registers of one algorithm from zero: register' = H(register || digest). EV_NO_ACTION does not extend.
std::map<std::uint32_t, Bytes> replay(const EventLog& log, HashAlgorithm algorithm);

// Replays a CCEL log with SHA-384 and compares with rtmr0..3 of the verdict: Step::kEventLog.
void check_ccel(ByteView ccel, Verdict* verdict);

// Whether the bytes are an ACPI CCEL table: 56 bytes, signature "CCEL".
bool is_ccel_table(ByteView bytes);

}  // namespace vcity::attest
