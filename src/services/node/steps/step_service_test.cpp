// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "services/node/steps/step_runner_test_stand.hpp"

// Services: reached while they run, not billed while they cannot be, and not ended for what they say.
namespace vcity::node {
namespace {

class StepServiceTest : public StepRunnerTest {
  protected:
    StepGrant service(std::vector<std::string> arguments, bool is_service = true) {
        arguments.push_back("--endless");
        StepGrant made = grant_of(std::move(arguments));
        made.work.setup.is_service = is_service;
        made.hourly = Usd{3'600'000'000};  // a thousand a millisecond
        made.quote = Usd{1'000'000'000'000};
        return made;
    }
    void cut_link() {
        runner->on_disconnected(process.now());
        is_up = false;
    }
    std::uint64_t billed_seconds(const StepGrant& grant) {
        JobCancel cancel;
        cancel.job_id = grant.lease.job_id;
        cancel.fencing_token = grant.lease.fencing_token;
        runner->on_cancel(cancel);
        pump_for(2s);
        const JobFinished finished = only<StepFinished>().finished;
        const auto ran = (finished.finished_at - finished.started_at).count();
        EXPECT_EQ(finished.amount, work::amount_of(grant.hourly, std::chrono::milliseconds{ran}, grant.quote));
        return (ran + 500) / 1000;  // a sandbox takes a moment to start
    }
};

TEST_F(StepServiceTest, BillsNothingForTheTimeWithoutALink) {
    const StepGrant order = service({});
    grant(order);
    pump_for(10s);
    cut_link();
    pass(40s);
    connect();
    pump_for(5s);
    EXPECT_EQ(billed_seconds(order), 15U);
}

TEST_F(StepServiceTest, BelievesTheSchedulerThatItWasAwayForLonger) {
    const StepGrant order = service({});
    grant(order);
    pump_for(30s);
    runner->on_away({.step_id = order.lease.job_id, .fencing_token = 1, .away_ms = 29'000});  // of another attempt
    runner->on_away({.step_id = order.lease.job_id, .fencing_token = order.lease.fencing_token, .away_ms = 10'000});
    runner->on_away({.step_id = order.lease.job_id, .fencing_token = order.lease.fencing_token, .away_ms = 5'000});
    EXPECT_EQ(billed_seconds(order), 20U);
}

TEST_F(StepServiceTest, NeverBillsLessThanNothing) {
    const StepGrant order = service({});
    grant(order);
    pump_for(5s);
    runner->on_away({.step_id = order.lease.job_id, .fencing_token = order.lease.fencing_token, .away_ms = UINT64_MAX});
    EXPECT_EQ(billed_seconds(order), 0U);
}

TEST_F(StepServiceTest, OtherStepsBillTheTimeTheyRan) {
    const StepGrant order = service({}, false);
    grant(order);
    pump_for(10s);
    cut_link();
    pass(40s);
    connect();
    EXPECT_EQ(billed_seconds(order), 50U);
}

TEST_F(StepServiceTest, IsNotEndedForWhatItSaysBeyondTheLimit) {
    end();
    limits.output_bytes_max = 1000;
    boot();
    const StepGrant order = service({"--flood=5000", "--pieces=5", "--milliseconds=1000"});
    grant(order);
    pump_for(5s);
    EXPECT_TRUE(all_of<StepFinished>().empty());
    EXPECT_EQ(output().size(), 1000U);
    EXPECT_EQ(billed_seconds(order), 5U);
}

TEST_F(StepServiceTest, IsReachedUnderItsOwnFencingTokenWhileItRuns) {
    StepGrant order = service({});
    grant(order);
    pump_for(1s);
    const auto reached = runner->running_step(order.lease.job_id, order.lease.fencing_token);
    ASSERT_TRUE(reached);
    EXPECT_NE(reached->process, nullptr);
    EXPECT_TRUE(reached->setup->is_service);
    EXPECT_FALSE(runner->running_step(order.lease.job_id, order.lease.fencing_token + 1));
    EXPECT_FALSE(sandbox.last_spec().is_reachable);
    (void)billed_seconds(order);
    EXPECT_FALSE(runner->running_step(order.lease.job_id, order.lease.fencing_token));
}

}  // namespace
}  // namespace vcity::node
