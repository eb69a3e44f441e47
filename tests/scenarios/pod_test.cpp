// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include <gtest/gtest.h>

#include "scenarios/work_orders.hpp"
#include "scenarios/work_watch.hpp"

// Services: they keep their node while it is away, nobody pays for that time, and their customer alone reaches them.
namespace vcity::scenarios {
namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t kMicroASecond = 1'000;  // kCoreHourly

class Pod : public ::testing::Test {
  protected:
    Pod() {
        cluster_.book.jobs.clear();
        cluster_.others.push_back(&customers_);
        cluster_.scheduler->adjust = [this](scheduler::SchedulerOptions* options) {
            options->gateways.insert(customers_.signer.address());
        };
        cluster_.world.runtime.set_after_step([this] { watch_.look(); });
        node().units = {a_unit(0, 2)};
    }

    NodeMachine& node() { return *cluster_.nodes[1]; }
    void go(Duration time) {
        sim::SimRuntime& runtime = cluster_.world.runtime;
        const TimePoint end = runtime.now() + time;
        while (watch_.violation().empty() && runtime.now() < end) {
            runtime.run_until(std::min(end, runtime.now() + 100ms), 1'000'000);
        }
        ASSERT_EQ(watch_.violation(), "");
    }
    const WorkJob* start_service(std::uint32_t seconds, bool is_service = true) {
        StepGroup group = a_group("main", 1, 1s);
        group.command = {"/bin/step", "--endless"};
        group.seconds_max = seconds;
        group.retries = 0;
        group.setup.is_service = is_service;
        WorkJob job = a_job(&cluster_.world, buyer_.rich, cluster_.scheduler->signer.address(), 1, {group});
        const JobId job_id = job.order.job_id;
        const WorkJob* added = &(ledger_.jobs[job_id] = std::move(job));
        cluster_.start_all();
        for (int tick = 0; tick < 400 && node().running_commands() == 0; ++tick) go(100ms);
        return added;
    }
    void cut_link(Duration time) {
        cluster_.world.network.partition(cluster_.scheduler->name(), node().name(),
                                         cluster_.world.runtime.now() + time);
    }
    std::uint64_t leases_of(const WorkJob& job) { return watch_.jobs().at(job.order.job_id).steps().front().attempts; }
    TunnelOpen tunnel(const WorkJob& job, std::uint8_t number) {
        TunnelOpen open;
        open.tunnel.bytes[0] = number;
        open.job_id = job.order.job_id;
        open.client = job.order.client;
        open.group = "main";
        open.target.kind = TunnelKind::kShell;
        open.url = "ws://gateway/tunnels/secret";
        return open;
    }
    std::string refusal(TunnelOpen open) {
        ledger_.tunnels_refused.clear();
        customers_.post(std::move(open));
        go(2s);
        if (ledger_.tunnels_refused.size() != 1) return "no answer";
        return std::string{to_string(ledger_.tunnels_refused[0].code)} + ": " + ledger_.tunnels_refused[0].reason;
    }

    Cluster cluster_{ScenarioOptions{.seed = 7}};
    WorkLedger ledger_;
    WorkGateway customers_{&cluster_.world, 30, &ledger_};
    WorkWatch watch_{&cluster_, &ledger_};
    Buyer buyer_ = make_buyer(&cluster_.world, 60, cluster_.scheduler->signer.address());
};

TEST_F(Pod, TheMeterStandsWhileTheNodeIsAway) {
    const WorkJob* job = start_service(120);
    go(20s);
    cut_link(60s);
    go(150s);
    EXPECT_EQ(job->last.state, WorkState::kSucceeded) << job->last.error;
    EXPECT_EQ(leases_of(*job), 1U);
    const std::uint64_t paid_seconds = job->last.charged.micro / kMicroASecond;
    EXPECT_GE(paid_seconds, 40U);
    EXPECT_LE(paid_seconds, 62U);
    EXPECT_EQ(watch_.refusals(), 0U);
}

TEST_F(Pod, TwoOutagesCountTogether) {
    const WorkJob* job = start_service(150);
    for (int outage = 0; outage < 2; ++outage) {
        go(10s);
        cut_link(40s);
        go(60s);
    }
    go(60s);
    EXPECT_EQ(job->last.state, WorkState::kSucceeded) << job->last.error;
    const std::uint64_t paid_seconds = job->last.charged.micro / kMicroASecond;
    EXPECT_GE(paid_seconds, 45U);
    EXPECT_LE(paid_seconds, 75U);
}

TEST_F(Pod, AnOutageThatEndsTheServiceIsNotPaidEither) {
    const WorkJob* job = start_service(60);
    go(20s);
    cut_link(90s);
    go(150s);
    EXPECT_EQ(job->last.state, WorkState::kSucceeded) << job->last.error;
    const std::uint64_t paid_seconds = job->last.charged.micro / kMicroASecond;
    EXPECT_GE(paid_seconds, 15U);
    EXPECT_LE(paid_seconds, 25U);
}

TEST_F(Pod, TheCountOutlivesTheScheduler) {
    const WorkJob* job = start_service(200);
    go(10s);
    cut_link(60s);
    go(75s);
    cluster_.scheduler->crash();
    go(3s);
    cluster_.scheduler->start();
    go(150s);
    EXPECT_EQ(job->last.state, WorkState::kSucceeded) << job->last.error;
    const work::Job& known = watch_.jobs().at(job->order.job_id);
    EXPECT_EQ(known.steps().front().attempts, 1U);
    EXPECT_LE(job->last.charged.micro / kMicroASecond, 145U);
    EXPECT_EQ(watch_.refusals(), 0U);
}

TEST_F(Pod, OtherStepsPayForTheTimeTheyRan) {
    const WorkJob* job = start_service(60, false);
    go(10s);
    cut_link(3s);
    go(100s);
    EXPECT_GE(job->last.charged.micro / kMicroASecond, 59U);
}

TEST_F(Pod, OnlyItsCustomerReachesAStepAndHearsWhyNot) {
    const WorkJob* job = start_service(300);
    go(3s);
    // The simulator's nodes open no tunnels, and it is the node that says so.
    EXPECT_EQ(refusal(tunnel(*job, 1)), "invalid: this node opens no tunnels");
    TunnelOpen stranger = tunnel(*job, 2);
    stranger.client.bytes[0] ^= 1U;
    EXPECT_EQ(refusal(stranger), "not_found: no job of this id runs for this client");
    TunnelOpen elsewhere = tunnel(*job, 3);
    elsewhere.index = 1;
    EXPECT_EQ(refusal(elsewhere), "not_found: the job has no step main/1");
    TunnelOpen closed = tunnel(*job, 4);
    closed.target.kind = TunnelKind::kPort;
    closed.target.port = 22;
    EXPECT_EQ(refusal(closed), "denied: the step has not declared port 22");
    cut_link(30s);
    go(20s);
    EXPECT_EQ(refusal(tunnel(*job, 5)), "unavailable: its node cannot be reached at the moment");
}

}  // namespace
}  // namespace vcity::scenarios
