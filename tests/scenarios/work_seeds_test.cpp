// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include <gtest/gtest.h>

#include "scenarios/faults.hpp"
#include "scenarios/work_orders.hpp"
#include "scenarios/work_watch.hpp"

// Work on units beside model calls, under faults drawn from the seed, until everything has ended.
namespace vcity::scenarios {
namespace {

using namespace std::chrono_literals;

struct WorkOutcome {
    std::string violation;
    std::uint64_t faults = 0;
    std::uint64_t grants = 0;
    std::uint64_t refusals = 0;  // of leases, by nodes
    std::uint64_t jobs = 0;
    std::uint64_t succeeded = 0;
    std::uint64_t checks = 0;
};

class WorkRun {
  public:
    explicit WorkRun(std::uint64_t seed, bool is_verbose = false)
        : cluster_{ScenarioOptions{.seed = seed, .planted = Planted::kNone, .is_verbose = is_verbose}} {
        cluster_.others.push_back(&customers_);
        cluster_.scheduler->adjust = [this](scheduler::SchedulerOptions* options) {
            options->gateways.insert(customers_.signer.address());
            options->restart_grace = 10s;
        };
        sim::SimRuntime& runtime = cluster_.world.runtime;
        for (const auto& node : cluster_.nodes) {
            const std::uint64_t units = runtime.draw(3);
            for (std::uint32_t number = 0; number < units; ++number) {
                node->units.push_back(a_unit(number, static_cast<std::uint32_t>(1 + runtime.draw(4))));
            }
            node->commands.start_failures_per_mille = runtime.draw(20);
            node->commands.deaths_per_mille = runtime.draw(60);
            node->commands.losses_per_mille = runtime.draw(60);
        }
        if (cluster_.nodes[1]->units.empty()) cluster_.nodes[1]->units.push_back(a_unit(0, 2));
        const std::uint64_t jobs = 4 + runtime.draw(8);
        for (std::uint64_t number = 0; number < jobs; ++number) add(static_cast<std::uint8_t>(number));
        runtime.set_after_step([this] { watch_.look(); });
    }

    WorkOutcome run() {
        cluster_.start_all();
        go_to(TimePoint{} + 6s);
        faults_.start();
        go_to(TimePoint{} + 80s);
        faults_.stop();
        const TimePoint give_up = now() + 15min;
        while (is_good() && now() < give_up && !watch_.is_at_rest()) go_to(now() + 1s);
        WorkOutcome outcome;
        if (is_good() && !watch_.is_at_rest()) outcome.violation = "something never came to an end";
        if (is_good()) watch_.check_end();
        if (!watch_.violation().empty()) outcome.violation = watch_.violation();
        outcome.faults = faults_.count();
        outcome.grants = watch_.grants();
        outcome.refusals = watch_.refusals();
        outcome.checks = watch_.checks();
        outcome.jobs = ledger_.jobs.size();
        for (const auto& [job_id, job] : watch_.jobs()) {
            if (job.state() == WorkState::kSucceeded) ++outcome.succeeded;
        }
        return outcome;
    }

  private:
    TimePoint now() const { return cluster_.world.runtime.now(); }
    bool is_good() const { return watch_.violation().empty(); }

    void go_to(TimePoint when) {
        constexpr std::uint64_t kStepsPerLook = 64;
        while (is_good()) {
            const std::uint64_t taken = cluster_.world.runtime.run_until(when, kStepsPerLook);
            if (taken < kStepsPerLook) break;
        }
    }

    StepGroup draw_group(std::string name) {
        sim::SimRuntime& runtime = cluster_.world.runtime;
        const std::chrono::milliseconds length{runtime.draw(12'000)};
        StepGroup group = a_group(std::move(name), static_cast<std::uint32_t>(1 + runtime.draw(4)), length);
        if (runtime.chance(1, 6)) group.command.push_back("--exit=1");
        if (runtime.chance(1, 12)) group.command.emplace_back("--endless");
        group.seconds_max = static_cast<std::uint32_t>(8 + runtime.draw(30));
        group.retries = static_cast<std::uint32_t>(runtime.draw(4));
        group.is_gang = runtime.chance(1, 5);
        group.is_speculative = !group.is_gang && runtime.chance(1, 3);
        group.ask.cpu_milli = static_cast<std::uint32_t>(250 * (1 + runtime.draw(8)));
        group.ask.memory_mib = static_cast<std::uint32_t>(128 * (1 + runtime.draw(12)));
        return group;
    }

    void add(std::uint8_t number) {
        sim::SimRuntime& runtime = cluster_.world.runtime;
        std::vector<StepGroup> groups;
        const std::uint64_t count = 1 + runtime.draw(3);
        for (std::uint64_t index = 0; index < count; ++index) {
            StepGroup group = draw_group("group" + std::to_string(index));
            if (index > 0 && runtime.chance(1, 2)) group.needs = {"group" + std::to_string(index - 1)};
            groups.push_back(std::move(group));
        }
        const Buyer& buyer = runtime.chance(1, 2) ? first_ : second_;
        WorkJob job = a_job(&cluster_.world, buyer.rich, cluster_.scheduler->signer.address(), number, groups);
        job.send_at = TimePoint{} + runtime.draw_between(8s, 70s);
        const auto allowed = std::chrono::duration_cast<std::chrono::milliseconds>(job.send_at - TimePoint{} +
                                                                                   runtime.draw_between(20s, 150s));
        job.order.deadline = runtime.unix_now() + UnixMillis{static_cast<std::uint64_t>(allowed.count())};
        if (runtime.chance(1, 4)) job.order.budget = Usd{20'000 + runtime.draw(200'000)};
        if (runtime.chance(1, 5)) job.cancel_after = runtime.draw_between(Duration{}, 20s);
        constexpr std::array kClasses{ServiceClass::kBestEffort, ServiceClass::kStandard, ServiceClass::kCritical};
        job.order.spec.service_class = kClasses[runtime.draw(kClasses.size())];
        const JobId job_id = job.order.job_id;
        ledger_.jobs.emplace(job_id, std::move(job));
    }

    Cluster cluster_;
    WorkLedger ledger_;
    WorkGateway customers_{&cluster_.world, 30, &ledger_};
    WorkWatch watch_{&cluster_, &ledger_};
    FaultDriver faults_{&cluster_};
    Buyer first_ = make_buyer(&cluster_.world, 60, cluster_.scheduler->signer.address());
    Buyer second_ = make_buyer(&cluster_.world, 61, cluster_.scheduler->signer.address());
};

constexpr std::uint64_t kSeedsEach = 5;
constexpr std::uint64_t kSeedsOfATest = 40;

// VCITY_WORK_SEEDS: so many seeds instead of a test's few.
std::uint64_t seeds() {
    const char* text = std::getenv("VCITY_WORK_SEEDS");
    const std::uint64_t asked = text == nullptr ? 0 : std::strtoull(text, nullptr, 10);
    return asked == 0 ? kSeedsOfATest : asked;
}

class WorkSeeds : public ::testing::TestWithParam<std::uint64_t> {
  protected:
    static void TearDownTestSuite() {
        std::printf("%llu jobs (%llu succeeded), %llu leases, %llu faults, %llu checks of everything\n",
                    static_cast<unsigned long long>(total.jobs), static_cast<unsigned long long>(total.succeeded),
                    static_cast<unsigned long long>(total.grants), static_cast<unsigned long long>(total.faults),
                    static_cast<unsigned long long>(total.checks));
    }
    static void count(const WorkOutcome& outcome) {
        total.jobs += outcome.jobs;
        total.succeeded += outcome.succeeded;
        total.grants += outcome.grants;
        total.faults += outcome.faults;
        total.checks += outcome.checks;
    }

    static WorkOutcome total;
};

WorkOutcome WorkSeeds::total;

TEST_P(WorkSeeds, KeepWhatIsPromised) {
    for (std::uint64_t index = 0; index < kSeedsEach; ++index) {
        const std::uint64_t seed = GetParam() * kSeedsEach + index;

        const WorkOutcome outcome = WorkRun{seed}.run();

        count(outcome);
        EXPECT_EQ(outcome.violation, "") << "seed " << seed;
        EXPECT_GT(outcome.checks, 0U);
    }
}

INSTANTIATE_TEST_SUITE_P(Units, WorkSeeds, ::testing::Range<std::uint64_t>(0, (seeds() + kSeedsEach - 1) / kSeedsEach));

TEST(WorkRun, IsTheSameForTheSameSeed) {
    const WorkOutcome first = WorkRun{77}.run();
    const WorkOutcome second = WorkRun{77}.run();

    EXPECT_EQ(first.grants, second.grants);
    EXPECT_EQ(first.checks, second.checks);
    EXPECT_GT(first.grants, 0U);
}

}  // namespace
}  // namespace vcity::scenarios
