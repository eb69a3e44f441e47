// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "services/scheduler/work/work_desk_test_stand.hpp"

namespace vcity::scheduler {
namespace {

using namespace std::chrono_literals;
using test::kRich;
using test::Node;
using test::Peer;
using test::WorkDeskTest;

TEST_F(WorkDeskTest, AnOrderIsLeasedRunsAndIsChargedForItsTime) {
    cheap_.offer(1, Usd{3'600'000});
    begin();
    const WorkOrder order = an_order(1);
    submit(order);
    const auto accepted = gateway_.heard<WorkAccepted>();
    ASSERT_EQ(accepted.size(), 1U);
    EXPECT_EQ(accepted[0].reserved, order.budget);
    ASSERT_EQ(cheap_.granted(), 1U);
    const StepGrant grant = cheap_.grant(0);
    EXPECT_EQ(grant.quote, Usd{3'600'000});
    cheap_.start(grant);
    pass(5s);
    EXPECT_EQ(status(order).steps[0].state, StepState::kRunning);
    cheap_.finish(grant, signer_.address(), 2500ms);
    pass(1s);
    const WorkStatusReply reply = status(order);
    EXPECT_EQ(reply.state, WorkState::kSucceeded) << reply.error;
    EXPECT_EQ(reply.charged, Usd{2500});
    EXPECT_EQ(reply.history.size(), 4U);
    const auto acks = cheap_.heard<ReceiptAck>();
    ASSERT_EQ(acks.size(), 1U);
    EXPECT_TRUE(acks[0].accepted) << acks[0].reason;
    gateway_.post(WorkOutputRequest{order.job_id, order.client, reply.steps[0].step_id, 0});
    pass(1s);
    const auto outputs = gateway_.heard<WorkOutputReply>();
    ASSERT_EQ(outputs.size(), 1U);
    EXPECT_EQ(as_text(outputs[0].bytes), "done\n");
}

TEST_F(WorkDeskTest, AQuotesPriceHoldsWhenTheNodeAsksForMore) {
    cheap_.offer(1, Usd{1'000'000});
    begin();
    WorkOrder order = an_order(1);
    const std::optional<WorkQuote> quoted = quote(order);
    ASSERT_TRUE(quoted.has_value());
    EXPECT_EQ(quoted->most, Usd{1'000'000});
    cheap_.offer(1, Usd{1'000'001});
    pass(1s);
    order.quote_id = quoted->quote_id;
    submit(order);
    EXPECT_EQ(gateway_.heard<WorkAccepted>().size(), 1U);
    EXPECT_EQ(cheap_.granted(), 0U) << "it rather waits";
    EXPECT_EQ(status(order).steps[0].state, StepState::kQueued);
    cheap_.offer(1, Usd{900'000});
    pass(5s);
    ASSERT_EQ(cheap_.granted(), 1U);
    EXPECT_EQ(cheap_.grant(0).hourly, Usd{900'000});
    WorkOrder again = an_order(2);
    again.quote_id = quoted->quote_id;
    submit(again);
    const auto refused = gateway_.heard<JobFailed>();
    ASSERT_EQ(refused.size(), 1U);
    EXPECT_EQ(refused[0].code, Errc::kNotFound) << "a quote is good for one order";
}

TEST_F(WorkDeskTest, QuotedUnitsAreHeldForAMinute) {
    cheap_.offer(1, Usd{1'000'000});
    begin();
    ASSERT_TRUE(quote(an_order(1)).has_value());
    submit(an_order(2));
    EXPECT_EQ(cheap_.granted(), 0U);
    pass(60s);
    EXPECT_EQ(cheap_.granted(), 1U);
}

TEST_F(WorkDeskTest, BestEffortWorkPaysTheSpotPriceAndGivesWay) {
    cheap_.offer(1, Usd{1'000'000}, Usd{100'000});
    begin();
    WorkOrder spot = an_order(1);
    spot.spec.service_class = ServiceClass::kBestEffort;
    submit(spot);
    ASSERT_EQ(cheap_.granted(), 1U);
    const StepGrant first = cheap_.grant(0);
    EXPECT_EQ(first.hourly, Usd{100'000});
    cheap_.start(first);

    const WorkOrder dear = an_order(2);
    submit(dear);
    const auto cancels = cheap_.heard<JobCancel>();
    ASSERT_EQ(cancels.size(), 1U) << "one is enough";
    EXPECT_EQ(cancels[0].job_id, first.lease.job_id);
    cheap_.give_back(first);
    pass(5s);
    ASSERT_EQ(cheap_.granted(), 2U);
    const StepGrant second = cheap_.grant(1);
    EXPECT_EQ(second.hourly, Usd{1'000'000});
    EXPECT_EQ(status(spot).steps[0].state, StepState::kQueued);

    cheap_.finish(second, signer_.address(), 1000ms);
    pass(5s);
    EXPECT_EQ(status(dear).state, WorkState::kSucceeded);
    ASSERT_EQ(cheap_.granted(), 3U) << "it starts again";
    const StepGrant third = cheap_.grant(2);
    EXPECT_EQ(third.hourly, Usd{100'000});
    EXPECT_EQ(third.lease.attempt, 2U);
    cheap_.finish(third, signer_.address(), 1000ms);
    pass(1s);
    EXPECT_EQ(status(spot).state, WorkState::kSucceeded);
    EXPECT_EQ(status(spot).charged, Usd{28}) << "ceil(100,000 / 3,600)";
}

TEST_F(WorkDeskTest, BestEffortWorkBuysOnDemandWhereNobodyOffersASpotPrice) {
    dear_.offer(1, Usd{1'000'000});
    begin();
    WorkOrder order = an_order(1);
    order.spec.service_class = ServiceClass::kBestEffort;
    submit(order);
    ASSERT_EQ(dear_.granted(), 1U);
    EXPECT_EQ(dear_.grant(0).hourly, Usd{1'000'000});
}

TEST_F(WorkDeskTest, AGangThatLosesAMemberStartsAgainAsAWhole) {
    cheap_.offer(1, Usd{1'000'000});
    begin();
    WorkOrder order = an_order(1);
    order.spec.groups[0].is_gang = true;
    order.spec.groups[0].count = 2;
    submit(order);
    EXPECT_EQ(cheap_.granted(), 0U) << "one unit is not enough, so none is taken";
    dear_.offer(1, Usd{2'000'000});
    pass(5s);
    ASSERT_EQ(cheap_.granted(), 1U);
    ASSERT_EQ(dear_.granted(), 1U);
    cheap_.give_back(cheap_.grant(0));
    pass(1s);
    ASSERT_EQ(dear_.heard<JobCancel>().size(), 1U);
    dear_.give_back(dear_.grant(0));
    pass(20s);
    EXPECT_EQ(cheap_.granted() + dear_.granted(), 2U) << "the node that failed it is avoided";
    pass(60s);
    EXPECT_EQ(cheap_.granted() + dear_.granted(), 4U) << "for a minute: there is no other";
    EXPECT_EQ(status(order).state, WorkState::kActive);
    EXPECT_EQ(status(order).charged, Usd{0});
}

TEST_F(WorkDeskTest, ACancelledJobStopsAndItsMoneyIsFree) {
    cheap_.offer(1, Usd{1'000'000});
    begin();
    WorkOrder order = an_order(1);
    order.budget = kRich;
    submit(order);
    ASSERT_EQ(cheap_.granted(), 1U);
    gateway_.post(WorkCancel{order.job_id, cheap_.address()});
    pass(1s);
    EXPECT_EQ(status(order).state, WorkState::kActive) << "of another client";
    gateway_.post(WorkCancel{order.job_id, order.client});
    pass(1s);
    ASSERT_EQ(cheap_.heard<JobCancel>().size(), 1U);
    EXPECT_EQ(status(order).state, WorkState::kActive) << "its node has not said yet what it used";
    cheap_.finish(cheap_.grant(0), signer_.address(), 2000ms, kCancelledExit);
    pass(1s);
    EXPECT_EQ(status(order).state, WorkState::kCancelled);
    EXPECT_EQ(status(order).charged, Usd{556}) << "2 s of a dollar an hour";
    WorkOrder next = an_order(2);
    next.budget = Usd{kRich.micro - 556};
    submit(next);
    EXPECT_EQ(cheap_.granted(), 2U) << "the rest of the money is free";
}

TEST_F(WorkDeskTest, ACancelledJobDoesNotWaitForANodeThatSaysNothing) {
    cheap_.offer(1, Usd{1'000'000});
    begin();
    const WorkOrder order = an_order(1);
    submit(order);
    gateway_.post(WorkCancel{order.job_id, order.client});
    pass(15s);

    EXPECT_EQ(status(order).state, WorkState::kCancelled);
    EXPECT_EQ(status(order).charged, Usd{0});
}

TEST_F(WorkDeskTest, AJobPaysForItsTimeUntilItsDeadline) {
    cheap_.offer(1, Usd{1'000'000});
    begin();
    WorkOrder order = an_order(1);
    order.deadline = world_.unix_now() + 60s;
    submit(order);
    pass(order.deadline - world_.unix_now() + 1s);
    EXPECT_EQ(status(order).state, WorkState::kActive) << status(order).error;
    ASSERT_EQ(cheap_.heard<JobCancel>().size(), 1U);
    cheap_.finish(cheap_.grant(0), signer_.address(), 60'000ms, kCancelledExit);
    pass(1s);

    EXPECT_EQ(status(order).state, WorkState::kFailed);
    EXPECT_EQ(status(order).charged, Usd{16'667});
}

TEST_F(WorkDeskTest, WhatRunsGoesOnWhenTheSchedulerStartsAgain) {
    cheap_.offer(1, Usd{1'000'000});
    begin();
    WorkOrder order = an_order(1);
    order.quote_id = quote(order)->quote_id;
    submit(order);
    ASSERT_EQ(cheap_.granted(), 1U);
    const StepGrant grant = cheap_.grant(0);
    cheap_.keep(grant);
    cheap_.offer(1, Usd{5'000'000});
    end();
    open();
    pass(20s);
    EXPECT_EQ(status(order).steps[0].attempt, 1U);
    EXPECT_EQ(cheap_.granted(), 1U);
    cheap_.finish(grant, signer_.address(), 1000ms);
    pass(1s);
    EXPECT_EQ(status(order).state, WorkState::kSucceeded);
    EXPECT_EQ(status(order).charged, Usd{278}) << "the price of the quote";
    submit(order);
    EXPECT_EQ(gateway_.heard<WorkAccepted>().size(), 2U) << "the same order again is answered, its quote long used";
    EXPECT_TRUE(gateway_.heard<JobFailed>().empty());
}

TEST_F(WorkDeskTest, AnOrderThatHasEndedIsAnsweredEvenWhenItWouldBeRefusedToday) {
    cheap_.offer(1, Usd{1'000'000});
    begin();
    WorkOrder order = an_order(1);
    order.spec.groups[0].ask.cpu_milli = 1000;
    submit(order);
    cheap_.finish(cheap_.grant(0), signer_.address(), 1000ms);
    pass(1s);
    ASSERT_EQ(status(order).state, WorkState::kSucceeded);
    cheap_.shrink();
    pass(60s);
    submit(order);
    EXPECT_EQ(gateway_.heard<WorkAccepted>().size(), 2U) << "its customer may have missed the first";
    EXPECT_TRUE(gateway_.heard<JobFailed>().empty());
    submit(an_order(2));
    ASSERT_EQ(gateway_.heard<JobFailed>().size(), 1U) << "a new one fits no unit";
    EXPECT_EQ(gateway_.heard<JobFailed>()[0].code, Errc::kInvalid);
}

TEST_F(WorkDeskTest, AnOrderThatComesAgainWhileItIsLookedAtIsAnsweredOnce) {
    cheap_.offer(1, Usd{1'000'000});
    begin();
    WorkOrder order = an_order(1);
    order.spec.groups[0].ask.cpu_milli = 1000;
    gateway_.post(WorkSubmit{order});
    cheap_.shrink();  // heard before the second, which alone would be refused
    gateway_.post(WorkSubmit{order});
    WorkOrder other = order;
    other.budget = Usd{9'000'000};
    gateway_.post(WorkSubmit{other});
    pass(30s);
    EXPECT_EQ(gateway_.heard<WorkAccepted>().size() + gateway_.heard<JobFailed>().size(), 2U);
    ASSERT_FALSE(gateway_.heard<JobFailed>().empty());
    EXPECT_EQ(gateway_.heard<JobFailed>()[0].code, Errc::kConflict) << "another order under the same id";
}

StepFile a_file(std::string name) {
    StepFile file;
    file.name = std::move(name);
    file.sha256.bytes.fill(6);
    file.bytes = 10;
    return file;
}

TEST_F(WorkDeskTest, AStepGoesOnlyWhereItsSetupIsPossible) {
    cheap_.offer(1, Usd{1'000'000});
    dear_.offer(1, Usd{2'000'000}, {}, bit(UnitFeature::kContainers) | bit(UnitFeature::kPorts));
    begin();
    WorkOrder order = an_order(1);
    order.spec.groups[0].setup.image = "busybox";
    submit(order);
    EXPECT_EQ(cheap_.granted(), 0U);
    ASSERT_EQ(dear_.granted(), 1U);
    EXPECT_EQ(dear_.grant(0).work.setup.image, "busybox");
    WorkOrder other = an_order(2);
    other.spec.groups[0].setup.program = "render";
    submit(other);
    const auto refused = gateway_.heard<JobFailed>();
    ASSERT_EQ(refused.size(), 1U);
    EXPECT_NE(refused[0].message.find("with render"), std::string::npos) << refused[0].message;
}

TEST_F(WorkDeskTest, ALostStepGoesOnFromItsCheckpointOnAnotherNode) {
    cheap_.offer(1, Usd{1'000'000}, {}, bit(UnitFeature::kFiles));
    dear_.offer(1, Usd{2'000'000}, {}, bit(UnitFeature::kFiles));
    begin();
    WorkOrder order = an_order(1);
    order.files_url = "https://gateway.example/files/token/";
    order.spec.groups[0].setup.checkpoint_seconds = 60;
    submit(order);
    ASSERT_EQ(cheap_.granted(), 1U);
    const StepGrant first = cheap_.grant(0);
    cheap_.start(first);
    cheap_.post(StepCheckpoint{first.lease.job_id, first.lease.fencing_token, 1, {a_file("weights")}});
    cheap_.post(StepCheckpoint{first.lease.job_id, first.lease.fencing_token, 2, {a_file("../etc/passwd")}});
    pass(1s);
    end();  // it is not in the memory of one process only
    cheap_.keep(first);
    open();
    pass(20s);
    cheap_.give_back(first);
    pass(10s);
    ASSERT_EQ(dear_.granted(), 1U);
    const StepGrant second = dear_.grant(0);
    ASSERT_EQ(second.work.inputs.size(), 1U);
    EXPECT_EQ(second.work.inputs[0].name, "checkpoint/weights");
    EXPECT_EQ(second.work.inputs[0].sha256, a_file("weights").sha256);
    EXPECT_EQ(second.work.files_url, order.files_url);
    dear_.finish(second, signer_.address(), 1000ms);
    pass(1s);
    EXPECT_EQ(status(order).state, WorkState::kSucceeded);
    EXPECT_EQ(status(order).charged, Usd{556}) << "the lost attempt costs nothing";
}

TEST_F(WorkDeskTest, AStepThatGivesWayIsPaidUpToItsCheckpointAndMovesOn) {
    cheap_.offer(1, Usd{1'000'000}, {}, bit(UnitFeature::kFiles));
    dear_.offer(1, Usd{2'000'000}, {}, bit(UnitFeature::kFiles));
    begin();
    WorkOrder order = an_order(1);
    order.files_url = "https://gateway.example/files/token/";
    order.spec.groups[0].setup.checkpoint_seconds = 60;
    order.spec.groups[0].retries = 0;
    submit(order);
    ASSERT_EQ(cheap_.granted(), 1U);
    const StepGrant first = cheap_.grant(0);
    cheap_.start(first);
    pass(60s);
    cheap_.post(StepCheckpoint{first.lease.job_id, first.lease.fencing_token, 1, {a_file("weights")}});
    cheap_.finish(first, signer_.address(), 36'000ms, work::kGaveWayExit);
    pass(10s);
    EXPECT_EQ(status(order).charged, Usd{10'000});
    ASSERT_EQ(dear_.granted(), 1U) << "not where it has just been sent away";
    EXPECT_EQ(dear_.grant(0).work.inputs.at(0).name, "checkpoint/weights");
    dear_.finish(dear_.grant(0), signer_.address(), 1000ms);
    pass(1s);
    EXPECT_EQ(status(order).state, WorkState::kSucceeded);
    EXPECT_EQ(status(order).charged, Usd{10'556});
}

TEST_F(WorkDeskTest, NobodyIsPaidForGivingWayWithoutACheckpointOrForTheTimeAfterIt) {
    cheap_.offer(1, Usd{1'000'000}, {}, bit(UnitFeature::kFiles));
    dear_.offer(1, Usd{2'000'000}, {}, bit(UnitFeature::kFiles));
    begin();
    WorkOrder order = an_order(1);
    order.files_url = "https://gateway.example/files/token/";
    order.spec.groups[0].setup.checkpoint_seconds = 60;
    submit(order);
    ASSERT_EQ(cheap_.granted(), 1U);
    pass(60s);
    cheap_.finish(cheap_.grant(0), signer_.address(), 36'000ms, work::kGaveWayExit);
    pass(10s);
    ASSERT_EQ(dear_.granted(), 1U);
    const StepGrant second = dear_.grant(0);
    dear_.post(StepCheckpoint{second.lease.job_id, second.lease.fencing_token, 1, {a_file("weights")}});
    pass(120s);
    dear_.finish(second, signer_.address(), 110'000ms, work::kGaveWayExit);
    pass(1s);

    ASSERT_EQ(cheap_.heard<ReceiptAck>().size(), 1U);
    EXPECT_EQ(cheap_.heard<ReceiptAck>()[0].reason, "it gave way without a checkpoint to go on from");
    ASSERT_EQ(dear_.heard<ReceiptAck>().size(), 1U);
    EXPECT_EQ(dear_.heard<ReceiptAck>()[0].reason, "it bills more than the time until its checkpoint");
    EXPECT_EQ(status(order).charged, Usd{});
}

TEST_F(WorkDeskTest, AnInputThatIsNotToBeHadIsNotTheNodesFault) {
    cheap_.offer(1, Usd{1'000'000});
    begin();
    WorkOrder order = an_order(1);
    order.spec.groups[0].retries = 0;
    submit(order);
    ASSERT_EQ(cheap_.granted(), 1U);
    NodeFailedJob failed;
    failed.job_id = cheap_.grant(0).lease.job_id;
    failed.fencing_token = cheap_.grant(0).lease.fencing_token;
    failed.code = Errc::kNotFound;
    failed.reason = "input file a.txt: there is no such file";
    cheap_.post(failed);
    pass(1s);
    EXPECT_EQ(status(order).state, WorkState::kFailed);
    EXPECT_NE(status(order).error.find("input file a.txt"), std::string::npos) << status(order).error;
    EXPECT_EQ(status(order).charged, Usd{});
}

TEST_F(WorkDeskTest, FilesOfAResultAreSignedForShownAndHandedOn) {
    cheap_.offer(1, Usd{1'000'000}, {}, bit(UnitFeature::kFiles));
    begin();
    WorkOrder order = an_order(1);
    order.files_url = "https://gateway.example/files/token/";
    order.spec.groups[0].setup.keeps_files = true;
    StepGroup film = order.spec.groups[0];
    film.name = "film";
    film.needs = film.takes = {"main"};
    film.setup.keeps_files = false;
    order.spec.groups.push_back(film);
    submit(order);
    cheap_.finish(cheap_.grant(0), signer_.address(), 1000ms, 0, {a_file("a.png")});
    pass(1s);
    ASSERT_EQ(status(order).steps[0].files.size(), 1U);
    EXPECT_EQ(status(order).steps[0].files[0], a_file("a.png"));
    ASSERT_EQ(cheap_.granted(), 2U);
    ASSERT_EQ(cheap_.grant(1).work.inputs.size(), 1U);
    EXPECT_EQ(cheap_.grant(1).work.inputs[0].name, "in/main/0/a.png");
    cheap_.finish(cheap_.grant(1), signer_.address(), 1000ms);
    pass(1s);
    EXPECT_EQ(status(order).state, WorkState::kSucceeded);
}

TEST_F(WorkDeskTest, AResultWithFilesThatCannotBeIsTheNodesFault) {
    cheap_.offer(1, Usd{1'000'000});
    begin();
    const WorkOrder order = an_order(1);
    submit(order);
    cheap_.finish(cheap_.grant(0), signer_.address(), 1000ms, 0, {a_file("../../a")});
    pass(1s);
    EXPECT_EQ(status(order).charged, Usd{0});
    EXPECT_FALSE(cheap_.heard<ReceiptAck>().back().accepted);
}

TEST_F(WorkDeskTest, StepsWithOneLabelGoToDifferentNodesWhileThereAreSome) {
    cheap_.offer(4, Usd{1'000'000});
    dear_.offer(4, Usd{2'000'000});
    begin();
    for (std::uint8_t number = 1; number <= 3; ++number) {
        WorkOrder order = an_order(number);
        order.spec.spread = "dep_1";
        submit(order);
    }
    EXPECT_EQ(cheap_.granted(), 2U);
    EXPECT_EQ(dear_.granted(), 1U);
    WorkOrder other = an_order(4);
    other.spec.spread = "dep_2";
    submit(other);
    EXPECT_EQ(cheap_.granted(), 3U) << "another label stands for itself";
}

TEST_F(WorkDeskTest, StepsWithOneLabelGoToDifferentRegionsFirst) {
    cheap_.offer(4, Usd{1'000'000});
    dear_.offer(4, Usd{1'100'000});  // another owner, in the same region
    third_.offer(1, Usd{9'000'000});
    third_.move_to("us");
    begin();
    for (std::uint8_t number = 1; number <= 4; ++number) {
        WorkOrder order = an_order(number);
        order.spec.spread = "dep_1";
        submit(order);
        if (number == 2) {
            EXPECT_EQ(third_.granted(), 1U) << "whatever it costs";
        }
    }
    EXPECT_EQ(cheap_.granted(), 2U);
    EXPECT_EQ(dear_.granted(), 1U) << "where the other region is full, another owner";
    WorkOrder here = an_order(5);
    here.spec.regions = {"eu"};
    here.spec.spread = "dep_1";
    submit(here);
    EXPECT_EQ(cheap_.granted() + dear_.granted(), 4U) << "never where the customer does not want to be";
}

TEST_F(WorkDeskTest, ExclusiveWorkSharesItsNodeWithNobodyElse) {
    cheap_.offer(4, Usd{1'000'000});
    begin();
    WorkOrder order = an_order(1);
    order.spec.is_exclusive = true;
    submit(order);
    ASSERT_EQ(cheap_.granted(), 1U);
    submit(of_stranger(an_order(2)));
    EXPECT_EQ(cheap_.granted(), 1U) << "the node is taken";
    submit(an_order(3));
    EXPECT_EQ(cheap_.granted(), 2U) << "its own customer may";
    dear_.offer(4, Usd{2'000'000});
    pass(10s);
    EXPECT_EQ(dear_.granted(), 1U) << "the stranger goes elsewhere";
    WorkOrder late = an_order(4);
    late.spec.is_exclusive = true;
    late.spec.groups[0].count = 4;
    submit(late);
    EXPECT_EQ(dear_.granted(), 1U) << "no exclusive work joins a stranger";
    EXPECT_EQ(cheap_.granted(), 4U);
}

}  // namespace
}  // namespace vcity::scheduler
