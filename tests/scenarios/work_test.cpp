// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include <gtest/gtest.h>

#include "scenarios/work_orders.hpp"
#include "scenarios/work_watch.hpp"

// One behaviour of work on units at a time, from the gateway to the sandbox and back.
namespace vcity::scenarios {
namespace {

using namespace std::chrono_literals;

class Work : public ::testing::Test {
  protected:
    Work() {
        cluster_.book.jobs.clear();  // no model calls
        cluster_.others.push_back(&customers_);
        cluster_.scheduler->adjust = [this](scheduler::SchedulerOptions* options) {
            options->gateways.insert(customers_.signer.address());
            if (adjust_) adjust_(options);
        };
        cluster_.world.runtime.set_after_step([this] { watch_.look(); });
    }

    NodeMachine& node(std::size_t number) { return *cluster_.nodes[number]; }
    void start() { cluster_.start_all(); }
    void go(Duration time) {
        sim::SimRuntime& runtime = cluster_.world.runtime;
        const TimePoint end = runtime.now() + time;
        while (watch_.violation().empty() && runtime.now() < end) {
            runtime.run_until(std::min(end, runtime.now() + 100ms), 1'000'000);
        }
        ASSERT_EQ(watch_.violation(), "");
    }
    WorkJob* add(std::vector<StepGroup> groups) {
        WorkJob job = a_job(&cluster_.world, buyer_.rich, scheduler_address(), next_job_++, std::move(groups));
        const JobId job_id = job.order.job_id;
        return &(ledger_.jobs[job_id] = std::move(job));
    }
    Address scheduler_address() { return cluster_.scheduler->signer.address(); }
    void restart(Machine* machine, Duration away) {
        machine->crash();
        go(away);
        machine->start();
    }
    static std::size_t count(const WorkJob& job, StepState state) {
        return static_cast<std::size_t>(std::ranges::count(job.last.steps, state, &StepStatus::state));
    }
    std::size_t leases_of(const WorkJob& job) {
        std::size_t sum = 0;
        for (const work::Job::Step& step : watch_.jobs().at(job.order.job_id).steps()) sum += step.attempts;
        return sum;
    }

    Cluster cluster_{ScenarioOptions{.seed = 5}};
    WorkLedger ledger_;
    WorkGateway customers_{&cluster_.world, 30, &ledger_};
    WorkWatch watch_{&cluster_, &ledger_};
    Buyer buyer_ = make_buyer(&cluster_.world, 60, cluster_.scheduler->signer.address());
    std::function<void(scheduler::SchedulerOptions*)> adjust_;
    std::uint8_t next_job_ = 1;
};

TEST_F(Work, IsOrderedRunReadAndPaid) {
    node(1).units = {a_unit(0, 4)};
    const WorkJob* job = add({a_group("main", 3, 2s)});
    start();

    go(60s);

    EXPECT_EQ(job->status, WorkJob::Status::kEnded) << job->refusal;
    EXPECT_EQ(job->last.state, WorkState::kSucceeded) << job->last.error;
    ASSERT_EQ(job->last.steps.size(), 3U);
    for (const StepStatus& step : job->last.steps) {
        EXPECT_EQ(job->outputs.at(step.step_id).text, std::to_string(step.index));
        EXPECT_EQ(step.node, node(1).signer.address());
        // Two seconds at a thousandth of a dollar, and some for starting.
        EXPECT_GE(step.charged.micro, 2'000U);
        EXPECT_LT(step.charged.micro, 3'000U);
    }
    EXPECT_TRUE(watch_.is_at_rest());
    watch_.check_end();
    EXPECT_EQ(watch_.violation(), "");
    EXPECT_EQ(watch_.refusals(), 0U);
    EXPECT_GT(cluster_.world.chain.head().claimed(scheduler_address(), node(1).signer.address()), Usd{});
}

TEST_F(Work, WaitsForAUnitAndForTheGroupsItNeeds) {
    node(1).units = {a_unit(0, 1)};
    StepGroup last = a_group("last", 1, 1s);
    last.needs = {"first"};
    const WorkJob* job = add({a_group("first", 4, 10s), last});
    start();

    go(16s);
    EXPECT_EQ(count(*job, StepState::kQueued), 3U);
    EXPECT_EQ(count(*job, StepState::kWaiting), 1U);
    EXPECT_TRUE(std::ranges::any_of(job->last.steps, [](const StepStatus& step) {
        return step.state == StepState::kQueued && !step.reason.empty();
    }));
    go(60s);

    EXPECT_EQ(job->last.state, WorkState::kSucceeded) << job->last.error;
    EXPECT_EQ(leases_of(*job), 5U);
}

TEST_F(Work, AnExitCodeIsAResultThatIsChargedAndTriedAgain) {
    node(1).units = {a_unit(0, 2)};
    StepGroup group = a_group("main", 1, 2s);
    group.command.push_back("--exit=3");
    group.retries = 2;
    const WorkJob* job = add({group});
    start();

    go(60s);

    EXPECT_EQ(job->last.state, WorkState::kFailed);
    EXPECT_EQ(leases_of(*job), 3U);
    EXPECT_EQ(job->last.steps.front().exit_code, 3);
    EXPECT_GE(job->last.charged.micro, 6'000U);
    EXPECT_NE(job->last.error.find("exit code 3"), std::string::npos) << job->last.error;
}

TEST_F(Work, ALostNodeIsReplacedAndNotPaid) {
    node(1).units = {a_unit(0, 2)};
    const WorkJob* job = add({a_group("main", 1, 20s)});
    start();
    go(16s);
    ASSERT_EQ(count(*job, StepState::kRunning), 1U);
    node(2).units = {a_unit(0, 2)};
    restart(&node(2), 1s);

    node(1).crash();
    go(60s);

    EXPECT_EQ(job->last.state, WorkState::kSucceeded) << job->last.error;
    EXPECT_EQ(job->last.steps.front().node, node(2).signer.address());
    EXPECT_EQ(leases_of(*job), 2U);
    EXPECT_LT(job->last.charged.micro, 22'000U);
}

TEST_F(Work, ANodeThatRestartedMayHaveTheStepAgainWhenThereIsNoOther) {
    node(1).units = {a_unit(0, 2)};
    const WorkJob* job = add({a_group("main", 1, 20s)});
    start();
    go(12s);

    restart(&node(1), 2s);
    go(120s);

    EXPECT_EQ(job->last.state, WorkState::kSucceeded) << job->last.error;
    EXPECT_EQ(leases_of(*job), 2U);
}

TEST_F(Work, ANodeThatIsAwayForAMomentKeepsItsStep) {
    node(1).units = {a_unit(0, 2)};
    const WorkJob* job = add({a_group("main", 1, 20s)});
    start();
    go(12s);

    cluster_.world.network.break_links_of(node(1).name());
    go(60s);

    EXPECT_EQ(job->last.state, WorkState::kSucceeded) << job->last.error;
    EXPECT_EQ(leases_of(*job), 1U);
}

TEST_F(Work, OutlivesTheScheduler) {
    node(1).units = {a_unit(0, 4)};
    const WorkJob* job = add({a_group("main", 3, 90s)});
    for (StepGroup& group : ledger_.jobs.begin()->second.order.spec.groups) group.seconds_max = 200;
    start();
    go(70s);

    // The steps have run for longer than the new scheduler will have known them.
    restart(cluster_.scheduler.get(), 1s);
    go(90s);

    EXPECT_EQ(job->last.state, WorkState::kSucceeded) << job->last.error;
    EXPECT_EQ(leases_of(*job), 3U);
    EXPECT_GE(job->last.charged.micro, 270'000U);
}

TEST_F(Work, ThatRunsTooLongIsStoppedAndTriedAgain) {
    node(1).units = {a_unit(0, 2)};
    StepGroup group = a_group("main", 1, 30s);
    group.seconds_max = 3;
    group.retries = 1;
    const WorkJob* job = add({group});
    start();

    go(60s);

    EXPECT_EQ(job->last.state, WorkState::kFailed);
    EXPECT_EQ(leases_of(*job), 2U);
    EXPECT_EQ(job->last.charged, Usd{6'000}) << "twice three seconds";
    EXPECT_EQ(node(1).running_commands(), 0U);
}

TEST_F(Work, ThatIsCancelledStopsAtItsNodes) {
    node(1).units = {a_unit(0, 4)};
    WorkJob* job = add({a_group("main", 3, 50s)});
    job->cancel_after = 5s;
    start();
    go(12s);
    EXPECT_EQ(node(1).running_commands(), 3U);

    go(15s);

    EXPECT_EQ(job->last.state, WorkState::kCancelled);
    EXPECT_EQ(node(1).running_commands(), 0U);
    EXPECT_GT(job->last.charged, Usd{}) << "their time until then";
    EXPECT_LE(job->last.charged, Usd{45'000}) << "three times fifteen seconds";
    EXPECT_TRUE(watch_.is_at_rest());
}

TEST_F(Work, ThatIsNotDoneByItsDeadlineFailsAndKeepsWhatItHas) {
    node(1).units = {a_unit(0, 1)};
    WorkJob* job = add({a_group("main", 4, 10s)});
    job->order.deadline = cluster_.world.runtime.unix_now() + UnixMillis{35'000};
    start();

    go(80s);

    EXPECT_EQ(job->last.state, WorkState::kFailed);
    EXPECT_EQ(count(*job, StepState::kDone), 2U);
    EXPECT_EQ(count(*job, StepState::kCancelled), 2U);
    EXPECT_NE(job->last.error.find("deadline"), std::string::npos) << job->last.error;
}

TEST_F(Work, NeverCostsMoreThanItsBudget) {
    node(1).units = {a_unit(0, 4)};
    WorkJob* job = add({a_group("main", 3, 40s)});
    // Two quotes of 60 seconds, and not a third before one of them has come out cheaper; not enough for all three.
    job->order.budget = Usd{125'000};
    start();
    go(18s);
    EXPECT_EQ(count(*job, StepState::kRunning), 2U);

    go(100s);

    EXPECT_LE(job->last.charged.micro, 125'000U);
    EXPECT_EQ(job->last.state, WorkState::kFailed);
    EXPECT_EQ(count(*job, StepState::kDone), 2U);
    EXPECT_FALSE(job->last.error.empty());
}

TEST_F(Work, OfAGangStartsTogetherOrNotAtAll) {
    node(1).units = {a_unit(0, 2)};
    node(2).units = {a_unit(0, 2)};
    StepGroup gang = a_group("ranks", 3, 8s);
    gang.is_gang = true;
    const WorkJob* job = add({gang});
    start();
    go(25s);
    EXPECT_EQ(leases_of(*job), 0U);

    node(3).units = {a_unit(0, 2)};
    restart(&node(3), 1s);
    go(3s);
    EXPECT_EQ(leases_of(*job), 3U);
    go(60s);

    EXPECT_EQ(job->last.state, WorkState::kSucceeded) << job->last.error;
}

TEST_F(Work, OfAGangStartsAgainAsAWhole) {
    for (std::size_t number = 1; number <= 3; ++number) node(number).units = {a_unit(0, 2), a_unit(1, 2)};
    StepGroup gang = a_group("ranks", 3, 15s);
    gang.is_gang = true;
    const WorkJob* job = add({gang});
    start();
    go(14s);
    ASSERT_EQ(leases_of(*job), 3U);

    for (std::size_t number = 1; number <= 3; ++number) {
        if (node(number).running_commands() == 0) continue;
        node(number).crash();
        break;
    }
    go(90s);

    EXPECT_EQ(job->last.state, WorkState::kSucceeded) << job->last.error;
    EXPECT_EQ(leases_of(*job), 6U);
}

TEST_F(Work, AStragglerGetsASecondCopyAndOneResultCounts) {
    node(1).units = {a_unit(0, 2)};
    node(2).units = {a_unit(0, 4)};
    adjust_ = [](scheduler::SchedulerOptions* options) { options->node_grace = 90s; };
    StepGroup group = a_group("main", 6, 4s);
    group.is_speculative = true;
    const WorkJob* job = add({group});
    start();
    for (int tick = 0; tick < 200 && node(1).running_commands() < 2; ++tick) go(100ms);
    go(500ms);

    // Its two results do not come through before the others have ended and their copies too.
    cluster_.world.network.partition(cluster_.scheduler->name(), node(1).name(), cluster_.world.runtime.now() + 40s);
    go(100s);

    EXPECT_EQ(job->last.state, WorkState::kSucceeded) << job->last.error;
    EXPECT_EQ(leases_of(*job), 8U);
    EXPECT_TRUE(std::ranges::all_of(job->last.steps, [&](const StepStatus& step) {
        return step.node == node(2).signer.address() &&
               job->outputs.at(step.step_id).text == std::to_string(step.index);
    }));
}

TEST_F(Work, ThatNobodyCanEverRunIsRefusedWithTheReason) {
    node(1).units = {a_unit(0, 2)};
    adjust_ = [](scheduler::SchedulerOptions* options) { options->restart_grace = 3s; };
    StepGroup big = a_group("big", 1, 1s);
    big.ask.cpu_milli = 64'000;
    StepGroup gpu = a_group("gpu", 1, 1s);
    gpu.ask.gpus = 1;
    gpu.ask.gpu_models = {"NVIDIA H100"};
    const WorkJob* first = add({big});
    const WorkJob* second = add({gpu});
    start();

    go(20s);

    EXPECT_EQ(first->status, WorkJob::Status::kRefused);
    EXPECT_NE(first->refusal.find("big"), std::string::npos) << first->refusal;
    EXPECT_EQ(second->status, WorkJob::Status::kRefused);
    EXPECT_NE(second->refusal.find("NVIDIA H100"), std::string::npos) << second->refusal;
}

TEST_F(Work, BeyondWhatTheCapAllowsIsRefusedUntilThereIsRoom) {
    node(1).units = {a_unit(0, 4)};
    WorkJob* first = add({a_group("main", 1, 10s)});
    WorkJob* second = add({a_group("main", 1, 1s)});
    for (WorkJob* job : {first, second}) {
        job->order.cap = buyer_.poor;
        job->order.budget = Usd{18'000};
        job->order.spec.groups.front().seconds_max = 15;
    }
    second->send_at += 5s;
    start();

    go(80s);

    EXPECT_EQ(first->last.state, WorkState::kSucceeded) << first->refusal;
    EXPECT_EQ(second->refusal_code, Errc::kExhausted);
    EXPECT_NE(second->refusal.find("cap"), std::string::npos) << second->refusal;
}

TEST_F(Work, ThatWaitsBehindWhatCannotRunIsNotForgotten) {
    adjust_ = [](scheduler::SchedulerOptions* options) { options->restart_grace = 200s; };
    StepGroup big = a_group("main", 1, 1s);
    big.ask.cpu_milli = 64'000;
    for (int number = 0; number < 100; ++number) add({big});
    std::vector<const WorkJob*> small;
    for (int number = 0; number < 100; ++number) small.push_back(add({a_group("main", 1, 1s)}));
    for (auto& [job_id, job] : ledger_.jobs) job.order.budget = Usd{100'000};
    start();
    go(20s);

    node(1).units = {a_unit(0, 8)};
    restart(&node(1), 1s);
    go(100s);

    for (const WorkJob* job : small) {
        EXPECT_EQ(job->last.state, WorkState::kSucceeded) << job->refusal;
    }
}

TEST_F(Work, IsQuotedAndThePriceHolds) {
    node(1).units = {a_unit(0, 2)};
    WorkJob* job = add({a_group("main", 2, 1s)});
    job->send_at += 10s;
    start();
    go(10s);

    customers_.post(UnitsRequest{});
    customers_.post(WorkQuoteRequest{job->order});
    go(1s);

    ASSERT_TRUE(ledger_.quote.has_value());
    EXPECT_EQ(ledger_.quote->most, (Usd{2 * 60 * 1000}));
    EXPECT_EQ(ledger_.quote->hourly, (Usd{2 * kCoreHourly.micro}));
    ASSERT_TRUE(ledger_.units.has_value());
    ASSERT_EQ(ledger_.units->entries.size(), 1U);
    EXPECT_EQ(ledger_.units->entries.front().cpu_milli_free, 2'000U);
    job->order.quote_id = ledger_.quote->quote_id;
    go(8s);
    // Sent again while it is under way, as after a lost answer.
    customers_.post(WorkSubmit{job->order});
    go(30s);
    EXPECT_EQ(job->last.state, WorkState::kSucceeded) << job->refusal << job->last.error;
}

TEST_F(Work, IsTakenOnceHoweverOftenItIsSent) {
    node(1).units = {a_unit(0, 4)};
    const WorkJob* job = add({a_group("main", 1, 20s)});
    start();
    go(7500ms);

    // While the cap is being opened, while the job is being written, and afterwards.
    for (int again = 0; again < 40; ++again) {
        go(50ms);
        customers_.post(WorkSubmit{job->order});
    }
    go(60s);

    EXPECT_EQ(job->last.state, WorkState::kSucceeded) << job->refusal << job->last.error;
    EXPECT_EQ(watch_.jobs().size(), 1U);
    EXPECT_EQ(leases_of(*job), 1U);
}

TEST_F(Work, CannotBeCancelledByAnotherCustomer) {
    node(1).units = {a_unit(0, 4)};
    WorkJob* job = add({a_group("main", 1, 30s)});
    start();
    go(14s);
    ASSERT_TRUE(job->last.known);
    job->status = WorkJob::Status::kPlanned;  // asks no more
    job->send_at += 1h;

    Address other = job->order.client;
    other.bytes[0] ^= 1U;
    customers_.post(WorkCancel{job->order.job_id, other});
    go(5s);

    EXPECT_EQ(watch_.jobs().at(job->order.job_id).state(), WorkState::kActive);
    EXPECT_EQ(node(1).running_commands(), 1U);
}

}  // namespace
}  // namespace vcity::scenarios
