// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "base/amount.hpp"
#include "base/result.hpp"

// How often to audit, how much stake to ask for and how long to hold payments back, so that cheating does not pay and
// honest work does. Derivation, symbols and limits: docs/audit-economics.md. Everything is exact in integers; what must
// be rounded is rounded against the cheat.
namespace vcity::market {

__extension__ typedef __int128 I128;

inline constexpr std::uint32_t kPpbOne = 1'000'000'000;

// A probability or a share in parts per billion, at most kPpbOne.
struct Share {
    std::uint32_t ppb = 0;

    auto operator<=>(const Share&) const = default;
};
constexpr Share per_mille(std::uint32_t value) {
    return Share{value * 1'000'000};
}
constexpr Share parts_per_million(std::uint32_t value) {
    return Share{value * 1'000};
}

// One job as both sides see it. cheating_cost <= honest_cost <= price; D = honest_cost - cheating_cost.
struct JobTerms {
    Usd price;          // R
    Usd honest_cost;    // C
    Usd cheating_cost;  // C'
    Usd audit_cost;     // A, what opening costs the node when it is audited, cheat or not
};

// What happens to one job. detection and false_reject are given that it is audited.
struct AuditTerms {
    Share rate;          // p
    Share detection;     // d, of a cheated job to be rejected
    Share false_reject;  // a, of an honest job to be rejected
    Share missed;        // m, of an honest node to be too late with its opening: unpaid, not slashed
};

// Between a job and the verdict about it the node delivers `jobs` others, and a payment is released when `held` others
// have been delivered after it: what is not released at the verdict is lost with the stake. held > jobs: every payment
// waits for its own verdict.
struct VerdictDelay {
    std::uint64_t jobs = 0;  // L, at most kDelayJobsMax
    std::uint64_t held = 1;  // W
};
inline constexpr std::uint64_t kDelayJobsMax = 1'000'000'000;

// kHonestyPaysMore: a cheat earns less than the honest node it could be. kCheatingLoses: it loses money; where honest
// work pays this is the stronger of the two.
enum class Deterrence : std::uint8_t { kHonestyPaysMore, kCheatingLoses };

// One audit opens `cells` cells at random; a cheated one of them is recognised with probability cell_power.
struct AuditPower {
    std::uint32_t cells = 16;       // c, 1 to 4096
    Share cell_power{kPpbOne};      // e
    Share false_reject = Share{1};  // a
};
// d_f = 1 - (1 - a) (1 - f e)^c, rounded down: a job of which the share f of the cells was cheated is rejected.
Result<Share> rejection_rate(const AuditPower& power, Share cheated);
// d * (1 - colluding^auditors), rounded down: what is left when that share of the auditors says yes to everything, each
// audit has so many of them, drawn independently, and one rejection is enough. auditors: 1 to 64.
Result<Share> detection_with_collusion(Share detection, Share colluding, std::uint32_t auditors);

// Expected profit of one job in 10^-18 micro-dollars, exact. kInvalid when the terms contradict each other.
//   honest: (1 - pa - pm) R - pa S - pA - C        cheat: (1 - pd) R - pd S - pA - C'
Result<I128> honest_profit(const JobTerms& job, const AuditTerms& audit, Usd stake);
Result<I128> cheating_profit(const JobTerms& job, const AuditTerms& audit, Usd stake);

// The smallest stake that deters, whether the cheat cheats once and leaves, or until it is found out. Zero when the
// payment alone deters. kInvalid when no stake is enough (an audit sees nothing) or it does not fit.
Result<Usd> minimal_stake(const JobTerms& job, const AuditTerms& audit, const VerdictDelay& delay, Deterrence aim);
// The smallest rate that deters with this stake; audit.rate is not read. kInvalid when auditing every job is not
// enough.
Result<Share> minimal_rate(
    const JobTerms& job, const AuditTerms& audit, Usd stake, const VerdictDelay& delay, Deterrence aim);
// The shortest escrow W with which this stake deters: L + 1, less when there is stake to spare, since each job whose
// payment is out before its verdict asks for one more gain of stake. kInvalid when the stake is too small for any W.
Result<std::uint64_t> escrow_jobs(
    const JobTerms& job, const AuditTerms& audit, Usd stake, std::uint64_t delay_jobs, Deterrence aim);
// ceil(jobs_per_hour * seconds / 3600): how many jobs a node delivers while a verdict is on its way.
Result<std::uint64_t> jobs_during(std::uint64_t jobs_per_hour, std::uint64_t seconds);
// A cheat may answer audits with silence, which looks like a crash and is not slashed at once. The stake that makes it
// pay less than honesty when the missed_limit-th silence takes the stake: missed_limit * (D/p - R) and one more.
Result<Usd> stake_against_silence(const JobTerms& job, Share rate, std::uint32_t missed_limit);

struct AuditGoal {
    JobTerms job;
    AuditPower power;
    Share missed;
    Share colluding;
    std::uint32_t auditors = 1;
    Share rate_floor = per_mille(10);
    Share rate_most = per_mille(100);
    Usd stake_most;  // that a node can be asked for
    std::uint64_t jobs_per_hour = 0;
    std::uint64_t verdict_seconds = 0;  // from delivery to a verdict, deadlines for opening included
    Deterrence aim = Deterrence::kCheatingLoses;
};
enum class PlanOutcome : std::uint8_t {
    kHolds,
    kUndetected,        // audits reject cheats no more often than honest nodes
    kStakeTooSmall,     // stake_most does not deter, even at rate_most
    kHonestyDoesNotPay  // false rejections, missed openings and openings cost an honest node its margin
};
struct AuditPlan {
    PlanOutcome outcome = PlanOutcome::kUndetected;
    AuditTerms terms;
    Usd stake;
    VerdictDelay delay;
    Usd escrow;  // price * delay.held
    I128 honest_profit = 0;
    I128 cheating_profit = 0;
};
// The lowest rate from the floor on for which the stake is within stake_most, that stake, and the escrow window, for a
// cheat of any share of cells and of jobs. The later fields are set as far as the outcome lets them be computed.
Result<AuditPlan> plan_audits(const AuditGoal& goal);

// What is known of one identity. A rejection starts the count of clean audits again.
struct AuditRecord {
    std::uint64_t clean = 0;     // audits accepted
    std::uint32_t missed = 0;    // openings that did not come in time
    std::uint32_t rejected = 0;  // audits rejected that did not end in exclusion

    bool operator==(const AuditRecord&) const = default;
};
inline constexpr std::uint32_t kNewIdentityPerMille = 100;
inline constexpr std::uint32_t kFloorPerMille = 10;
// Of a thousand jobs of this identity so many are audited, drawn one by one and in secret: the share of its jobs that
// it may still be cheating on as far as its record tells (upper confidence bound of 95 %, at most (3 + 2 bad) /
// audits). 100 for a new identity, 10 from 300 clean audits on, up to 1000 after missed or rejected audits; it falls
// with clean audits only.
std::uint32_t audit_rate_per_mille(const AuditRecord& record);
// At least one audit per identity and epoch: after an audit the next is due when this many thousandths of the epoch
// have passed, 1 to 1000, whatever the lottery says. `random` is uniform, so that the node cannot tell when.
std::uint32_t audit_due_per_mille(std::uint64_t random);

}  // namespace vcity::market
