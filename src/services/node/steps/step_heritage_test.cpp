// SPDX-License-Identifier: Apache-2.0
#include "services/node/steps/step_runner_test_stand.hpp"

namespace vcity::node {
namespace {

class StepHeritageTest : public StepRunnerTest {
  protected:
    StepHeritageTest() {
        crash();
        offer.features |= bit(UnitFeature::kContainers);
        boot();
    }
    StepGrant container(std::vector<std::string> arguments) const {
        StepGrant grant = grant_of(std::move(arguments));
        grant.work.setup.image = "registry.example/work:1";
        return grant;
    }
    void restart() {
        crash();
        pass(5s);
        boot();
    }
};

TEST_F(StepHeritageTest, AContainerGoesOnAndAllItsTimeIsBilled) {
    StepGrant what =
        container({"--print=first-second", "--pieces=2", "--milliseconds=60000", "--leave=out/a.txt:kept"});
    what.work.setup.keeps_files = true;
    what.work.files_url = "http://files/";
    grant(what);
    pump_for(40s);
    EXPECT_EQ(output(), "first-");
    restart();
    std::vector<Lease> leases;
    runner->add_leases(&leases);
    EXPECT_EQ(leases, std::vector{what.lease}) << "the scheduler hears that it is still there";
    EXPECT_EQ(volumes.alive(), 1U);
    pump_for(30s);
    EXPECT_EQ(output(), "first-second");
    EXPECT_TRUE(all_of<NodeFailedJob>().empty());
    const auto finished = only<StepFinished>();
    EXPECT_EQ(finished.exit_code, 0);
    EXPECT_EQ((finished.finished.finished_at - finished.finished.started_at).count() / 1000, 60);
    ASSERT_EQ(finished.files.size(), 1U);
    EXPECT_EQ(finished.files[0].name, "a.txt");
    EXPECT_EQ(sandbox.starts(), 1U);
    runner->on_ack(ack_of(what, finished));
    pump_for(1s);
    EXPECT_FALSE(runner->owns(what.lease.job_id));
}

TEST_F(StepHeritageTest, WhatEndedMeanwhileIsReportedWithItsResult) {
    const StepGrant what = container({"--print=done", "--milliseconds=2000", "--exit=3"});
    grant(what);
    pump_for(1s);
    restart();
    pump_for(1s);
    const auto finished = only<StepFinished>();
    EXPECT_EQ(finished.exit_code, 3);
    EXPECT_EQ(output(), "done");
}

TEST_F(StepHeritageTest, AResultFromBeforeTheLinkNamesTheSchedulerOfTheLease) {
    const StepGrant what = container({"--milliseconds=2000"});
    grant(what);
    pump_for(1s);
    crash();
    pass(5s);
    sim::FakeSigner other{77};
    std::swap(other, scheduler);  // another one answers on the first link after the restart
    boot();
    pump_for(1s);
    std::swap(other, scheduler);
    const auto finished = only<StepFinished>();
    const Hash digest = market::receipt_digest(deployment, bill_of(what, finished));
    EXPECT_EQ(crypto::recover(digest, finished.finished.node_signature).value(), signer.address());
}

TEST_F(StepHeritageTest, ACancelReachesAnAdoptedStep) {
    const StepGrant what = container({"--endless"});
    grant(what);
    pump_for(1s);
    restart();
    runner->on_cancel({what.lease.job_id, what.lease.fencing_token, false});
    pump_for(1s);
    EXPECT_EQ(only<StepFinished>().exit_code, kCancelledExit);
    EXPECT_EQ(sandbox.running(), 0U);
}

TEST_F(StepHeritageTest, TheTimeLimitCountsFromTheFirstStart) {
    StepGrant what = container({"--endless"});
    what.work.seconds_max = 10;
    grant(what);
    pump_for(8s);
    restart();
    pump_for(1s);
    EXPECT_EQ(only<StepFinished>().exit_code, kTimeLimitExit);
}

TEST_F(StepHeritageTest, AStepWhoseVolumeIsGoneIsGivenBack) {
    StepGrant what = container({"--endless"});
    what.work.setup.keeps_files = true;
    what.work.files_url = "http://files/";
    grant(what);
    pump_for(1s);
    crash();
    ASSERT_EQ(await(*this, volumes.sweep({})).value(), 1U);
    boot();
    pump_for(1s);
    EXPECT_EQ(only<NodeFailedJob>().job_id, what.lease.job_id);
    EXPECT_EQ(sandbox.running(), 0U);
    EXPECT_EQ(sandbox.orphans(), 0U);
}

TEST_F(StepHeritageTest, AUnitThatIsNotOfferedAnyMoreEndsItsSteps) {
    const StepGrant what = container({"--endless"});
    grant(what);
    pump_for(1s);
    crash();
    offer.number = 4;
    boot();
    pump_for(1s);
    EXPECT_EQ(only<NodeFailedJob>().job_id, what.lease.job_id);
    EXPECT_EQ(sandbox.orphans(), 0U);
}

// Whenever the agent dies, the step goes on or is given back, and nothing is left lying about.
TEST_F(StepHeritageTest, AtEveryMomentNothingIsLostOrLeaks) {
    std::size_t adopted = 0;
    constexpr int kMoments = 60;
    for (int moment = 0; moment < kMoments; ++moment) {
        StepGrant what = container({"--print=x", "--milliseconds=30000", "--leave=out/a:b"});
        what.lease.job_id.bytes.fill(static_cast<std::uint8_t>(moment + 1));
        what.work.setup.keeps_files = true;
        what.work.files_url = "http://files/";
        grant(what);
        pass(std::chrono::milliseconds{moment});
        restart();
        const bool goes_on = runner->owns(what.lease.job_id);
        adopted += goes_on ? 1U : 0U;
        EXPECT_EQ(sandbox.orphans(), 0U) << moment;
        EXPECT_EQ(sandbox.running(), goes_on ? 1U : 0U) << moment;
        EXPECT_EQ(volumes.alive(), goes_on ? 1U : 0U) << moment;
        pump_for(40s);
        EXPECT_EQ(all_of<StepFinished>().size(), goes_on ? 1U : 0U) << moment;
        if (goes_on) runner->on_ack(ack_of(what, only<StepFinished>()));
        pump_for(1s);
        EXPECT_EQ(runner->running(), 0U);
        EXPECT_FALSE(stored(what).has_value()) << moment;
    }
    EXPECT_GT(adopted, 0U);
    EXPECT_LT(adopted, static_cast<std::size_t>(kMoments));
}

}  // namespace
}  // namespace vcity::node
