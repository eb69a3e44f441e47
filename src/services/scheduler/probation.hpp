// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "services/scheduler/options.hpp"

namespace vcity::scheduler {

// What is known of a node from its audits, and what it owes for results that it did not open when a verifier asked:
// silence must not be cheaper than a lie, and yet a node that crashes once must not lose its name.
//
// Each missed opening adds one to the debt, whoever is at fault. While there is a debt, every result of the node is
// audited, so nothing that it keeps silent about is paid. An accepted audit pays back (share of results that the
// lottery audits of a node with as many clean audits and no others) * AuditRates::missed_per_mille / 1000, so that a
// node which misses less than that share of the lottery's audits gets out of debt in the long run, and one that misses
// more is suspended again and again. A cheat that answers audits with silence is thus paid for at most 1 / rate
// dishonest results for each 1 / (rate * missed_per_mille / 1000) honest ones: one in a hundred with the defaults.
struct Probation {
    std::uint64_t debt = 0;        // millionths of a missed opening
    UnixMillis suspended_until{};  // gets no jobs before
    market::AuditRecord record;    // of all audits of this scheduler

    bool operator==(const Probation&) const = default;
    bool audits_all() const { return debt > 0; }
    bool is_suspended(UnixMillis now) const { return now < suspended_until; }
    // Of a thousand results so many are audited by lottery.
    std::uint32_t lottery_per_mille(const AuditRates& rates) const;
};

// A question of a verifier was not answered. When the debt reaches AuditRates::missed_limit the node is suspended from
// now on, and comes back with a debt that the next miss fills again.
void note_missed(Probation* probation, const AuditRates& rates, UnixMillis now);

// A result was audited and accepted.
void note_accepted(Probation* probation, const AuditRates& rates);

// A result was rejected: a miss, and a mark in the record.
void note_rejected(Probation* probation, const AuditRates& rates, UnixMillis now);

Bytes encode(const Probation& probation);
// kCorrupt when it is not what encode() writes.
Result<Probation> parse_probation(ByteView bytes);

}  // namespace vcity::scheduler
