// SPDX-License-Identifier: Apache-2.0
#include "market/audits/economics.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <random>

#include <gtest/gtest.h>

namespace vcity::market {
namespace {

constexpr std::uint64_t kMax = std::numeric_limits<std::uint64_t>::max();
constexpr Deterrence kMore = Deterrence::kHonestyPaysMore;
constexpr Deterrence kLoses = Deterrence::kCheatingLoses;

// R = 1 dollar, C = 0.95 and D = saved / 1000 of it.
JobTerms job_saving(std::uint64_t saved_per_mille) {
    return {Usd{1'000'000}, Usd{950'000}, Usd{950'000 - 1'000 * saved_per_mille}, Usd{0}};
}
AuditTerms audited_at(Share rate) {
    return {rate, per_mille(990), Share{0}, Share{0}};
}

struct Case {
    JobTerms job;
    AuditTerms audit;
    VerdictDelay delay;
};
Case any_case(std::mt19937_64* random) {
    const auto below = [random](std::uint64_t bound) { return (*random)() % bound; };
    Case drawn;
    drawn.job.price.micro = 1 + below(1'000'000);
    drawn.job.honest_cost.micro = below(drawn.job.price.micro + 1);
    drawn.job.cheating_cost.micro = below(drawn.job.honest_cost.micro + 1);
    drawn.job.audit_cost.micro = below(1'000);
    drawn.audit.rate.ppb = static_cast<std::uint32_t>(1 + below(kPpbOne));
    drawn.audit.false_reject.ppb = static_cast<std::uint32_t>(below(kPpbOne / 1000));
    drawn.audit.detection.ppb = static_cast<std::uint32_t>(kPpbOne / 1000 + below(kPpbOne - kPpbOne / 1000));
    drawn.audit.missed.ppb = static_cast<std::uint32_t>(below(kPpbOne / 1000));
    drawn.delay.jobs = below(20);
    drawn.delay.held = below(24);
    return drawn;
}

TEST(MinimalStake, GivesTheAnchorsTable) {
    struct Row {
        Share rate;
        double less, half, most;  // S/R for D = 0.3, 0.6 and 0.9 R
        double printed;           // half of the last digit of the anchors
    };
    const Row rows[] = {{per_mille(1), 302, 605, 908, 0.5},
                        {per_mille(10), 29.3, 59.6, 89.9, 0.05},
                        {per_mille(50), 5.1, 11.1, 17.2, 0.05},
                        {per_mille(100), 2.0, 5.1, 8.1, 0.05}};
    const auto stake = [](Share rate, std::uint64_t saved) {
        const JobTerms job = job_saving(saved);
        return static_cast<double>(minimal_stake(job, audited_at(rate), {}, kMore).value().micro) / 1e6;
    };

    for (const Row& row : rows) {
        EXPECT_NEAR(stake(row.rate, 300), row.less, row.printed);
        EXPECT_NEAR(stake(row.rate, 600), row.half, row.printed);
        EXPECT_NEAR(stake(row.rate, 900), row.most, row.printed);
    }
}

TEST(MinimalStake, IsTheFirstThatTurnsTheComparisonOfExactProfits) {
    std::mt19937_64 random{1};
    for (int round = 0; round < 2'000; ++round) {
        Case drawn = any_case(&random);
        drawn.delay.held = drawn.delay.jobs + 1;
        drawn.audit.missed.ppb = 0;
        drawn.job.audit_cost.micro = 0;
        for (const Deterrence aim : {kMore, kLoses}) {
            const Usd stake = minimal_stake(drawn.job, drawn.audit, drawn.delay, aim).value();
            const auto deters = [&drawn, aim](Usd amount) {
                const I128 cheat = cheating_profit(drawn.job, drawn.audit, amount).value();
                return cheat < (aim == kMore ? honest_profit(drawn.job, drawn.audit, amount).value() : I128{0});
            };
            EXPECT_TRUE(deters(stake));
            EXPECT_TRUE(stake.micro == 0 || !deters(Usd{stake.micro - 1}));
        }
    }
}

// What a cheat gains in total when it cheats `jobs` times and leaves, or until a verdict: all cases added up.
double gain_of_burst(const Case& drawn, Usd stake, std::uint64_t jobs) {
    const double price = static_cast<double>(drawn.job.price.micro);
    const double gain = price - static_cast<double>(drawn.job.cheating_cost.micro);
    const double q = drawn.audit.rate.ppb * 1e-9 * drawn.audit.detection.ppb * 1e-9;
    double total = std::pow(1 - q, static_cast<double>(jobs)) * gain * static_cast<double>(jobs);
    for (std::uint64_t found = 1; found <= jobs; ++found) {
        const std::uint64_t verdict = found + drawn.delay.jobs;
        const std::uint64_t done = std::min(verdict, jobs);
        // Released: delivered `held` jobs before the verdict. With held = L + 1 the job that was found is lost too.
        const std::uint64_t released = verdict < drawn.delay.held ? 0 : std::min(done, verdict - drawn.delay.held);
        const double earned = static_cast<double>(done) * gain - static_cast<double>(done - released) * price;
        total += q * std::pow(1 - q, static_cast<double>(found - 1)) * (earned - static_cast<double>(stake.micro));
    }
    return total;
}

TEST(MinimalStake, LeavesNoBurstOfJobsThatPays) {
    std::mt19937_64 random{2};
    for (int round = 0; round < 150; ++round) {
        const Case drawn = any_case(&random);
        const Usd stake = minimal_stake(drawn.job, drawn.audit, drawn.delay, kLoses).value();
        const double scale = static_cast<double>(drawn.job.price.micro + stake.micro);
        for (std::uint64_t jobs = 1; jobs <= 60; ++jobs) {
            EXPECT_LT(gain_of_burst(drawn, stake, jobs), scale * 1e-9) << round << ' ' << jobs;
        }
    }
}

TEST(MinimalStake, IsNeededInFullByTheLastBurstThatIsPaidBeforeTheVerdict) {
    Case drawn{{Usd{1'000'000}, Usd{900'000}, Usd{100'000}, {}}, audited_at(per_mille(1)), {10, 4}};
    const Usd stake = minimal_stake(drawn.job, drawn.audit, drawn.delay, kLoses).value();

    EXPECT_LT(gain_of_burst(drawn, stake, 7), 0);
    EXPECT_GT(gain_of_burst(drawn, Usd{stake.micro / 100 * 99}, 7), 0);
}

TEST(MinimalStake, RefusesWhatNoStakeCanDeter) {
    const JobTerms job = job_saving(300);
    AuditTerms blind = audited_at(per_mille(10));
    blind.detection = blind.false_reject;
    EXPECT_FALSE(minimal_stake(job, blind, {}, kMore));
    EXPECT_FALSE(minimal_stake(job, audited_at(Share{0}), {}, kMore));
    EXPECT_FALSE(minimal_stake(job, audited_at(Share{kPpbOne + 1}), {}, kMore));
    EXPECT_FALSE(minimal_stake(job, audited_at(per_mille(10)), {kDelayJobsMax + 1, 0}, kMore));
    EXPECT_FALSE(minimal_stake({Usd{kMax}, Usd{kMax}, {}, {}}, audited_at(Share{1}), {}, kMore));
    EXPECT_FALSE(minimal_stake({Usd{0}, {}, {}, {}}, audited_at(per_mille(10)), {}, kMore));
    EXPECT_FALSE(minimal_stake({Usd{1}, Usd{2}, {}, {}}, audited_at(per_mille(10)), {}, kMore));
    EXPECT_FALSE(minimal_stake({Usd{3}, Usd{1}, Usd{2}, {}}, audited_at(per_mille(10)), {}, kMore));
}

TEST(MinimalStake, IsZeroWhereThePaymentAloneDeters) {
    EXPECT_EQ(minimal_stake(job_saving(300), audited_at(per_mille(500)), {}, kMore).value(), Usd{0});
}

TEST(MinimalRate, IsTheLowestForWhichTheStakeIsEnough) {
    std::mt19937_64 random{3};
    for (int round = 0; round < 2'000; ++round) {
        const Case drawn = any_case(&random);
        const Usd stake{random() % 1'000'000'000};
        const Result<Share> rate = minimal_rate(drawn.job, drawn.audit, stake, drawn.delay, kMore);
        const auto needs = [&drawn](std::uint32_t ppb) {
            AuditTerms audit = drawn.audit;
            audit.rate.ppb = ppb;
            const Result<Usd> found = minimal_stake(drawn.job, audit, drawn.delay, kMore);
            return found ? found->micro : kMax;
        };
        if (!rate) {
            EXPECT_GT(needs(kPpbOne), stake.micro);
            continue;
        }
        EXPECT_LE(needs(rate->ppb), stake.micro);
        EXPECT_TRUE(rate->ppb == 1 || needs(rate->ppb - 1) > stake.micro);
    }
}

TEST(EscrowJobs, IsTheShortestWithWhichTheStakeIsEnough) {
    std::mt19937_64 random{4};
    for (int round = 0; round < 2'000; ++round) {
        const Case drawn = any_case(&random);
        const Usd stake{random() % 10'000'000};
        const Result<std::uint64_t> held = escrow_jobs(drawn.job, drawn.audit, stake, drawn.delay.jobs, kLoses);
        const auto is_enough = [&drawn, stake](std::uint64_t jobs) {
            return minimal_stake(drawn.job, drawn.audit, {drawn.delay.jobs, jobs}, kLoses).value() <= stake;
        };
        if (!held) {
            EXPECT_FALSE(is_enough(drawn.delay.jobs + 1));
            continue;
        }
        EXPECT_TRUE(is_enough(*held));
        EXPECT_TRUE(*held == 0 || !is_enough(*held - 1));
    }
}

TEST(JobsDuring, RoundsUp) {
    EXPECT_EQ(jobs_during(3600, 90).value(), 90U);
    EXPECT_EQ(jobs_during(1, 1).value(), 1U);
    EXPECT_EQ(jobs_during(0, 1'000).value(), 0U);
    EXPECT_FALSE(jobs_during(kMax, kMax));
}

TEST(RejectionRate, IsOneMinusTheChanceThatEveryOpenedCellPasses) {
    for (const std::uint32_t cells : {1U, 2U, 7U, 16U, 64U, 4096U}) {
        for (const std::uint32_t cheated : {1'000U, 10'000'000U, 50'000'000U, 500'000'000U, kPpbOne}) {
            const AuditPower power{cells, per_mille(900), parts_per_million(3)};
            const double passes = (1 - 3e-6) * std::pow(1 - 0.9e-9 * cheated, cells);
            const std::uint32_t rejected = rejection_rate(power, Share{cheated}).value().ppb;
            EXPECT_LE(rejected, (1 - passes) * 1e9 + 1e-3);
            EXPECT_GT(rejected, (1 - passes) * 1e9 - 1.001);
        }
    }
    EXPECT_NEAR(rejection_rate({64, Share{kPpbOne}, Share{0}}, per_mille(50)).value().ppb * 1e-9, 0.9625, 1e-4);
    EXPECT_EQ(rejection_rate({16, Share{kPpbOne}, Share{7}}, Share{0}).value(), Share{7});
}

TEST(RejectionRate, RefusesWhatIsNoProbability) {
    EXPECT_FALSE(rejection_rate({0, Share{1}, Share{0}}, Share{1}));
    EXPECT_FALSE(rejection_rate({4097, Share{1}, Share{0}}, Share{1}));
    EXPECT_FALSE(rejection_rate({16, Share{kPpbOne + 1}, Share{0}}, Share{1}));
    EXPECT_FALSE(rejection_rate({16, Share{1}, Share{kPpbOne + 1}}, Share{1}));
    EXPECT_FALSE(rejection_rate({16, Share{1}, Share{0}}, Share{kPpbOne + 1}));
}

TEST(RejectionRate, MakesTheWholeCheatTheOneThatNeedsMostStake) {
    std::mt19937_64 random{5};
    for (int round = 0; round < 200; ++round) {
        const AuditPower power{static_cast<std::uint32_t>(1 + random() % 64), per_mille(700), parts_per_million(1)};
        const Case drawn = any_case(&random);
        const auto stake = [&](std::uint32_t cheated_per_mille) {
            JobTerms job = drawn.job;
            const std::uint64_t saved = job.honest_cost.micro - job.cheating_cost.micro;
            job.cheating_cost.micro = job.honest_cost.micro - saved * cheated_per_mille / 1000;
            AuditTerms audit = drawn.audit;
            audit.false_reject = power.false_reject;
            audit.detection = rejection_rate(power, per_mille(cheated_per_mille)).value();
            return minimal_stake(job, audit, drawn.delay, kMore).value().micro;
        };
        const std::uint64_t whole = stake(1000);
        for (std::uint32_t cheated = 20; cheated < 1000; cheated += 140) EXPECT_LE(stake(cheated), whole + 1);
    }
}

TEST(DetectionWithCollusion, FallsWithTheShareThatIsBought) {
    EXPECT_EQ(detection_with_collusion(per_mille(990), Share{0}, 1).value(), per_mille(990));
    EXPECT_EQ(detection_with_collusion(per_mille(1000), per_mille(300), 1).value(), per_mille(700));
    EXPECT_EQ(detection_with_collusion(per_mille(1000), per_mille(300), 2).value(), per_mille(910));
    EXPECT_EQ(detection_with_collusion(per_mille(990), per_mille(1000), 64).value(), Share{0});
    EXPECT_FALSE(detection_with_collusion(per_mille(990), per_mille(300), 0));
    EXPECT_FALSE(detection_with_collusion(per_mille(990), per_mille(300), 65));
}

TEST(Profit, IsExactAtTheLargestAmounts) {
    const JobTerms job{Usd{kMax}, Usd{kMax}, Usd{0}, Usd{kMax}};
    const AuditTerms always{Share{kPpbOne}, Share{kPpbOne}, Share{kPpbOne}, Share{0}};
    const I128 amount = static_cast<I128>(U128{kMax} * kPpbOne * kPpbOne);
    EXPECT_TRUE(honest_profit(job, always, Usd{kMax}).value() == -3 * amount);
    EXPECT_TRUE(cheating_profit(job, always, Usd{kMax}).value() == -2 * amount);
}

TEST(Profit, HasTheSignThatASimulationOfManyIdentitiesShows) {
    const JobTerms job{Usd{1'000}, Usd{700}, Usd{200}, Usd{50}};
    const AuditTerms audit{per_mille(100), per_mille(950), per_mille(2), per_mille(5)};
    const Usd stake = minimal_stake(job, audit, {}, kLoses).value();
    const Usd thin{stake.micro * 8 / 10};
    std::mt19937_64 random{6};
    const auto happens = [&random](Share share) { return random() % kPpbOne < share.ppb; };
    const auto simulate = [&](bool is_cheat, Usd at_stake) {
        constexpr int kJobs = 200'000;
        std::int64_t total = 0;
        for (int round = 0; round < kJobs; ++round) {
            total -= static_cast<std::int64_t>(is_cheat ? job.cheating_cost.micro : job.honest_cost.micro);
            bool is_paid = true;
            if (happens(audit.rate)) {
                total -= static_cast<std::int64_t>(job.audit_cost.micro);
                const bool is_rejected = happens(is_cheat ? audit.detection : audit.false_reject);
                if (is_rejected) total -= static_cast<std::int64_t>(at_stake.micro);
                is_paid = !is_rejected && (is_cheat || !happens(audit.missed));
            }
            if (is_paid) total += static_cast<std::int64_t>(job.price.micro);
        }
        return static_cast<double>(total) / kJobs;
    };

    EXPECT_NEAR(simulate(false, stake), static_cast<double>(honest_profit(job, audit, stake).value()) * 1e-18, 4);
    EXPECT_NEAR(simulate(true, stake), static_cast<double>(cheating_profit(job, audit, stake).value()) * 1e-18, 30);
    EXPECT_GT(simulate(false, stake), 0);
    EXPECT_GT(simulate(true, thin), 50);
    EXPECT_LT(simulate(true, Usd{stake.micro * 12 / 10}), -50);
}

TEST(StakeAgainstSilence, CoversWhatIsSavedUntilTheLimit) {
    // D/p = 30 R; each silence loses R, so three of them cost 87 R.
    EXPECT_EQ(stake_against_silence(job_saving(300), per_mille(10), 3).value(), Usd{87'000'001});
    EXPECT_EQ(stake_against_silence(job_saving(300), per_mille(500), 3).value(), Usd{0});
    EXPECT_FALSE(stake_against_silence(job_saving(300), Share{0}, 3));
    EXPECT_FALSE(stake_against_silence(job_saving(300), per_mille(10), 0));
}

AuditGoal an_honest_goal() {
    AuditGoal goal;
    goal.job = {Usd{1'000'000}, Usd{700'000}, Usd{100'000}, Usd{50'000}};
    goal.power = {16, per_mille(990), Share{1}};
    goal.missed = per_mille(10);
    goal.stake_most = Usd{200'000'000};
    goal.jobs_per_hour = 120;
    goal.verdict_seconds = 90;
    return goal;
}

TEST(PlanAudits, HoldsForACheatOfAnyShare) {
    const AuditGoal goal = an_honest_goal();
    const AuditPlan plan = plan_audits(goal).value();

    ASSERT_EQ(plan.outcome, PlanOutcome::kHolds);
    EXPECT_EQ(plan.terms.rate, per_mille(10));
    EXPECT_EQ(plan.delay.jobs, 3U);
    EXPECT_EQ(plan.escrow, Usd{4'000'000});
    EXPECT_LT(plan.cheating_profit, 0);
    EXPECT_GT(plan.honest_profit, 0);
    for (std::uint32_t cheated = 1; cheated <= 1000; ++cheated) {
        JobTerms job = goal.job;
        job.cheating_cost.micro = 700'000 - 600 * cheated;
        AuditTerms audit = plan.terms;
        audit.detection = rejection_rate(goal.power, per_mille(cheated)).value();
        EXPECT_LT(cheating_profit(job, audit, plan.stake).value(), plan.honest_profit) << cheated;
    }
}

TEST(PlanAudits, RaisesTheRateWhenTheStakeIsBounded) {
    AuditGoal goal = an_honest_goal();
    goal.stake_most = Usd{20'000'000};
    const AuditPlan plan = plan_audits(goal).value();
    EXPECT_EQ(plan.outcome, PlanOutcome::kHolds);
    EXPECT_GT(plan.terms.rate, per_mille(40));
    EXPECT_LE(plan.stake, goal.stake_most);

    goal.stake_most = Usd{1'000'000};
    EXPECT_EQ(plan_audits(goal).value().outcome, PlanOutcome::kStakeTooSmall);
}

TEST(PlanAudits, SaysWhyNothingHolds) {
    AuditGoal blind = an_honest_goal();
    blind.colluding = per_mille(1000);
    EXPECT_EQ(plan_audits(blind).value().outcome, PlanOutcome::kUndetected);

    AuditGoal thin = an_honest_goal();
    thin.job.honest_cost.micro = 999'500;
    EXPECT_EQ(plan_audits(thin).value().outcome, PlanOutcome::kHonestyDoesNotPay);

    AuditGoal nonsense = an_honest_goal();
    nonsense.rate_floor = Share{0};
    EXPECT_FALSE(plan_audits(nonsense));
    nonsense.rate_floor = per_mille(200);
    EXPECT_FALSE(plan_audits(nonsense));
}

TEST(AuditRate, StartsAtTenPercentAndFallsToOneWithTheRecord) {
    EXPECT_EQ(audit_rate_per_mille({}), 100U);
    EXPECT_EQ(audit_rate_per_mille({30, 0, 0}), 100U);
    EXPECT_EQ(audit_rate_per_mille({60, 0, 0}), 50U);
    EXPECT_EQ(audit_rate_per_mille({300, 0, 0}), 10U);
    EXPECT_EQ(audit_rate_per_mille({kMax, 0, 0}), 10U);
    EXPECT_EQ(audit_rate_per_mille({300, 1, 0}), 17U);
    EXPECT_EQ(audit_rate_per_mille({0, 0, 1}), 1000U);
    EXPECT_EQ(audit_rate_per_mille({kMax, 5, 5}), 10U);
}

TEST(AuditRate, OnlyFallsWithCleanAuditsAndOnlyRisesWithBadOnes) {
    for (std::uint64_t clean = 0; clean < 700; ++clean) {
        for (std::uint32_t missed = 0; missed < 4; ++missed) {
            for (std::uint32_t rejected = 0; rejected < 4; ++rejected) {
                const std::uint32_t rate = audit_rate_per_mille({clean, missed, rejected});
                EXPECT_GE(rate, kFloorPerMille);
                EXPECT_LE(rate, 1000U);
                EXPECT_LE(audit_rate_per_mille({clean + 1, missed, rejected}), rate);
                EXPECT_GE(audit_rate_per_mille({clean, missed + 1, rejected}), rate);
                EXPECT_GE(audit_rate_per_mille({clean, missed, rejected + 1}), rate);
            }
        }
    }
}

// The claim behind the rate: a node that cheats on a larger share of its jobs than its rate says, with audits that see
// it, shows such a record with a probability of at most 5 %.
TEST(AuditRate, IsAnUpperConfidenceBoundOfTheShareOfBadJobs) {
    for (std::uint64_t audits = 30; audits <= 300; audits += 27) {
        for (std::uint32_t bad = 0; bad <= 3; ++bad) {
            const double share = audit_rate_per_mille({audits - bad, bad, 0}) * 1e-3;
            const double n = static_cast<double>(audits);
            double at_most = 0;
            double term = std::pow(1 - share, n);
            for (std::uint32_t count = 0; count <= bad; ++count) {
                at_most += term;
                term *= (n - count) / (count + 1) * share / (1 - share);
            }
            EXPECT_LE(at_most, 0.05) << audits << ' ' << bad;
        }
    }
}

TEST(AuditDue, FallsAnywhereInTheEpoch) {
    EXPECT_EQ(audit_due_per_mille(0), 1U);
    EXPECT_EQ(audit_due_per_mille(999), 1000U);
    EXPECT_EQ(audit_due_per_mille(1'000'000), 1U);
}

}  // namespace
}  // namespace vcity::market
