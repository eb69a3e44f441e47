// SPDX-License-Identifier: Apache-2.0
#include "market/audits/economics.hpp"

#include <algorithm>
#include <limits>

#include "base/uint256.hpp"

namespace vcity::market {
namespace {

constexpr U128 kExactOne = U128{kPpbOne} * kPpbOne;  // a probability of one, times a probability of one
constexpr std::uint64_t kUsdMax = std::numeric_limits<std::uint64_t>::max();

// x^exponent for x in units of 10^-18, at most one; rounded up.
U128 power_ceil(U128 x, std::uint32_t exponent) {
    const auto multiply_ceil = [](U128 a, U128 b) {
        const Uint256 product = Uint256{a} * Uint256{b} + Uint256{kExactOne - 1};
        return to_u128(product / Uint256{kExactOne}).value();
    };
    U128 result = kExactOne;
    for (U128 square = x; exponent > 0; exponent /= 2U) {
        if (exponent % 2U == 1) result = multiply_ceil(result, square);
        square = multiply_ceil(square, square);
    }
    return result;
}

Result<void> check(Share share) {
    if (share.ppb > kPpbOne) return make_error(Errc::kInvalid, "a share is above one");
    return {};
}

Result<void> check(const JobTerms& job) {
    if (job.price.micro == 0) return make_error(Errc::kInvalid, "the price is zero");
    if (job.cheating_cost > job.honest_cost) return make_error(Errc::kInvalid, "cheating costs more than honest work");
    if (job.honest_cost > job.price) return make_error(Errc::kInvalid, "honest work costs more than its price");
    return {};
}

Result<void> check(const AuditTerms& audit) {
    TRY_OK(check(audit.rate));
    TRY_OK(check(audit.detection));
    TRY_OK(check(audit.missed));
    TRY_OK(check(audit.false_reject));
    if (audit.missed.ppb > kPpbOne - audit.false_reject.ppb) {
        return make_error(Errc::kInvalid, "an honest audit fails with a probability above one");
    }
    return {};
}

I128 exact(Usd amount) {
    return static_cast<I128>(U128{amount.micro} * kExactOne);
}

// rate * share * amount.
I128 expected(Share rate, Share share, U128 micro) {
    return static_cast<I128>(U128{rate.ppb} * share.ppb * micro);
}

// What decides: an undetected cheated job gains `gain`, an audited one is found out with probability edge / 10^9.
struct Stakes {
    U128 price = 0;
    U128 gain = 0;
    std::uint32_t edge_ppb = 0;
};

Result<Stakes> stakes_of(const JobTerms& job, const AuditTerms& audit, Deterrence aim) {
    TRY_OK(check(job));
    TRY_OK(check(audit));
    Stakes stakes;
    stakes.price = job.price.micro;
    switch (aim) {
        case Deterrence::kHonestyPaysMore:
            stakes.gain = job.honest_cost.micro - job.cheating_cost.micro;
            stakes.edge_ppb = audit.detection.ppb - std::min(audit.detection.ppb, audit.false_reject.ppb);
            break;
        case Deterrence::kCheatingLoses:
            stakes.gain = job.price.micro - job.cheating_cost.micro;
            stakes.edge_ppb = audit.detection.ppb;
            break;
    }
    if (stakes.edge_ppb == 0) return make_error(Errc::kInvalid, "audits do not tell a cheat from an honest node");
    return stakes;
}

// What the stake has to cover beyond gain/q, in micro-dollars. With every payment held until its verdict, the payment
// itself counts as stake; otherwise nothing does, and L - W jobs more may be paid before the first verdict.
Result<I128> surcharge(const Stakes& stakes, const VerdictDelay& delay) {
    if (delay.jobs > kDelayJobsMax) return make_error(Errc::kInvalid, "the verdict comes too late to be planned for");
    if (delay.held > delay.jobs) return -static_cast<I128>(stakes.price);
    return static_cast<I128>(stakes.gain * (delay.jobs - delay.held));
}

U128 ceil_div(U128 value, U128 divisor) {
    return value / divisor + (value % divisor == 0 ? 0U : 1U);
}

Result<std::uint64_t> narrow(U128 value) {
    if (value > kUsdMax) return make_error(Errc::kInvalid, "the amount does not fit");
    return static_cast<std::uint64_t>(value);
}

}  // namespace

Result<Share> rejection_rate(const AuditPower& power, Share cheated) {
    constexpr std::uint32_t kCellsMax = 4096;
    TRY_OK(check(power.cell_power));
    TRY_OK(check(power.false_reject));
    TRY_OK(check(cheated));
    if (power.cells == 0 || power.cells > kCellsMax) return make_error(Errc::kInvalid, "cells of an audit: 1 to 4096");
    const U128 passes_one = kExactOne - U128{power.cell_power.ppb} * cheated.ppb;
    const U128 passes_all = power_ceil(passes_one, power.cells);
    const U128 accepted = ceil_div(passes_all * (kPpbOne - power.false_reject.ppb), kExactOne);
    return Share{kPpbOne - static_cast<std::uint32_t>(accepted)};
}

Result<Share> detection_with_collusion(Share detection, Share colluding, std::uint32_t auditors) {
    constexpr std::uint32_t kAuditorsMax = 64;
    TRY_OK(check(detection));
    TRY_OK(check(colluding));
    if (auditors == 0 || auditors > kAuditorsMax) return make_error(Errc::kInvalid, "auditors of a job: 1 to 64");
    const U128 all_bought = power_ceil(U128{colluding.ppb} * kPpbOne, auditors);
    return Share{static_cast<std::uint32_t>((kExactOne - all_bought) * detection.ppb / kExactOne)};
}

Result<I128> honest_profit(const JobTerms& job, const AuditTerms& audit, Usd stake) {
    TRY_OK(check(job));
    TRY_OK(check(audit));
    const I128 rejected = expected(audit.rate, audit.false_reject, U128{job.price.micro} + stake.micro);
    const I128 missed = expected(audit.rate, audit.missed, job.price.micro);
    const I128 opening = expected(audit.rate, Share{kPpbOne}, job.audit_cost.micro);
    return exact(job.price) - exact(job.honest_cost) - rejected - missed - opening;
}

Result<I128> cheating_profit(const JobTerms& job, const AuditTerms& audit, Usd stake) {
    TRY_OK(check(job));
    TRY_OK(check(audit));
    const I128 rejected = expected(audit.rate, audit.detection, U128{job.price.micro} + stake.micro);
    const I128 opening = expected(audit.rate, Share{kPpbOne}, job.audit_cost.micro);
    return exact(job.price) - exact(job.cheating_cost) - rejected - opening;
}

Result<Usd> minimal_stake(const JobTerms& job, const AuditTerms& audit, const VerdictDelay& delay, Deterrence aim) {
    TRY(const Stakes stakes, stakes_of(job, audit, aim));
    if (audit.rate.ppb == 0) return make_error(Errc::kInvalid, "without audits no stake is enough");
    TRY(const I128 more, surcharge(stakes, delay));
    // S > gain / q + more, in whole micro-dollars.
    const U128 q = U128{audit.rate.ppb} * stakes.edge_ppb;
    const I128 stake = static_cast<I128>(stakes.gain * kExactOne / q) + 1 + more;
    if (stake <= 0) return Usd{0};
    TRY(const std::uint64_t micro, narrow(static_cast<U128>(stake)));
    return Usd{micro};
}

Result<Share> minimal_rate(
    const JobTerms& job, const AuditTerms& audit, Usd stake, const VerdictDelay& delay, Deterrence aim) {
    TRY(const Stakes stakes, stakes_of(job, audit, aim));
    TRY(const I128 more, surcharge(stakes, delay));
    const I128 cover = static_cast<I128>(stake.micro) - more;
    if (cover <= 0) return make_error(Errc::kInvalid, "the stake does not cover the jobs before a verdict");
    // p edge cover > gain, in parts per billion of both.
    const U128 edge = static_cast<U128>(cover) * stakes.edge_ppb;
    const U128 rate = stakes.gain * kExactOne / edge + 1;
    if (rate > kPpbOne) return make_error(Errc::kInvalid, "auditing every job does not deter with this stake");
    return Share{static_cast<std::uint32_t>(rate)};
}

Result<std::uint64_t> escrow_jobs(
    const JobTerms& job, const AuditTerms& audit, Usd stake, std::uint64_t delay_jobs, Deterrence aim) {
    TRY(const Usd least, minimal_stake(job, audit, {delay_jobs, delay_jobs + 1}, aim));
    if (stake < least) return make_error(Errc::kInvalid, "the stake is too small for any escrow");
    const Result<Usd> alone = minimal_stake(job, audit, {delay_jobs, delay_jobs}, aim);
    if (!alone || stake < *alone) return delay_jobs + 1;
    TRY(const Stakes stakes, stakes_of(job, audit, aim));
    if (stakes.gain == 0) return std::uint64_t{0};
    const U128 to_spare = (stake.micro - alone->micro) / stakes.gain;
    return static_cast<std::uint64_t>(delay_jobs - std::min<U128>(delay_jobs, to_spare));
}

Result<std::uint64_t> jobs_during(std::uint64_t jobs_per_hour, std::uint64_t seconds) {
    constexpr std::uint64_t kSecondsPerHour = 3600;
    return mul_div_ceil(jobs_per_hour, seconds, kSecondsPerHour);
}

Result<Usd> stake_against_silence(const JobTerms& job, Share rate, std::uint32_t missed_limit) {
    TRY_OK(check(job));
    TRY_OK(check(rate));
    if (rate.ppb == 0) return make_error(Errc::kInvalid, "without audits no stake is enough");
    if (missed_limit == 0) return make_error(Errc::kInvalid, "a limit of zero missed openings");
    const U128 saved = U128{job.honest_cost.micro - job.cheating_cost.micro} * kPpbOne * missed_limit;
    const U128 unpaid = U128{job.price.micro} * missed_limit;
    const U128 gained = saved / rate.ppb + 1;
    if (gained <= unpaid) return Usd{0};
    TRY(const std::uint64_t micro, narrow(gained - unpaid));
    return Usd{micro};
}

Result<AuditPlan> plan_audits(const AuditGoal& goal) {
    TRY_OK(check(goal.job));
    TRY_OK(check(goal.rate_floor));
    TRY_OK(check(goal.rate_most));
    if (goal.rate_floor.ppb == 0 || goal.rate_floor > goal.rate_most) {
        return make_error(Errc::kInvalid, "the lowest rate is zero or above the highest");
    }
    AuditPlan plan;
    // A whole cheat is the one to plan for: f / d_f only grows with f.
    TRY(const Share rejected, rejection_rate(goal.power, Share{kPpbOne}));
    TRY(plan.terms.detection, detection_with_collusion(rejected, goal.colluding, goal.auditors));
    plan.terms.false_reject = goal.power.false_reject;
    plan.terms.missed = goal.missed;
    plan.terms.rate = goal.rate_floor;
    TRY_OK(check(plan.terms));
    if (plan.terms.detection <= plan.terms.false_reject) return plan;

    TRY(plan.delay.jobs, jobs_during(goal.jobs_per_hour, goal.verdict_seconds));
    plan.delay.held = plan.delay.jobs + 1;
    TRY(plan.escrow.micro, narrow(U128{goal.job.price.micro} * plan.delay.held));
    plan.outcome = PlanOutcome::kStakeTooSmall;
    const Result<Share> needed = minimal_rate(goal.job, plan.terms, goal.stake_most, plan.delay, goal.aim);
    if (!needed || *needed > goal.rate_most) return plan;
    plan.terms.rate = std::max(goal.rate_floor, *needed);
    TRY(plan.stake, minimal_stake(goal.job, plan.terms, plan.delay, goal.aim));
    TRY(plan.honest_profit, honest_profit(goal.job, plan.terms, plan.stake));
    TRY(plan.cheating_profit, cheating_profit(goal.job, plan.terms, plan.stake));
    plan.outcome = plan.honest_profit > 0 ? PlanOutcome::kHolds : PlanOutcome::kHonestyDoesNotPay;
    return plan;
}

std::uint32_t audit_rate_per_mille(const AuditRecord& record) {
    constexpr std::uint64_t kAlways = 1000;
    const std::uint64_t bad = std::uint64_t{record.missed} + record.rejected;
    const std::uint64_t most = bad == 0 ? kNewIdentityPerMille : kAlways;
    const std::uint64_t audits = std::min(record.clean, std::numeric_limits<std::uint64_t>::max() - bad) + bad;
    if (audits == 0) return kNewIdentityPerMille;
    const U128 bound = ceil_div(U128{kAlways} * (3 + 2 * bad), audits);
    return static_cast<std::uint32_t>(std::clamp<U128>(bound, kFloorPerMille, most));
}

std::uint32_t audit_due_per_mille(std::uint64_t random) {
    return static_cast<std::uint32_t>(random % 1000U) + 1;
}

}  // namespace vcity::market
